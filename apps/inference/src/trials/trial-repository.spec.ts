import { describe, expect, it } from '@jest/globals';
import { isChosen } from './trial-repository.js';

const studies = Array.from({ length: 4000 }, (_, index) => `1.2.826.0.1.3680043.10.${index}`);
const chosen = (percent: number, modelId = 'radiology/lung-density') =>
  new Set(studies.filter((uid) => isChosen(uid, { modelId, percent })));

describe('the studies of a trial', () => {
  it('are about as many as were asked for, and always the same', () => {
    for (const percent of [5, 20, 50])
      expect(Math.abs(chosen(percent).size / studies.length - percent / 100)).toBeLessThan(0.02);
    expect(chosen(20)).toEqual(chosen(20));
    expect(chosen(100).size).toBe(studies.length);
  });

  it('are among those of a greater share, and others for another model', () => {
    const chosen20 = chosen(20);
    expect([...chosen(10)].filter((uid) => !chosen20.has(uid))).toEqual([]);
    expect(chosen(20, 'cardiology/ecg-rhythm')).not.toEqual(chosen(20));
  });
});
