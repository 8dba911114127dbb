import type { DicomJson } from '#libs/dicom';
import { itemsOf, numberOf, requiredNumber, textOf } from './attributes.js';
import { ImageError } from './image-error.js';

/** Where a frame lies in its level: pixels from the top left corner, counting from 0. */
export interface TilePosition {
  columnOffset: number;
  rowOffset: number;
}

/**
 * The place of a tile in its level (PS3.3 C.8.12.14.3.2): what its Plane Position (Slide) says, in whatever order the
 * frames are stored; else row by row, left to right, of one focal plane and optical path after the other (TILED_FULL).
 *
 * @param frameIndex Counts from 0.
 * @throws ImageError missing-attribute, invalid-value
 */
export function tilePosition(dataset: DicomJson, frameIndex: number): TilePosition {
  const groups = itemsOf(dataset, '52009230')[frameIndex];
  const position = itemsOf(groups, '0048021A')[0];
  if (position) {
    return {
      columnOffset: requiredNumber(position, '0048021E', 'Column Position In Total Image Pixel Matrix') - 1,
      rowOffset: requiredNumber(position, '0048021F', 'Row Position In Total Image Pixel Matrix') - 1,
    };
  }
  if (textOf(dataset, '00209311') === 'TILED_SPARSE') {
    throw new ImageError(
      'missing-attribute',
      `Frame ${frameIndex + 1} of a TILED_SPARSE image has no Plane Position (Slide).`,
    );
  }
  const columns = requiredNumber(dataset, '00280011', 'Columns');
  const rows = requiredNumber(dataset, '00280010', 'Rows');
  const across = Math.ceil((numberOf(dataset, '00480006') ?? columns) / columns);
  const down = Math.ceil((numberOf(dataset, '00480007') ?? rows) / rows);
  const inPlane = frameIndex % (across * down);
  return { columnOffset: (inPlane % across) * columns, rowOffset: Math.floor(inPlane / across) * rows };
}
