import type { ImageInput } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { number, text } from '../../models/read-attributes.js';
import type { Batch } from '../batch.js';
import type { Prepared } from './prepared.js';
import { frameReader } from './read-frame.js';
import { pictureSpacing, preparePicture } from './read-picture.js';
import { stackPictures } from './stack-pictures.js';

/** Pictures as [batch, channels, rows, columns]; those of one batch are all that is in memory. */
export function prepareImages(spec: ImageInput, task: FetchedInput): Prepared {
  const byUid = new Map(task.input.instances.map((instance) => [text(instance, 'SOPInstanceUID'), instance]));
  return {
    facts: {
      kind: 'image',
      pictures: task.input.frames.map(({ sopInstanceUid }) => {
        const instance = byUid.get(sopInstanceUid) ?? {};
        return {
          rows: number(instance, 'Rows') ?? 0,
          columns: number(instance, 'Columns') ?? 0,
          spacingMm: pictureSpacing({ instance }),
        };
      }),
    },
    numbers: {},
    batches: readBatches(spec, task),
  };
}

async function* readBatches(spec: ImageInput, task: FetchedInput): AsyncGenerator<Batch> {
  const read = frameReader(task);
  const total = task.input.frames.length;
  for (let start = 0; start < total; start += spec.batch) {
    const pictures = [];
    for (let frame = start; frame < Math.min(total, start + spec.batch); frame++)
      pictures.push({ frame, picture: preparePicture(await read(frame), spec.preprocessing) });
    yield stackPictures(pictures);
  }
}
