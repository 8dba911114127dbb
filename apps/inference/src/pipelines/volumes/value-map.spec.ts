import { describe, expect, it } from '@jest/globals';
import { mapped, thresholdBefore } from './value-map.js';

describe('thresholdBefore', () => {
  it.each([
    ['a range', { scale: 1, minus: -1024, over: 4095 }, 0.2],
    ['a range of fractions', { scale: 1, minus: 0.1, over: 0.7 }, 0.2],
    ['constants', { scale: 0.003921568627, minus: 0.485, over: 0.229 }, -1.3],
    ['what lies at 0', { scale: 1, minus: 0, over: 255 }, 0],
    ['what is below 0', { scale: 2, minus: 5, over: 3 }, -17],
  ])('of %s tells the same values from others as mapping them does', (_, map, above) => {
    const limit = thresholdBefore(above, map);
    expect(limit).toBe(Math.fround(limit));
    const near = [...neighbours(limit), -1e30, -3, -1e-40, -0, 0, 1e-40, 0.3, 51, 1e30, -Infinity, Infinity, NaN];
    for (const x of near) expect(x > limit).toBe(mapped(x, map) > above);
    expect(near.filter((x) => x > limit).length).toBeGreaterThan(2);
  });

  it('is an end where all or none are above', () => {
    const map = { scale: 1, minus: 0, over: 1 };
    expect(thresholdBefore(Infinity, map)).toBe(Infinity);
    expect(thresholdBefore(-Infinity, map)).toBeLessThan(-3e38);
  });
});

/** The float32 values beside one, some on each side. */
function neighbours(x: number): number[] {
  const float = Float32Array.of(x);
  const bits = new Int32Array(float.buffer);
  const at = bits[0]!;
  return [-3, -2, -1, 0, 1, 2, 3].map((step) => {
    bits[0] = at + step;
    return float[0]!;
  });
}
