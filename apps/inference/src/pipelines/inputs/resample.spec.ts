import { describe, expect, it } from '@jest/globals';
import { resample } from './resample.js';

const tone = (hertz: number, rate: number, seconds = 4) =>
  Float64Array.from({ length: rate * seconds }, (_, sample) => Math.sin((2 * Math.PI * hertz * sample) / rate));
const middle = (signal: Float64Array) => signal.subarray(signal.length / 4, (signal.length * 3) / 4);

describe('resample', () => {
  it.each([
    [100, 500],
    [360, 500],
    [1000, 500],
    [250, 500],
    [977, 500],
  ])('keeps a 20 Hz tone from %i to %i Hz, in place', (from, to) => {
    const expected = tone(20, to);
    const given = resample(tone(20, from), from, to);
    const worst = Math.max(
      ...middle(given).map((value, index) => Math.abs(value - middle(expected.subarray(0, given.length))[index]!)),
    );
    expect(worst).toBeLessThan(0.01);
  });

  it('takes away what the lower rate cannot carry', () => {
    const given = middle(resample(tone(320, 1000), 1000, 500));
    expect(Math.max(...given.map(Math.abs))).toBeLessThan(0.02);
  });

  it('keeps a constant, ends included, and a signal already at the rate', () => {
    expect(
      Math.max(...resample(new Float64Array(50).fill(7), 300, 500).map((value) => Math.abs(value - 7))),
    ).toBeLessThan(1e-9);
    const same = tone(5, 500);
    expect(resample(same, 500, 500)).toBe(same);
  });
});
