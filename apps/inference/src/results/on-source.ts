import { FilledBytes } from '../pipelines/masks/filled-bytes.js';
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
/** A mask is copied in pieces that stay in the processor's cache, which holds few lines that lie a power of two apart, as rows of slices do. */
const block = 64;
const blockApart = 8;

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
  { dims }: Grid,
  out: Uint8Array,
): void {
  const strides = [grid.dims[1] * grid.dims[2], grid.dims[2], 1];
  const filled = extentOf(data, grid.dims);
  /** By index along an axis of the source, where in the mask that is; -1 where there is nothing. */
  const places = dims.map((size, axis) => {
    const of = axes[axis]!;
    return Int32Array.from({ length: size }, (_, index) => {
      const at = Math.floor(m[4 * of + axis]! * index + m[4 * of + 3]! + 0.5);
      return at >= filled.low[of]! && at <= filled.high[of]! ? at * strides[of]! : -1;
    });
  });
  // Those within are one stretch.
  const from = places.map((along) => along.findIndex((place) => place >= 0));
  const to = places.map((along) => along.findLastIndex((place) => place >= 0) + 1);
  if (from.includes(-1)) return;
  // In pieces along the axis on which neighbours in the mask lie, and columns: what was read once is still near for the next.
  const inner = axes.indexOf(2) === 1 ? 1 : 0;
  const outer = 1 - inner;
  const outSteps = [dims[1] * dims[2], dims[2]];
  const ofColumn = places[2]!;
  for (let a = from[outer]!; a < to[outer]!; a++) {
    for (let c = from[2]!; c < to[2]!; c += block) {
      const cEnd = Math.min(c + block, to[2]!);
      for (let b = from[inner]!; b < to[inner]!; b += blockApart) {
        const bEnd = Math.min(b + blockApart, to[inner]!);
        for (let row = b; row < bEnd; row++) {
          const start = places[outer]![a]! + places[inner]![row]!;
          const at = a * outSteps[outer]! + row * outSteps[inner]!;
          for (let column = c; column < cEnd; column++) out[at + column] = data[start + ofColumn[column]!]!;
        }
      }
    }
  }
}

/** First and last index along each axis of what is in a mask; `high` -1 where nothing is. */
function extentOf(
  data: Uint8Array,
  [slices, rows, columns]: Grid['dims'],
): { low: [number, number, number]; high: [number, number, number] } {
  const filled = new FilledBytes(data);
  const low: [number, number, number] = [slices, rows, columns];
  const high: [number, number, number] = [-1, -1, -1];
  for (let slice = 0, start = 0; slice < slices; slice++) {
    for (let row = 0; row < rows; row++, start += columns) {
      const first = filled.next(start, start + columns) - start;
      if (first === columns) continue;
      let last = columns - 1;
      while (last > high[2] && data[start + last] === 0) last--;
      low[0] = Math.min(low[0], slice);
      high[0] = slice;
      low[1] = Math.min(low[1], row);
      high[1] = Math.max(high[1], row);
      low[2] = Math.min(low[2], first);
      high[2] = Math.max(high[2], last);
    }
  }
  return { low, high };
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
