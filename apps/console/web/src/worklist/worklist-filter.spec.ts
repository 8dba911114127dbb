import { describe, expect, it } from '@jest/globals';
import { matchesWorklistFilter, noFilter, readWorklistFilter, writeWorklistFilter } from './worklist-filter.js';
import { makeItem } from './worklist.fixture.js';

describe('the address of a filter', () => {
  it.each([
    ['', noFilter],
    [
      '?specialty=radiology&modality=CT&bodyPart=CHEST&ai=positive&q=m%C3%BCller+ct&state=all',
      {
        specialty: 'radiology',
        modality: 'CT',
        bodyPart: 'CHEST',
        ai: 'positive',
        text: 'müller ct',
        scope: 'all' as const,
      },
    ],
  ])('reads %j and writes it again', (search, filter) => {
    expect(readWorklistFilter(search)).toEqual(filter);
    expect(writeWorklistFilter(filter)).toBe(search);
  });

  it('forgets a reading state there is not', () => {
    expect(readWorklistFilter('?state=everything').scope).toBe('');
  });
});

describe('matchesWorklistFilter', () => {
  const item = makeItem('1.2.3', {
    patientName: 'Müller^Anna',
    patientId: 'P-77',
    accessionNumber: 'A100',
    studyDescription: 'CT CHEST',
    modalities: ['CT', 'SR'],
    ai: { state: 'positive', summary: 'Emphysema index 24 %', results: [] },
  });

  it.each([
    [{}, true],
    [{ text: '  ' }, true],
    [{ text: 'müller, anna' }, true],
    [{ text: 'ANNA chest' }, true],
    [{ text: 'anna knee' }, false],
    [{ text: 'p-77' }, true],
    [{ text: 'a100' }, true],
    [{ text: 'emphysema' }, true],
    [{ modality: 'SR' }, true],
    [{ modality: 'MR' }, false],
    [{ specialty: 'radiology' }, true],
    [{ specialty: 'cardiology' }, false],
    [{ bodyPart: 'CHEST' }, true],
    [{ bodyPart: 'KNEE' }, false],
    [{ ai: 'negative' }, false],
    [{ ai: 'positive', text: '1.2.3' }, true],
  ])('%j: %s', (changes, expected) => {
    expect(matchesWorklistFilter(item, { ...noFilter, ...changes })).toBe(expected);
  });
});
