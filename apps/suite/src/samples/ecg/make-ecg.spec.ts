import { describe, expect, it } from '@jest/globals';
import { findBulkData, jsonItems, jsonNumber, jsonText, readPart10 } from '#libs/dicom';
import { fibrillatingHeart, leadNames } from './heart-model.js';
import { makeEcg } from './make-ecg.js';

const bytes = makeEcg();
const { dataset, sopClassUid, frames } = readPart10(bytes);
const group = jsonItems(dataset, '54000100')[0] ?? {};
const channels = jsonItems(group, '003A0200');

/** Microvolts of a channel, as a reader of the object gets them. */
function channel(index: number): number[] {
  const data = findBulkData(bytes, '54000100/0/54001010');
  if (!data) throw new Error('no waveform data');
  return Array.from({ length: 5000 }, (_, at) => bytes.readInt16LE(data.offset + (at * 12 + index) * 2));
}

const leads = Object.fromEntries(leadNames.map((name, index) => [name, channel(index)]));
const lead = (name: string): number[] => leads[name] ?? [];
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the sample ECG', () => {
  it('is marked as what it is', () => {
    expect(sopClassUid).toBe('1.2.840.10008.5.1.4.1.1.9.1.1');
    expect(frames.kind).toBe('none');
    expect(jsonText(dataset, '00100020')).toBe('ISOCENTER-SAMPLE-2');
    expect(jsonText(dataset, '00081030')).toMatch(/^SAMPLE /);
    expect(jsonText(dataset, '00104000')).toBe('Synthetic phantom, not a patient');
  });

  it('describes twelve leads of ten seconds at 500 Hz in microvolts', () => {
    expect([jsonNumber(group, '003A0005'), jsonNumber(group, '003A0010'), jsonNumber(group, '003A001A')]).toEqual([
      12, 5000, 500,
    ]);
    expect(channels.map((one) => jsonText(jsonItems(one, '003A0208')[0] ?? {}, '00080100'))).toEqual(
      ['1', '2', '61', '62', '63', '64', '3', '4', '5', '6', '7', '8'].map((lead) => `2:${lead}`),
    );
    for (const one of channels) {
      expect(jsonText(jsonItems(one, '003A0211')[0] ?? {}, '00080100')).toBe('uV');
      expect(jsonNumber(one, '003A0210')).toBe(1);
    }
  });

  it('obeys Einthoven exactly and Goldberger to half a step', () => {
    for (let at = 0; at < 5000; at++) {
      const [one, two, three] = [lead('I')[at] ?? 0, lead('II')[at] ?? 0, lead('III')[at] ?? 0];
      expect(one + three).toBe(two);
      expect(Math.abs((lead('aVR')[at] ?? 0) + (one + two) / 2)).toBeLessThanOrEqual(0.5);
      expect(Math.abs((lead('aVL')[at] ?? 0) - (one - three) / 2)).toBeLessThanOrEqual(0.5);
      expect(Math.abs((lead('aVF')[at] ?? 0) - (two + three) / 2)).toBeLessThanOrEqual(0.5);
    }
  });

  it('beats 110 to 125 times a minute without a pattern', () => {
    const { beats } = fibrillatingHeart(10, 42);
    const intervals = beats.slice(1).map((beat, index) => beat - (beats[index] ?? 0));
    const average = mean(intervals);
    const deviation = Math.sqrt(mean(intervals.map((interval) => (interval - average) ** 2)));
    const following = mean(
      intervals.slice(1).map((interval, index) => (interval - average) * ((intervals[index] ?? 0) - average)),
    );
    expect(60 / average).toBeGreaterThan(110);
    expect(60 / average).toBeLessThan(125);
    expect(deviation / average).toBeGreaterThan(0.15);
    expect(Math.abs(following / deviation ** 2)).toBeLessThan(0.5);
    expect(Math.min(...intervals)).toBeGreaterThan(0.3);
  });

  it('has an R wave in lead II and V5 at every beat, and a deep S in V1', () => {
    const { beats } = fibrillatingHeart(10, 42);
    for (const beat of beats.filter((at) => at > 0.05 && at < 9.95)) {
      const around = (name: string) =>
        lead(name).slice(Math.round((beat - 0.04) * 500), Math.round((beat + 0.04) * 500));
      expect(Math.max(...around('II'))).toBeGreaterThan(500);
      expect(Math.max(...around('V5'))).toBeGreaterThan(700);
      expect(Math.min(...around('V1'))).toBeLessThan(-500);
      // R grows from V1 to V4.
      expect(Math.max(...around('V1'))).toBeLessThan(Math.max(...around('V4')));
    }
  });

  it('has no P waves: before the beats, their mean shows nothing but the fine waves of fibrillation', () => {
    const { beats } = fibrillatingHeart(10, 42);
    const long = beats.filter((beat, index) => index > 0 && beat - (beats[index - 1] ?? 0) > 0.48);
    const before = long.map((beat) => {
      const at = Math.round(beat * 500);
      return lead('II').slice(at - 90, at - 25);
    });
    const average = Array.from({ length: 65 }, (_, index) => mean(before.map((values) => values[index] ?? 0)));
    expect(long.length).toBeGreaterThan(5);
    expect(Math.max(...average) - Math.min(...average)).toBeLessThan(90); // a P wave has 100 to 250
    const alone = before.map((values) => Math.max(...values) - Math.min(...values));
    expect(mean(alone)).toBeGreaterThan(20);
  });

  it('is the same bytes each time', () => {
    expect(makeEcg().equals(bytes)).toBe(true);
  });
});
