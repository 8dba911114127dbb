import { ModelError } from '../../models/model-error.js';
import type { VolumeStep } from '../../models/manifest.js';
import { applyValueStep, linearOf, type Range } from '../normalise.js';
import { type Grid, spacings, subgrid, voxels } from './grid.js';
import { thresholdBefore, type ValueMap } from './value-map.js';

/**
 * An array in space with its values. Turning and cropping change how it is read and move nothing, and normalising how its values are
 * meant: see {@link inOrder}.
 */
export interface Volume extends Grid {
  data: Float32Array;
  /** Voxel i, j, k is element start + i steps[0] + j steps[1] + k steps[2] of `data`; absent where all of it is in order. */
  view?: View | undefined;
  /** What is still to be done to each value of `data`; absent where they are what they should be. */
  map?: ValueMap | undefined;
  /** Of all of `data`, where somebody who saw all of it has looked. */
  range?: Range | undefined;
}

interface View {
  start: number;
  steps: readonly [number, number, number];
}

function viewOf({ view, dims }: Volume): View {
  return view ?? { start: 0, steps: [dims[1] * dims[2], dims[2], 1] };
}

/** The same with its values as they should be, in their order, and no others: the last axis runs fastest. */
export function inOrder(volume: Volume): Volume {
  const { dims, affine, data, view, map } = volume;
  if (!view) return settled(volume);
  const [, rows, columns] = dims;
  const ordered = new Float32Array(voxels(volume));
  gather(data, view, dims, ordered, { start: 0, steps: [rows * columns, columns, 1] }, map);
  return { dims, affine, data: ordered };
}

/** The same with nothing left to do to its values, which is done where they lie. */
function settled(volume: Volume): Volume {
  const { dims, affine, data, view, map } = volume;
  if (!map) return volume;
  const { scale, minus, over } = map;
  for (let at = 0; at < data.length; at++) data[at] = (data[at]! * scale - minus) / over;
  return { dims, affine, data, view };
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
    case 'normalise': {
      // What was cut off must not count; in which order the rest lies does not matter.
      const whole = settled(voxels(volume) === volume.data.length ? volume : inOrder(volume));
      // What follows may need few of them.
      const map = linearOf(step, whole.data, whole.range);
      if (map) return { ...whole, map };
      applyValueStep(whole.data, step, 1);
      return { ...whole, range: undefined };
    }
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
  const { start: first, steps: before } = viewOf(volume);
  const steps = from.map((axis, index) => before[axis]! * (turned[index] ? -1 : 1)) as [number, number, number];
  const start = steps.reduce((sum, step, index) => sum - (turned[index] ? step * (dims[index]! - 1) : 0), first);
  const m = volume.affine;
  const affine = [0, 4, 8].flatMap((row) => [
    ...from.map((axis, index) => m[row + axis]! * (turned[index] ? -1 : 1)),
    m[row + 3]! + from.reduce((sum, axis, index) => sum + (turned[index] ? m[row + axis]! * (dims[index]! - 1) : 0), 0),
  ]);
  return { ...volume, dims, affine, view: { start, steps } };
}

/**
 * Axes are swapped in pieces that stay in the processor's cache: a whole line of it is read at once, and of lines that lie a power of two
 * apart, as those of slices of 256 x 256 do, it holds few.
 */
const blockRead = 64;
const blockApart = 8;

const same: ValueMap = { scale: 1, minus: 0, over: 1 };

/** Copies a box, each end with strides of its own; `to` runs in order along the last axis. @param map is done to each value */
function gather(
  from: Float32Array,
  { start, steps }: View,
  dims: readonly [number, number, number],
  to: Float32Array,
  { start: toStart, steps: toSteps }: View,
  map?: ValueMap,
): void {
  const columns = dims[2];
  const { scale, minus, over } = map ?? same;
  // Of the axes but the last the one along which the source is read in order; where it is the last, one row after the other.
  const along = Math.abs(steps[0]) < Math.abs(steps[1]) ? 0 : 1;
  const [outer, inner] = along === 0 ? [1, 0] : [0, 1];
  for (let a = 0; a < dims[outer]!; a++) {
    if (steps[2] === 1 && !map) {
      for (let b = 0; b < dims[inner]!; b++) {
        const source = start + a * steps[outer]! + b * steps[inner]!;
        to.set(from.subarray(source, source + columns), toStart + a * toSteps[outer]! + b * toSteps[inner]!);
      }
      continue;
    }
    const across = steps[2];
    for (let b = 0; b < dims[inner]!; b += blockRead) {
      const bEnd = Math.min(b + blockRead, dims[inner]!);
      for (let k = 0; k < columns; k += blockApart) {
        const kEnd = Math.min(k + blockApart, columns);
        for (let row = b; row < bEnd; row++) {
          let source = start + a * steps[outer]! + row * steps[inner]! + k * across;
          const first = toStart + a * toSteps[outer]! + row * toSteps[inner]!;
          const end = first + kEnd;
          for (let at = first + k; at < end; at++, source += across) to[at] = (from[source]! * scale - minus) / over;
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
  const { data: source } = inOrder(volume);
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
  const { dims } = volume;
  const { low, high } = extentAbove(volume, above);
  if (high[0]! < 0)
    throw new ModelError('invalid-input', `No voxel of the volume is above ${above}: there is nothing in it to read.`);
  const origin = low.map((index) => Math.max(0, index - margin)) as [number, number, number];
  const sizes = high.map((index, axis) => Math.min(dims[axis]!, index + margin + 1) - origin[axis]!);
  return window(volume, origin, sizes as [number, number, number], 0);
}

/** First and last index along each axis of what is above a value; high -1 where nothing is. Reads in the order of memory. */
function extentAbove(volume: Volume, above: number): { low: number[]; high: number[] } {
  const { dims, data, map } = volume;
  const limit = map ? thresholdBefore(above, map) : above;
  const { start, steps } = viewOf(volume);
  const [a, b, c] = [0, 1, 2].sort((one, other) => Math.abs(steps[other]!) - Math.abs(steps[one]!)) as [
    number,
    number,
    number,
  ];
  const size = dims[c]!;
  // Rows lie as they lie; which end of one is its first index is settled at the end.
  const isBackward = steps[c]! < 0;
  const shift = isBackward ? steps[c]! * (size - 1) : 0;
  const [low, high] = [[...dims] as number[], [-1, -1, -1]];
  for (let i = 0; i < dims[a]!; i++) {
    for (let j = 0; j < dims[b]!; j++) {
      const row = start + shift + i * steps[a]! + j * steps[b]!;
      // From both ends: what lies between is of no interest.
      const from = firstAbove(data, row, size, limit);
      if (from === size) continue;
      let to = size - 1;
      while (to > high[c]! && !(data[row + to]! > limit)) to--;
      low[a] = Math.min(low[a]!, i);
      high[a] = i;
      low[b] = Math.min(low[b]!, j);
      high[b] = Math.max(high[b]!, j);
      low[c] = Math.min(low[c]!, from);
      high[c] = Math.max(high[c]!, to);
    }
  }
  if (isBackward && high[c]! >= 0) [low[c], high[c]] = [size - 1 - high[c]!, size - 1 - low[c]!];
  return { low, high };
}

/** Which of so many values from `start` on is the first above a limit; their number where none is. Four at a time are passed by. */
function firstAbove(data: Float32Array, start: number, size: number, limit: number): number {
  const end = start + size;
  let at = start;
  for (; at + 4 <= end; at += 4)
    if (data[at]! > limit || data[at + 1]! > limit || data[at + 2]! > limit || data[at + 3]! > limit) break;
  while (at < end && !(data[at]! > limit)) at++;
  return at - start;
}

/** A box of the volume, which may be used up; what lies outside it has `value`. */
export function window(
  volume: Volume,
  origin: readonly [number, number, number],
  dims: readonly [number, number, number],
  value: number,
): Volume {
  if (origin.every((at) => at === 0) && dims.every((size, axis) => size === volume.dims[axis])) return volume;
  const grid = subgrid(volume, dims, origin);
  const { start, steps } = viewOf(volume);
  const first = origin.map((at) => Math.max(0, at));
  const at = first.reduce((sum, index, axis) => sum + index * steps[axis]!, start);
  const sizes = first.map((index, axis) => Math.min(volume.dims[axis]!, origin[axis]! + dims[axis]!) - index);
  if (sizes.every((size, axis) => size === dims[axis])) return { ...volume, ...grid, view: { start: at, steps } };
  refuseLarge(dims);
  // What is put around is no value of the volume's.
  const { data: source } = settled(volume);
  const data = new Float32Array(dims[0] * dims[1] * dims[2]);
  if (value !== 0) data.fill(value);
  const toSteps = [dims[1] * dims[2], dims[2], 1] as const;
  const toStart = first.reduce((sum, index, axis) => sum + (index - origin[axis]!) * toSteps[axis]!, 0);
  if (sizes.every((size) => size > 0))
    gather(source, { start: at, steps }, sizes as [number, number, number], data, {
      start: toStart,
      steps: toSteps,
    });
  return { ...grid, data };
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
