import { ModelError } from '../../models/model-error.js';
import type { VolumeStep } from '../../models/manifest.js';
import { applyValueStep } from '../normalise.js';
import { type Grid, spacings, subgrid, voxels } from './grid.js';

/** An array in space with its values. */
export interface Volume extends Grid {
  data: Float32Array;
}

/** What one process takes on: 1 GiB of float32. */
export const voxelsMax = 268_435_456;

type GeometryStep = Exclude<VolumeStep, { step: 'modality-values' | 'voi-window' | 'sliding-window' }>;

/**
 * One step of preprocessing. The input may be used up: its array is written to where that saves a copy.
 *
 * @throws ModelError 'invalid-input' when nothing is left, or more than one process holds.
 */
export function applyVolumeStep(volume: Volume, step: GeometryStep): Volume {
  switch (step.step) {
    case 'clip':
    case 'normalise':
      applyValueStep(volume.data, step, 1);
      return volume;
    case 'reorient':
      return reorient(volume, step.axes);
    case 'resample':
      return resample(volume, step.millimetres, step.interpolation);
    case 'crop-or-pad':
      return cropOrPad(volume, step.sizes, step.value);
    case 'crop-to-content':
      return cropToContent(volume, step.above, step.margin);
    case 'pad-to-multiple': {
      const dims = volume.dims.map((size) => Math.ceil(size / step.of) * step.of) as [number, number, number];
      return window(volume, [0, 0, 0], dims, step.value);
    }
  }
}

/** DICOM patient axes by letter: x to the left, y to the back, z to the head. */
const directions: Record<string, readonly [axis: 0 | 1 | 2, sign: 1 | -1]> = {
  L: [0, 1],
  R: [0, -1],
  P: [1, 1],
  A: [1, -1],
  S: [2, 1],
  I: [2, -1],
};

/** Axes swapped and turned so that they run as the letters say; of an oblique volume each to the nearest. Values stay what they are. */
export function reorient(volume: Volume, axes: string): Volume {
  const of = closestAxes(volume);
  const wanted = [...axes].map((letter) => directions[letter]!);
  const from = wanted.map(([patient]) => of.findIndex((one) => one.patient === patient));
  const turned = wanted.map(([, sign], axis) => of[from[axis]!]!.sign !== sign);
  if (from.every((source, axis) => source === axis) && !turned.includes(true)) return volume;

  const dims = from.map((axis) => volume.dims[axis]!) as [number, number, number];
  const strides = [volume.dims[1] * volume.dims[2], volume.dims[2], 1];
  const steps = from.map((axis, index) => strides[axis]! * (turned[index] ? -1 : 1)) as [number, number, number];
  const start = from.reduce((sum, axis, index) => sum + (turned[index] ? strides[axis]! * (dims[index]! - 1) : 0), 0);
  const data = new Float32Array(volume.data.length);
  gather(volume.data, start, steps, data, dims);
  const m = volume.affine;
  const affine = [0, 4, 8].flatMap((row) => [
    ...from.map((axis, index) => m[row + axis]! * (turned[index] ? -1 : 1)),
    m[row + 3]! + from.reduce((sum, axis, index) => sum + (turned[index] ? m[row + axis]! * (dims[index]! - 1) : 0), 0),
  ]);
  return { dims, affine, data };
}

/** A side of the squares in which axes are swapped: their rows, read and written, stay in the processor's cache. */
const block = 32;

/** Copies with other strides: `to` in order, `from` by so many elements for each axis. */
function gather(
  from: Float32Array,
  start: number,
  steps: readonly [number, number, number],
  to: Float32Array,
  dims: readonly [number, number, number],
): void {
  const [, rows, columns] = dims;
  // Of the axes but the last the one along which the source is read in order; where it is the last, one row after the other.
  const along = Math.abs(steps[0]) < Math.abs(steps[1]) ? 0 : 1;
  const [outer, inner] = along === 0 ? [1, 0] : [0, 1];
  const strides = [rows * columns, columns];
  for (let a = 0; a < dims[outer]!; a++) {
    for (let b = 0; b < dims[inner]!; b += block) {
      for (let k = 0; k < columns; k += block) {
        const [bEnd, kEnd] = [Math.min(b + block, dims[inner]!), Math.min(k + block, columns)];
        for (let row = b; row < bEnd; row++) {
          let source = start + a * steps[outer]! + row * steps[inner]! + k * steps[2];
          const first = a * strides[outer]! + row * strides[inner]!;
          for (let at = first + k; at < first + kEnd; at++, source += steps[2]) to[at] = from[source]!;
        }
      }
    }
  }
}

/** For each axis of the array, the patient axis it runs along most, and which way; each patient axis once. */
function closestAxes(volume: Volume): { patient: number; sign: 1 | -1 }[] {
  const step = spacings(volume);
  const cosine = (axis: number, patient: number) => volume.affine[patient * 4 + axis]! / (step[axis] || 1);
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  const fit = (order: number[]) => order.reduce((sum, patient, axis) => sum + Math.abs(cosine(axis, patient)), 0);
  const best = orders.reduce((a, b) => (fit(b) > fit(a) + 1e-9 ? b : a));
  return best.map((patient, axis) => ({ patient, sign: cosine(axis, patient) < 0 ? -1 : 1 }));
}

/** To another spacing, the outer edges of the volume staying where they are; linear between neighbours, or the nearest one. */
export function resample(
  volume: Volume,
  millimetres: readonly [number, number, number],
  interpolation: 'linear' | 'nearest',
): Volume {
  const step = spacings(volume);
  const scale = millimetres.map((wanted, axis) => wanted / step[axis]!);
  if (scale.every((one) => Math.abs(one - 1) < 1e-4)) return volume;
  const dims = volume.dims.map((size, axis) => Math.max(1, Math.round(size / scale[axis]!))) as [
    number,
    number,
    number,
  ];
  refuseLarge(dims);
  const offset = scale.map((one) => one / 2 - 0.5);
  const grid = subgrid(volume, dims, offset, scale);
  const places = dims.map((size, axis) =>
    weightsAlong(size, volume.dims[axis]!, scale[axis]!, offset[axis]!, interpolation),
  ) as [Place[], Place[], Place[]];

  const data = new Float32Array(voxels({ dims, affine: [] }));
  const [, rows, columns] = volume.dims;
  const source = volume.data;
  let at = 0;
  for (const i of places[0]) {
    for (const j of places[1]) {
      const [r00, r01] = [(i.low * rows + j.low) * columns, (i.low * rows + j.high) * columns];
      const [r10, r11] = [(i.high * rows + j.low) * columns, (i.high * rows + j.high) * columns];
      for (const { low, high, share } of places[2]) {
        const near =
          (source[r00 + low]! * (1 - share) + source[r00 + high]! * share) * (1 - j.share) +
          (source[r01 + low]! * (1 - share) + source[r01 + high]! * share) * j.share;
        const far =
          (source[r10 + low]! * (1 - share) + source[r10 + high]! * share) * (1 - j.share) +
          (source[r11 + low]! * (1 - share) + source[r11 + high]! * share) * j.share;
        data[at++] = near * (1 - i.share) + far * i.share;
      }
    }
  }
  return { ...grid, data };
}

interface Place {
  low: number;
  high: number;
  share: number;
}

function weightsAlong(
  size: number,
  sourceSize: number,
  scale: number,
  offset: number,
  interpolation: 'linear' | 'nearest',
): Place[] {
  return Array.from({ length: size }, (_, index) => {
    const at = Math.min(sourceSize - 1, Math.max(0, index * scale + offset));
    if (interpolation === 'nearest') {
      const nearest = Math.round(at);
      return { low: nearest, high: nearest, share: 0 };
    }
    const low = Math.floor(at);
    return { low, high: Math.min(sourceSize - 1, low + 1), share: at - low };
  });
}

function cropOrPad(volume: Volume, sizes: readonly [number, number, number], value: number): Volume {
  const origin = volume.dims.map((size, axis) => Math.floor((size - sizes[axis]!) / 2));
  return window(volume, origin as [number, number, number], [...sizes], value);
}

function cropToContent(volume: Volume, above: number, margin: number): Volume {
  const [slices, rows, columns] = volume.dims;
  const low: [number, number, number] = [slices, rows, columns];
  const high: [number, number, number] = [-1, -1, -1];
  let at = 0;
  for (let i = 0; i < slices; i++) {
    for (let j = 0; j < rows; j++) {
      for (let k = 0; k < columns; k++, at++) {
        if (!(volume.data[at]! > above)) continue;
        if (i < low[0]) low[0] = i;
        if (i > high[0]) high[0] = i;
        if (j < low[1]) low[1] = j;
        if (j > high[1]) high[1] = j;
        if (k < low[2]) low[2] = k;
        if (k > high[2]) high[2] = k;
      }
    }
  }
  if (high[0] < 0)
    throw new ModelError('invalid-input', `No voxel of the volume is above ${above}: there is nothing in it to read.`);
  const origin = low.map((index) => Math.max(0, index - margin)) as [number, number, number];
  const dims = high.map((index, axis) => Math.min(volume.dims[axis]!, index + margin + 1) - origin[axis]!);
  return window(volume, origin, dims as [number, number, number], 0);
}

/** A box of the volume; what lies outside it has `value`. */
export function window(
  volume: Volume,
  origin: readonly [number, number, number],
  dims: readonly [number, number, number],
  value: number,
): Volume {
  if (origin.every((at) => at === 0) && dims.every((size, axis) => size === volume.dims[axis])) return volume;
  refuseLarge(dims);
  const data = new Float32Array(dims[0] * dims[1] * dims[2]);
  if (value !== 0) data.fill(value);
  const [slices, rows, columns] = volume.dims;
  const first = Math.max(0, origin[2]);
  const last = Math.min(columns, origin[2] + dims[2]);
  for (let i = Math.max(0, -origin[0]); i < dims[0] && i + origin[0] < slices; i++) {
    for (let j = Math.max(0, -origin[1]); j < dims[1] && j + origin[1] < rows; j++) {
      if (last <= first) continue;
      const source = ((i + origin[0]) * rows + j + origin[1]) * columns;
      data.set(volume.data.subarray(source + first, source + last), (i * dims[1] + j) * dims[2] + first - origin[2]);
    }
  }
  return { ...subgrid(volume, dims, origin), data };
}

/** Where windows of a size begin along each axis so that they cover it and overlap by at least the share. */
export function windowOrigins(
  dims: readonly [number, number, number],
  sizes: readonly [number, number, number],
  overlap: number,
): [number, number, number][] {
  const along = dims.map((size, axis) => {
    const span = sizes[axis]!;
    if (size <= span) return [0];
    const step = Math.max(1, Math.floor(span * (1 - overlap)));
    const count = Math.ceil((size - span) / step) + 1;
    return Array.from({ length: count }, (_, index) => Math.min(size - span, index * step));
  }) as [number[], number[], number[]];
  return along[0].flatMap((i) => along[1].flatMap((j) => along[2].map((k): [number, number, number] => [i, j, k])));
}

function refuseLarge(dims: readonly number[]): void {
  const count = dims.reduce((product, size) => product * size, 1);
  if (count > voxelsMax)
    throw new ModelError(
      'invalid-input',
      `A volume of ${dims.join(' x ')} voxels is more than one worker holds (${voxelsMax} voxels).`,
    );
}
