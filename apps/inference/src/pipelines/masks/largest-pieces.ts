import type { VolumeMask } from './mask.js';

type Neighbours = 6 | 18 | 26;

/**
 * Keeps the largest connected pieces of a mask, of everything that is not 0 or of each value by itself; the rest becomes 0. Two passes
 * of union-find over the voxels, which holds four bytes a voxel.
 */
export function largestPieces(
  { grid, data }: VolumeMask,
  each: 'foreground' | 'label',
  neighbours: Neighbours,
  atMost: number,
): Uint8Array {
  const [slices, rows, columns] = grid.dims;
  const parents = new Int32Array(data.length);
  const find = (voxel: number): number => {
    let root = voxel;
    while (parents[root] !== root) root = parents[root] = parents[parents[root]!]!;
    return root;
  };
  const before = offsetsBefore(neighbours);
  let at = 0;
  for (let i = 0; i < slices; i++) {
    for (let j = 0; j < rows; j++) {
      for (let k = 0; k < columns; k++, at++) {
        const value = data[at]!;
        if (value === 0) continue;
        parents[at] = at;
        for (const [di, dj, dk] of before) {
          const [ni, nj, nk] = [i + di, j + dj, k + dk];
          if (ni < 0 || nj < 0 || nj >= rows || nk < 0 || nk >= columns) continue;
          const other = (ni * rows + nj) * columns + nk;
          const otherValue = data[other]!;
          if (otherValue === 0 || (each === 'label' && otherValue !== value)) continue;
          const [a, b] = [find(at), find(other)];
          if (a !== b) parents[a] = b;
        }
      }
    }
  }

  const sizes = new Map<number, number>();
  for (let voxel = 0; voxel < data.length; voxel++) {
    if (data[voxel] === 0) continue;
    const root = find(voxel);
    parents[voxel] = root;
    sizes.set(root, (sizes.get(root) ?? 0) + 1);
  }
  const kept = new Set<number>();
  const groups = Map.groupBy(sizes.keys(), (root) => (each === 'label' ? data[root]! : 1));
  for (const roots of groups.values())
    for (const root of roots.sort((a, b) => sizes.get(b)! - sizes.get(a)! || a - b).slice(0, atMost)) kept.add(root);
  return data.map((value, voxel) => (value !== 0 && kept.has(find(voxel)) ? value : 0));
}

/** Neighbours that come earlier in the array. */
function offsetsBefore(neighbours: Neighbours): [number, number, number][] {
  const most = { 6: 1, 18: 2, 26: 3 }[neighbours];
  const offsets: [number, number, number][] = [];
  for (const i of [-1, 0, 1])
    for (const j of [-1, 0, 1])
      for (const k of [-1, 0, 1]) {
        const isBefore = i < 0 || (i === 0 && (j < 0 || (j === 0 && k < 0)));
        if (isBefore && Math.abs(i) + Math.abs(j) + Math.abs(k) <= most) offsets.push([i, j, k]);
      }
  return offsets;
}
