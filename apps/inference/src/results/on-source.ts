import type { VolumeMask } from '../pipelines/masks/mask.js';
import { type Affine, between, type Grid, sameGrid, voxels } from '../pipelines/volumes/grid.js';

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

/** Whether a step of the source stays at one index of an axis, but for what rounding leaves. */
const isAlong = (step: number) => Math.abs(step) < 1e-9;
/** A side of the squares in which a mask is copied. */
const block = 32;
const isOutside = (at: number, size: number) => !(at >= 0 && at < size);

function resampled({ grid, data }: VolumeMask, source: Grid): Uint8Array {
  const m = between(source, grid);
  const out = new Uint8Array(voxels(source));
  const axes = alongAxes(m);
  if (axes) copyAlong(axes, m, { grid, data }, source, out);
  else copyAcross(m, { grid, data }, source, out);
  return out;
}

/** Which axis of the grid each axis of the source runs along; undefined where they stand at an angle. */
function alongAxes(m: Affine): [number, number, number] | undefined {
  const axes = [0, 1, 2].map((axis) => {
    const of = [0, 1, 2].filter((gridAxis) => !isAlong(m[4 * gridAxis + axis]!));
    return of.length === 1 ? of[0]! : -1;
  });
  return new Set(axes).size === 3 && !axes.includes(-1) ? (axes as [number, number, number]) : undefined;
}

/** As nearly all series and grids lie: what a voxel's place comes to is the sum of one number for each of its indices. */
function copyAlong(
  axes: readonly [number, number, number],
  m: Affine,
  { grid, data }: Pick<VolumeMask, 'grid' | 'data'>,
  { dims: [slices, rows, columns] }: Grid,
  out: Uint8Array,
): void {
  const strides = [grid.dims[1] * grid.dims[2], grid.dims[2], 1];
  /** By index along an axis of the source, where in the mask that is; -1 outside. */
  const places = [slices, rows, columns].map((size, axis) => {
    const of = axes[axis]!;
    return Int32Array.from({ length: size }, (_, index) => {
      const at = m[4 * of + axis]! * index + m[4 * of + 3]! + 0.5;
      return isOutside(at, grid.dims[of]!) ? -1 : Math.floor(at) * strides[of]!;
    });
  }) as [Int32Array, Int32Array, Int32Array];
  const [ofSlice, ofRow, ofColumn] = places;
  // Those within are one stretch.
  const from = ofColumn.findIndex((place) => place >= 0);
  const to = ofColumn.findLastIndex((place) => place >= 0) + 1;
  if (from < 0) return;
  // In squares: where neighbours in the mask lie on different slices, what was read once is still near for the next.
  for (let r = 0; r < rows; r++) {
    if (ofRow[r]! < 0) continue;
    for (let firstSlice = 0; firstSlice < slices; firstSlice += block) {
      for (let first = from; first < to; first += block) {
        const [lastSlice, last] = [Math.min(firstSlice + block, slices), Math.min(first + block, to)];
        for (let s = firstSlice; s < lastSlice; s++) {
          if (ofSlice[s]! < 0) continue;
          const start = ofSlice[s]! + ofRow[r]!;
          const at = (s * rows + r) * columns;
          for (let c = first; c < last; c++) out[at + c] = data[start + ofColumn[c]!]!;
        }
      }
    }
  }
}

function copyAcross(
  m: Affine,
  { grid, data }: Pick<VolumeMask, 'grid' | 'data'>,
  { dims: [slices, rows, columns] }: Grid,
  out: Uint8Array,
): void {
  const [depth, height, width] = grid.dims;
  let at = 0;
  for (let s = 0; s < slices; s++) {
    for (let r = 0; r < rows; r++) {
      let i = m[0]! * s + m[1]! * r + m[3]! + 0.5;
      let j = m[4]! * s + m[5]! * r + m[7]! + 0.5;
      let k = m[8]! * s + m[9]! * r + m[11]! + 0.5;
      for (let c = 0; c < columns; c++, at++) {
        if (i >= 0 && i < depth && j >= 0 && j < height && k >= 0 && k < width)
          out[at] = data[(Math.floor(i) * height + Math.floor(j)) * width + Math.floor(k)]!;
        i += m[2]!;
        j += m[6]!;
        k += m[10]!;
      }
    }
  }
}
