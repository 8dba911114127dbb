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

/** Whether a row of the source stays at one index of an axis. */
const isAlong = (step: number) => Math.abs(step) < 1e-12;
const isOutside = (at: number, size: number) => !(at >= 0 && at < size);

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
      // Rows that run along an axis of the grid and lie beside it have nothing, which is most of them where it was cropped.
      if ((isAlong(m[2]!) && isOutside(i, depth)) || (isAlong(m[6]!) && isOutside(j, height))) {
        at += columns;
        continue;
      }
      if (isAlong(m[10]!) && isOutside(k, width)) {
        at += columns;
        continue;
      }
      for (let c = 0; c < columns; c++, at++) {
        if (i >= 0 && i < depth && j >= 0 && j < height && k >= 0 && k < width)
          out[at] = data[(Math.floor(i) * height + Math.floor(j)) * width + Math.floor(k)]!;
        i += m[2]!;
        j += m[6]!;
        k += m[10]!;
      }
    }
  }
  return out;
}
