import { describe, expect, it } from '@jest/globals';
import { type DicomJson, functionalGroup, itemsOf, numberOf, numbersOf, textOf, textsOf } from './dicom-json.js';

describe('reading DICOM JSON', () => {
  const dataset: DicomJson = {
    '00100010': { vr: 'PN', Value: [{ Ideographic: '山田^太郎' }] },
    '00280030': { vr: 'DS', Value: ['0.5', 0.25] },
    '00080008': { vr: 'CS', Value: ['ORIGINAL', null, ' PRIMARY '] },
    '00200011': { vr: 'IS' },
    '00200013': { vr: 'IS', Value: ['12x'] },
    '0040A730': { vr: 'SQ', Value: [{}, null, 'x'] },
  };

  it('reads text, also of names, and nothing where there is none', () => {
    expect(textOf(dataset, '00100010')).toBe('山田^太郎');
    expect(textOf(dataset, '00200011')).toBeUndefined();
    expect(textsOf(dataset, '00080008')).toEqual(['ORIGINAL', 'PRIMARY']);
  });

  it('reads numbers that come as numbers or as text, and none that is not one', () => {
    expect(numbersOf(dataset, '00280030', 2)).toEqual([0.5, 0.25]);
    expect(numbersOf(dataset, '00280030', 3)).toBeUndefined();
    expect(numberOf(dataset, '00200013')).toBeUndefined();
  });

  it('leaves out of a sequence what is no item', () => {
    expect(itemsOf(dataset, '0040A730')).toEqual([{}]);
  });

  it("prefers a frame's own functional group to the shared one", () => {
    const group = (value: number) => ({
      '00289110': { vr: 'SQ', Value: [{ '00180050': { vr: 'DS', Value: [value] } }] },
    });
    const enhanced: DicomJson = {
      '52009229': { vr: 'SQ', Value: [group(1)] },
      '52009230': { vr: 'SQ', Value: [group(2), {}] },
    };
    const thickness = (frame: number) => numberOf(functionalGroup(enhanced, '00289110', frame), '00180050');
    expect([thickness(0), thickness(1), thickness(2)]).toEqual([2, 1, 1]);
  });
});
