import { toModalityValues } from '#libs/images';
import { dot, frameGeometries, sliceNormal, type FrameGeometry } from '../../models/frame-geometry.js';
import type { VolumeInput } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import type { Tensor } from '../tensor.js';
import type { Prepared } from './prepared.js';
import { frameReader } from './read-frame.js';

/** Slices in modality values (HU), [batch, 1, rows, columns]; the slices of one batch are all that is in memory. */
export function prepareVolume(spec: VolumeInput, task: FetchedInput): Prepared {
  const slices = slicesOf(task);
  const [first, last] = [slices[0], slices.at(-1)];
  if (!first || !last || slices.length < 2) throw new ModelError('invalid-input', 'A volume has at least two slices.');
  const normal = sliceNormal(first);
  const extent = Math.abs(dot(last.position, normal) - dot(first.position, normal));
  return {
    facts: {
      kind: 'volume',
      slices: slices.length,
      pixelAreaMm2: first.pixelSpacing[0] * first.pixelSpacing[1],
      sliceSpacingMm: extent / (slices.length - 1),
    },
    numbers: {},
    batches: readBatches(spec, task, first.rows, first.columns),
  };
}

async function* readBatches(
  spec: VolumeInput,
  task: FetchedInput,
  rows: number,
  columns: number,
): AsyncGenerator<Tensor> {
  const read = frameReader(task);
  const total = task.input.frames.length;
  for (let start = 0; start < total; start += spec.batch) {
    const count = Math.min(spec.batch, total - start);
    const data = new Float32Array(count * rows * columns);
    for (let index = 0; index < count; index++) {
      const { pixels, description } = await read(start + index);
      if (pixels.samplesPerPixel !== 1 || pixels.rows !== rows || pixels.columns !== columns)
        throw new ModelError(
          'invalid-input',
          `Slice ${start + index + 1} is ${pixels.columns} x ${pixels.rows} with ${pixels.samplesPerPixel} samples a pixel; ${columns} x ${rows} grey was announced.`,
        );
      data.set(toModalityValues(pixels, description), index * rows * columns);
    }
    yield { data, dims: [count, 1, rows, columns] };
  }
}

function slicesOf({ input }: FetchedInput): FrameGeometry[] {
  const byFrame = new Map<string, FrameGeometry>();
  for (const instance of input.instances) {
    const geometry = frameGeometries(instance);
    if (typeof geometry === 'string') throw new ModelError('invalid-input', `A slice cannot be placed: ${geometry}.`);
    for (const slice of geometry) byFrame.set(`${slice.sopInstanceUid} ${slice.frameNumber}`, slice);
  }
  return input.frames.map(({ sopInstanceUid, frameNumber }) => {
    const slice = byFrame.get(`${sopInstanceUid} ${frameNumber}`);
    if (!slice)
      throw new ModelError('invalid-input', `Frame ${frameNumber} of ${sopInstanceUid} is not in the metadata.`);
    return slice;
  });
}
