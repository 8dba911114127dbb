import type { VolumeInput, VolumeStep } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import type { Batch } from '../batch.js';
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
  let volume: Volume = { ...source, data: await readSlices(spec, task, source.dims) };
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
    batches: windows ? readWindows(inOrder(volume), windows) : whole(volume),
  };
}

async function readSlices(
  spec: VolumeInput,
  task: FetchedInput,
  [slices, rows, columns]: readonly [number, number, number],
): Promise<Float32Array> {
  const read = frameReader(task);
  const first = spec.preprocessing.filter((step) => step.step === 'modality-values' || step.step === 'voi-window');
  const size = rows * columns;
  const data = new Float32Array(slices * size);
  for (let slice = 0; slice < slices; slice++) {
    const frame = await read(slice);
    const place = data.subarray(slice * size, (slice + 1) * size);
    // Most are grey values as they are, and there are millions: those go where they belong at once.
    if (first[0]!.step === 'modality-values' && isGrey(frame, rows, columns)) {
      readModalityValues(frame, place);
      continue;
    }
    const picture = preparePicture(frame, first);
    if (picture.channels !== 1 || picture.rows !== rows || picture.columns !== columns)
      throw new ModelError(
        'invalid-input',
        `Slice ${slice + 1} is ${picture.columns} x ${picture.rows} with ${picture.channels} channels; ${columns} x ${rows} grey was announced.`,
      );
    place.set(picture.data);
  }
  return data;
}

function isGrey({ pixels }: DecodedFrame, rows: number, columns: number): boolean {
  return pixels.samplesPerPixel === 1 && pixels.rows === rows && pixels.columns === columns;
}

async function* whole(volume: Volume): AsyncGenerator<Batch> {
  const { data, dims } = inOrder(volume);
  yield { tensor: { data, dims: [1, 1, ...dims] }, places: [{ kind: 'window', origin: [0, 0, 0] }] };
}

async function* readWindows(volume: Volume, { sizes, overlap, value }: WindowStep): AsyncGenerator<Batch> {
  for (const origin of windowOrigins(volume.dims, sizes, overlap)) {
    const { data } = inOrder(window(volume, origin, sizes, value));
    yield { tensor: { data, dims: [1, 1, ...sizes] }, places: [{ kind: 'window', origin }] };
  }
}
