import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '../dicom/dicom-json.js';
import { chooseFirstSeries, readSeriesSummaries } from './series-summary.js';

const series = (uid: string, modality: string, number: number | undefined, count: number): DicomJson => ({
  '0020000E': { vr: 'UI', Value: [uid] },
  '00080060': { vr: 'CS', Value: [modality] },
  '00200011': number === undefined ? { vr: 'IS' } : { vr: 'IS', Value: [number] },
  '00201209': { vr: 'IS', Value: [count] },
});

describe('the series of a study', () => {
  const answer = [
    series('9', 'SR', 1, 1),
    series('3', 'CT', undefined, 3),
    series('2', 'CT', 2, 140),
    series('1', 'CT', 1, 2),
  ];

  it('are listed pictures first, by number, those without one last', () => {
    expect(readSeriesSummaries(answer).map((each) => each.seriesInstanceUid)).toEqual(['1', '2', '3', '9']);
  });

  it('open with the largest of the pictures', () => {
    expect(chooseFirstSeries(readSeriesSummaries(answer))?.seriesInstanceUid).toBe('2');
  });

  it('open with a report where there is nothing else', () => {
    expect(chooseFirstSeries(readSeriesSummaries([series('9', 'SR', 1, 1)]))?.seriesInstanceUid).toBe('9');
    expect(chooseFirstSeries([])).toBeUndefined();
  });

  it('leave out what has no UID', () => {
    expect(readSeriesSummaries([{}])).toEqual([]);
  });
});
