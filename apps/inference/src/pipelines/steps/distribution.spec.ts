import { describe, expect, it } from '@jest/globals';
import { count, mean, mode, percentile, rmssd, shareBelow, variation } from './distribution.js';

const list = (...values: number[]) => Float64Array.from(values);
const histogram = (from: number, ...counts: number[]) => ({
  from,
  counts: Float64Array.from(counts),
  sum: counts.reduce((sum, one, bin) => sum + one * (from + bin), 0),
});

describe('numbers of a list', () => {
  it('are those of the textbooks', () => {
    const values = list(2, 4, 4, 4, 5, 5, 7, 9);
    expect(count(values)).toBe(8);
    expect(mean(values)).toBe(5);
    expect(percentile(values, 50)).toBe(4.5);
    expect(percentile(values, 0)).toBe(2);
    expect(percentile(values, 100)).toBe(9);
    expect(variation(values)).toBeCloseTo(Math.sqrt(32 / 7) / 5);
    expect(shareBelow(values, 5)).toBe(0.5);
    expect(rmssd(list(800, 810, 790, 800))).toBeCloseTo(Math.sqrt((100 + 400 + 100) / 3));
  });

  it('are NaN of nothing', () => {
    for (const value of [
      mean(list()),
      percentile(list(), 50),
      variation(list(1)),
      rmssd(list(1)),
      shareBelow(list(), 0),
    ])
      expect(value).toBeNaN();
  });
});

describe('numbers of a histogram', () => {
  it('are those of the values in it', () => {
    const values = histogram(-2, 1, 2, 4, 1);
    expect(count(values)).toBe(8);
    expect(mean(values)).toBe(-3 / 8);
    expect(percentile(values, 15)).toBe(-1);
    expect(percentile(values, 50)).toBe(0);
    expect(shareBelow(values, 0)).toBe(3 / 8);
  });

  it('have the mode where most values are, whatever the tails', () => {
    const counts = Array.from({ length: 400 }, (_, bin) =>
      bin < 100 ? 3 : Math.exp(-(((bin - 300) / 20) ** 2)) * 100,
    );
    expect(mode(histogram(-1200, ...counts))).toBeCloseTo(-900, 0);
    expect(mode(histogram(-1200, ...counts.map((_, bin) => (bin === 200 ? 5 : 0))))).toBe(-1000);
  });

  it('are NaN of nothing', () => {
    const nothing = histogram(0, 0, 0);
    for (const value of [mean(nothing), percentile(nothing, 15), shareBelow(nothing, 1), mode(nothing)])
      expect(value).toBeNaN();
  });
});
