import type { VolumeMask } from '../pipelines/masks/mask.js';
import { between, type Grid, sameGrid, voxels } from '../pipelines/volumes/grid.js';

const made = new WeakMap<VolumeMask, Uint8Array>();

/**
 * A mask on the voxels of the series it was made of: each gets the label of the nearest voxel the network looked at, if there is one.
 * Made once for a mask, however many objects are made of it.
 */
export function onSource(mask: VolumeMask, source: Grid): Uint8Array {
  if (sameGrid(mask.grid, source)) return mask.data;
  const before = made.get(mask);
  if (before !== undefined) return before;
  const after = resampled(mask, source);
  made.set(mask, after);
  return after;
}

function resampled({ grid, data }: VolumeMask, source: Grid): Uint8Array {
  const m = between(source, grid);
  const [slices, rows, columns] = source.dims;
  const [depth, height, width] = grid.dims;
  const out = new Uint8Array(voxels(source));
  let at = 0;
  for (let s = 0; s < slices; s++) {
    for (let r = 0; r < rows; r++) {
      let i = m[0]! * s + m[1]! * r + m[3]! + 0.5;
      let j = m[4]! * s + m[5]! * r + m[7]! + 0.5;
      let k = m[8]! * s + m[9]! * r + m[11]! + 0.5;
      for (let c = 0; c < columns; c++, at++) {
        const [di, dj, dk] = [Math.floor(i), Math.floor(j), Math.floor(k)];
        if (di >= 0 && di < depth && dj >= 0 && dj < height && dk >= 0 && dk < width)
          out[at] = data[(di * height + dj) * width + dk]!;
        i += m[2]!;
        j += m[6]!;
        k += m[10]!;
      }
    }
  }
  return out;
}
