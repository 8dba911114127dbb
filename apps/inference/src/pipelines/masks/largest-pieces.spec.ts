import { describe, expect, it } from '@jest/globals';
import { largestPieces } from './largest-pieces.js';

const dims = [5, 6, 7] as const;
const size = dims[0] * dims[1] * dims[2];

/** The same by flooding voxel after voxel. */
function byFlooding(
  data: Uint8Array,
  each: 'foreground' | 'label',
  neighbours: 6 | 18 | 26,
  atMost: number,
): Uint8Array {
  const reach = { 6: 1, 18: 2, 26: 3 }[neighbours];
  const pieces: { value: number; voxels: number[] }[] = [];
  const seen = new Set<number>();
  const place = (at: number) => [Math.floor(at / 42), Math.floor(at / 7) % 6, at % 7] as const;
  for (let start = 0; start < size; start++) {
    if (data[start] === 0 || seen.has(start)) continue;
    const voxels = [start];
    seen.add(start);
    for (const at of voxels) {
      for (let other = 0; other < size; other++) {
        const off = place(at).map((index, axis) => Math.abs(index - place(other)[axis]!));
        const isBeside = Math.max(...off) === 1 && off.reduce((a, b) => a + b) <= reach;
        if (!isBeside || data[other] === 0 || seen.has(other)) continue;
        if (each === 'label' && data[other] !== data[start]) continue;
        seen.add(other);
        voxels.push(other);
      }
    }
    pieces.push({ value: each === 'label' ? data[start]! : 1, voxels });
  }
  const out = new Uint8Array(size);
  for (const value of [1, 2])
    for (const { voxels } of pieces
      .filter((piece) => piece.value === value)
      .sort((a, b) => b.voxels.length - a.voxels.length)
      .slice(0, atMost))
      for (const at of voxels) out[at] = data[at]!;
  return out;
}

describe('largestPieces', () => {
  for (const neighbours of [6, 18, 26] as const)
    for (const each of ['foreground', 'label'] as const)
      it(`keeps by ${neighbours} neighbours, of each ${each}, what flooding keeps`, () => {
        let seed = 7;
        const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
        for (let round = 0; round < 12; round++) {
          const share = 0.1 + 0.05 * round;
          const data = Uint8Array.from({ length: size }, () => (random() < share ? (random() < 0.7 ? 1 : 2) : 0));
          const mask = { kind: 'volume' as const, grid: { dims, affine: [] }, data };
          for (const atMost of [1, 2])
            expect(largestPieces(mask as never, each, neighbours, atMost)).toEqual(
              byFlooding(data, each, neighbours, atMost),
            );
        }
      });
});
