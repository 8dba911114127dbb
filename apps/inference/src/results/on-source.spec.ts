import { describe, expect, it } from '@jest/globals';
import type { VolumeMask } from '../pipelines/masks/mask.js';
import { between, type Grid } from '../pipelines/volumes/grid.js';
import { onSource } from './on-source.js';

const source: Grid = { dims: [19, 70, 81], affine: [0, 0, 1, -10, 0, 1.5, 0, -20, 2, 0, 0, 30] };

/** Voxel by voxel, by what the affines say. */
function nearest({ grid, data }: VolumeMask): Uint8Array {
  const m = between(source, grid);
  const out = new Uint8Array(19 * 70 * 81);
  for (let s = 0, at = 0; s < 19; s++)
    for (let r = 0; r < 70; r++)
      for (let c = 0; c < 81; c++, at++) {
        const [i, j, k] = [0, 4, 8].map((row) =>
          Math.floor(m[row]! * s + m[row + 1]! * r + m[row + 2]! * c + m[row + 3]! + 0.5),
        ) as [number, number, number];
        const isInside = [i, j, k].every((index, axis) => index >= 0 && index < grid.dims[axis]!);
        if (isInside) out[at] = data[(i * grid.dims[1] + j) * grid.dims[2] + k]!;
      }
  return out;
}

/** On a grid whose axes run along those of the source as named, some turned round, begun beside it. */
function maskOn(order: readonly number[], turned: readonly boolean[], step = 1): VolumeMask {
  const dims = order.map((axis) => Math.ceil((source.dims[axis]! + [3, -9, -17][axis]!) / step)) as [
    number,
    number,
    number,
  ];
  const affine = [0, 4, 8].flatMap((row) => {
    const steps = order.map((axis, index) => source.affine[row + axis]! * step * (turned[index] ? -1 : 1));
    const corner = order.reduce(
      (sum, axis, index) =>
        sum + source.affine[row + axis]! * (turned[index] ? step * (dims[index]! - 1) + 2.25 : 2.25),
      source.affine[row + 3]!,
    );
    return [...steps, corner];
  });
  const [a, b, c] = dims;
  const data = new Uint8Array(a * b * c);
  // Something in the middle, nothing at the edges, and a speck.
  for (let i = 3; i < a - 3; i++)
    for (let j = 2; j < b - 1; j++) for (let k = 2; k < c - 4; k++) data[(i * b + j) * c + k] = (i + 2 * j + 3 * k) % 5;
  data[(2 * b + 1) * c + 1] = 200;
  return { kind: 'volume', grid: { dims, affine }, data };
}

describe('onSource', () => {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  it.each(orders)('gives each voxel of the series what the mask has there, along axes %d %d %d', (...order) => {
    for (const turned of [
      [false, false, false],
      [true, false, true],
      [false, true, false],
    ]) {
      const mask = maskOn(order, turned);
      const out = onSource(mask, source);
      expect(out.filter((value) => value > 0).length).toBeGreaterThan(1000);
      expect(Buffer.compare(out, nearest(mask))).toBe(0);
    }
  });

  it('of a coarser grid', () => {
    const mask = maskOn([2, 0, 1], [false, true, true], 2);
    expect(Buffer.compare(onSource(mask, source), nearest(mask))).toBe(0);
  });

  it('of a mask with nothing in it is nothing', () => {
    const mask = maskOn([2, 0, 1], [false, true, true]);
    mask.data.fill(0);
    expect(onSource(mask, source).every((value) => value === 0)).toBe(true);
  });
});
