import { describe, expect, it } from '@jest/globals';
import { formatLength, scaleBar } from './scale-bar.js';

describe('scaleBar', () => {
  it.each([
    [1, 140, { width: 100, label: '10 cm' }],
    [0.5, 140, { width: 100, label: '5 cm' }],
    [0.01, 180, { width: 100, label: '1 mm' }],
    [0.001, 180, { width: 100, label: '100 µm' }],
  ])('%d mm a pixel in %d pixels', (spacing, widthMax, expected) => {
    expect(scaleBar(spacing, widthMax)).toEqual(expected);
  });

  it('never is longer than allowed', () => {
    for (let spacing = 0.0001; spacing < 10; spacing *= 1.37) {
      const bar = scaleBar(spacing, 150)!;
      expect(bar.width).toBeLessThanOrEqual(150);
      expect(bar.width).toBeGreaterThan(150 / 2.6);
    }
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('is none at %d mm a pixel', (spacing) => {
    expect(scaleBar(spacing, 100)).toBeUndefined();
  });
});

describe('formatLength', () => {
  it.each([
    [0.02, '20 µm'],
    [1, '1 mm'],
    [10, '1 cm'],
  ])('%d mm is %s', (length, expected) => expect(formatLength(length)).toBe(expected));
});
