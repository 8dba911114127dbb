import { MemoryPool } from '#libs/images';
import { giveBack } from '#libs/workers';
import type { VolumeInput, VolumeStep } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import type { Batch } from '../batch.js';
import { type Range, rangeOf } from '../normalise.js';
import { gridOfSlices, voxels } from '../volumes/grid.js';
import { applyVolumeStep, inOrder, type Volume, voxelsMax, window, windowOrigins } from '../volumes/volume.js';
import type { Prepared } from './prepared.js';
import { type DecodedFrame, frameReader } from './read-frame.js';
import { preparePicture, readModalityValues } from './read-picture.js';
import { slicesOf } from './slices-of.js';

type WindowStep = Extract<VolumeStep, { step: 'sliding-window' }>;

/** The whole series as one array [1, 1, D, H, W], or window after window of it. */
export async function prepareVolume(spec: VolumeInput, task: FetchedInput): Promise<Prepared> {
  const source = gridOfSlices(slicesOf(task));
  if (voxels(source) > Math.min(spec.voxels.atMost, voxelsMax))
    throw new ModelError(
      'invalid-input',
      `A volume of ${source.dims.join(' x ')} voxels is more than the model takes (${spec.voxels.atMost}).`,
    );
  const slices = await readSlices(spec, task, source.dims);
  let volume: Volume = { ...source, ...slices };
  let windows: WindowStep | undefined;
  for (const step of spec.preprocessing) {
    if (step.step === 'modality-values' || step.step === 'voi-window') continue;
    if (step.step === 'sliding-window') windows = step;
    else volume = applyVolumeStep(volume, step);
  }
  return {
    facts: { kind: 'volume', grid: { dims: volume.dims, affine: volume.affine }, source },
    numbers: {},
    // Windows overlap: what they are cut of is put in order once, and not each of them.
    batches: windows
      ? readWindows(putInOrder(volume, slices.data), windows)
      : whole(volume.dims, () => putInOrder(volume, slices.data)),
  };
}

/** Of the slices of one volume: new memory of this size takes longer to get than to fill. */
const memory = new MemoryPool(128 * 1024 ** 2);

/** @param slices that a volume may have been made of; where it was copied out of them their memory is free */
function putInOrder(volume: Volume, slices: Float32Array<ArrayBuffer>): Volume {
  const ordered = inOrder(volume);
  if (ordered.data !== slices) memory.give(slices.buffer);
  return ordered;
}

async function readSlices(
  spec: VolumeInput,
  task: FetchedInput,
  [slices, rows, columns]: readonly [number, number, number],
): Promise<{ data: Float32Array<ArrayBuffer>; range: Range | undefined }> {
  const read = frameReader(task);
  const first = spec.preprocessing.filter((step) => step.step === 'modality-values' || step.step === 'voi-window');
  const size = rows * columns;
  const data = new Float32Array(memory.take(slices * size * Float32Array.BYTES_PER_ELEMENT));
  // Looked for while a slice is near: later all of them would have to be read once more.
  const isRangeNeeded = spec.preprocessing.some((step) => step.step === 'normalise' && step.by === 'range');
  let range: Range | undefined;
  for (let slice = 0; slice < slices; slice++) {
    const frame = await read(slice);
    const place = data.subarray(slice * size, (slice + 1) * size);
    // Most are grey values as they are, and there are millions: those go where they belong at once.
    if (first[0]!.step === 'modality-values' && isGrey(frame, rows, columns)) {
      readModalityValues(frame, place);
      giveBack(frame.pixels.data);
    } else place.set(asGrey(frame, slice));
    if (isRangeNeeded) range = rangeOf(place, range);
  }
  return { data, range };

  function asGrey(frame: DecodedFrame, slice: number): Float32Array {
    const picture = preparePicture(frame, first);
    if (picture.channels !== 1 || picture.rows !== rows || picture.columns !== columns)
      throw new ModelError(
        'invalid-input',
        `Slice ${slice + 1} is ${picture.columns} x ${picture.rows} with ${picture.channels} channels; ${columns} x ${rows} grey was announced.`,
      );
    return picture.data;
  }
}

function isGrey({ pixels }: DecodedFrame, rows: number, columns: number): boolean {
  return pixels.samplesPerPixel === 1 && pixels.rows === rows && pixels.columns === columns;
}

async function* whole(dims: Volume['dims'], volume: () => Volume): AsyncGenerator<Batch> {
  const { data } = volume();
  yield { tensor: { data, dims: [1, 1, ...dims] }, places: [{ kind: 'window', origin: [0, 0, 0] }] };
}

async function* readWindows(volume: Volume, { sizes, overlap, value }: WindowStep): AsyncGenerator<Batch> {
  for (const origin of windowOrigins(volume.dims, sizes, overlap)) {
    const { data } = inOrder(window(volume, origin, sizes, value));
    yield { tensor: { data, dims: [1, 1, ...sizes] }, places: [{ kind: 'window', origin }] };
  }
}
