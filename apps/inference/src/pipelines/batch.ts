import type { Tensor } from './tensor.js';

/** Where a pixel of the network's picture lies in the picture it was made of: `scale` x index + `offset`, of pixel centres. */
export interface PictureTransform {
  row: { scale: number; offset: number };
  column: { scale: number; offset: number };
}

/** What one item of a batch was made of, so that what the network says of it can be put back. */
export type Place =
  /** The picture at this index of the input's frames. */
  | { kind: 'picture'; frame: number; transform: PictureTransform }
  /** A window of the prepared volume, from this voxel on. */
  | { kind: 'window'; origin: readonly [number, number, number] }
  /** A tile of the slide: its top left pixel in the level's matrix, without the overlap, and how much of it is picture. */
  | { kind: 'tile'; row: number; column: number; insideRows: number; insideColumns: number; overlap: number }
  | { kind: 'waveform' };

/**
 * One input tensor of the network with what each of its items is. The first axis that the layout names N is the batch: where the
 * network leaves it free, whoever runs the network may put batches of several studies into one and take the answer apart again.
 */
export interface Batch {
  tensor: Tensor;
  places: readonly Place[];
}
