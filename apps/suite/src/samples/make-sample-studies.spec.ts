import { describe, expect, it } from '@jest/globals';
import { readPart10 } from '#libs/dicom';
import { makeSampleStudies } from './make-sample-studies.js';

describe('makeSampleStudies', () => {
  it('gives three studies of three patients, each marked as a sample', async () => {
    const seen: { name: string; patient: unknown; study: string; modality: unknown }[] = [];
    for await (const { name, instances } of makeSampleStudies()) {
      for await (const instance of instances) {
        const { dataset, studyInstanceUid } = readPart10(instance);
        const value = (tag: string) => dataset[tag]?.Value?.[0];
        seen.push({ name, patient: value('00100020'), study: studyInstanceUid, modality: value('00080060') });
        expect(value('00081030')).toMatch(/^SAMPLE .*\(synthetic\)$/);
        expect(value('00080070')).toBe('Isocenter');
        break; // one of each is enough; the rest is never made
      }
    }
    expect(seen.map(({ name, patient, modality }) => [name, patient, modality])).toEqual([
      ['ecg', 'ISOCENTER-SAMPLE-2', 'ECG'],
      ['slide', 'ISOCENTER-SAMPLE-3', 'SM'],
      ['chest', 'ISOCENTER-SAMPLE-1', 'CT'],
    ]);
    expect(new Set(seen.map(({ study }) => study)).size).toBe(3);
  }, 60_000);
});
