import { ModelError } from '../../models/model-error.js';
import type { Batch } from '../batch.js';
import type { Picture } from '../pictures/picture.js';

/**
 * Pictures of one size as one batch.
 *
 * @throws ModelError 'invalid-input' when their sizes differ.
 */
export function stackPictures(pictures: readonly { frame: number; picture: Picture }[]): Batch {
  const { channels, rows, columns } = pictures[0]!.picture;
  const data = new Float32Array(pictures.length * channels * rows * columns);
  pictures.forEach(({ frame, picture }, index) => {
    if (picture.channels !== channels || picture.rows !== rows || picture.columns !== columns)
      throw new ModelError(
        'invalid-input',
        `Picture ${frame + 1} is ${picture.columns} x ${picture.rows} with ${picture.channels} channels, the one before ${columns} x ${rows} with ${channels}: the model takes them together and needs them alike.`,
      );
    data.set(picture.data, index * channels * rows * columns);
  });
  return {
    tensor: { data, dims: [pictures.length, channels, rows, columns] },
    places: pictures.map(({ frame, picture }) => ({ kind: 'picture', frame, transform: picture.transform })),
  };
}
