import { dot, sliceNormal } from '../../models/frame-geometry.js';
import type { StackInput } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import type { Batch } from '../batch.js';
import type { Picture } from '../pictures/picture.js';
import { gridOfSlices } from '../volumes/grid.js';
import type { Prepared } from './prepared.js';
import { frameReader } from './read-frame.js';
import { preparePicture } from './read-picture.js';
import { slicesOf } from './slices-of.js';
import { stackPictures } from './stack-pictures.js';

/** Slices as [batch, channels, rows, columns]; those of one batch and their neighbours are all that is in memory. */
export function prepareStack(spec: StackInput, task: FetchedInput): Prepared {
  const slices = slicesOf(task);
  const [first, last] = [slices[0]!, slices.at(-1)!];
  const normal = sliceNormal(first);
  const extent = Math.abs(dot(last.position, normal) - dot(first.position, normal));
  return {
    facts: {
      kind: 'stack',
      slices: slices.length,
      pixelAreaMm2: first.pixelSpacing[0] * first.pixelSpacing[1],
      sliceSpacingMm: extent / (slices.length - 1),
      source: gridOfSlices(slices),
    },
    numbers: {},
    batches: readBatches(spec, task, first.rows, first.columns),
  };
}

async function* readBatches(
  spec: StackInput,
  task: FetchedInput,
  rows: number,
  columns: number,
): AsyncGenerator<Batch> {
  const read = frameReader(task);
  const total = task.input.frames.length;
  const held = new Map<number, Picture>();
  const slice = async (index: number): Promise<Picture> => {
    const known = held.get(index);
    if (known) return known;
    const frame = await read(index);
    const { pixels } = frame;
    if (pixels.samplesPerPixel !== 1 || pixels.rows !== rows || pixels.columns !== columns)
      throw new ModelError(
        'invalid-input',
        `Slice ${index + 1} is ${pixels.columns} x ${pixels.rows} with ${pixels.samplesPerPixel} samples a pixel; ${columns} x ${rows} grey was announced.`,
      );
    const picture = preparePicture(frame, spec.preprocessing);
    if (spec.neighbours > 0) held.set(index, picture);
    return picture;
  };

  for (let start = 0; start < total; start += spec.batch) {
    const pictures = [];
    for (let frame = start; frame < Math.min(total, start + spec.batch); frame++) {
      const around: Picture[] = [];
      for (let at = frame - spec.neighbours; at <= frame + spec.neighbours; at++)
        around.push(await slice(Math.min(total - 1, Math.max(0, at))));
      pictures.push({ frame, picture: spec.neighbours === 0 ? around[0]! : asChannels(around) });
      held.delete(frame - spec.neighbours);
    }
    yield stackPictures(pictures);
  }
}

function asChannels(around: readonly Picture[]): Picture {
  const [first] = around as [Picture];
  const data = new Float32Array(around.reduce((sum, one) => sum + one.data.length, 0));
  around.forEach((one, index) => data.set(one.data, index * first.data.length));
  return { ...first, data, channels: around.length * first.channels };
}
