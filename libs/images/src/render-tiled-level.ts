import { decodeFrame } from './decode-frame.js';
import type { FrameDescription, VoiWindow } from './frame-description.js';
import { ImageError } from './image-error.js';
import { picturePixelsMax } from './limits.js';
import { encodePicture, toPicture } from './picture.js';
import type { Picture } from './pixels.js';
import type { RenderOptions } from './render-options.js';
import { checkWindow } from './voi.js';

/** One frame of a tiled image, and where it lies. */
export interface Tile {
  bytes: Uint8Array;
  description: FrameDescription;
  /** Pixels from the top left corner of the level, counting from 0 (Column Position In Total Image Pixel Matrix - 1). */
  columnOffset: number;
  rowOffset: number;
}

export type TiledLevelOptions = RenderOptions;

/**
 * One picture of a whole level of a tiled image, e.g. for the thumbnail of a slide. What no tile covers is white, like
 * the glass, or black where the level is grey. Tiles may reach over the right and lower edge, as the last ones do.
 *
 * @param totalColumns, totalRows Of the level (Total Pixel Matrix Columns, Rows); at most 64 million pixels together.
 * @throws ImageError limit-exceeded, invalid-option, or as decodeFrame.
 */
export async function renderTiledLevel(
  tiles: Tile[],
  totalColumns: number,
  totalRows: number,
  options: TiledLevelOptions,
): Promise<Buffer> {
  if (!(Number.isInteger(totalColumns) && Number.isInteger(totalRows) && totalColumns >= 1 && totalRows >= 1)) {
    throw new ImageError('invalid-option', `A level of ${totalColumns} x ${totalRows} pixels cannot be shown.`);
  }
  if (totalColumns * totalRows > picturePixelsMax) {
    throw new ImageError(
      'limit-exceeded',
      `A level of ${totalColumns} x ${totalRows} is over the limit of ${picturePixelsMax} pixels; take a smaller level.`,
    );
  }
  const first = tiles[0];
  if (!first) throw new ImageError('invalid-option', 'A level without a tile cannot be shown.');
  if (options.window) checkWindow(options.window);

  const isGrey = first.description.samplesPerPixel === 1 && !first.description.palette;
  const window = options.window ?? (isGrey ? commonWindow(first.description) : undefined);
  const channels = isGrey ? 1 : 3;
  const level: Picture = {
    data: new Uint8Array(totalColumns * totalRows * channels).fill(isGrey ? 0 : 255),
    width: totalColumns,
    height: totalRows,
    channels,
  };
  for (const tile of tiles) {
    const pixels = await decodeFrame(tile.bytes, tile.description);
    place(toPicture(pixels, tile.description, window), level, tile);
  }
  return encodePicture(level, options);
}

/** One window for all frames, as tiles or of a cine, where their borders would show: their own, else all values that can be stored. */
export function commonWindow({
  windows,
  bitsStored,
  pixelRepresentation,
  rescaleSlope,
  rescaleIntercept,
}: FrameDescription): VoiWindow {
  if (windows[0]) return windows[0];
  const lowest = pixelRepresentation === 1 ? -(2 ** (bitsStored - 1)) : 0;
  const middle = lowest + (2 ** bitsStored - 1) / 2;
  return {
    center: middle * rescaleSlope + rescaleIntercept,
    width: (2 ** bitsStored - 1) * Math.abs(rescaleSlope),
    function: 'LINEAR_EXACT',
  };
}

function place(tile: Picture, level: Picture, { columnOffset, rowOffset }: Tile): void {
  if (![columnOffset, rowOffset].every((offset) => Number.isInteger(offset) && offset >= 0)) {
    throw new ImageError('invalid-option', `A tile cannot lie at column ${columnOffset}, row ${rowOffset}.`);
  }
  if (tile.channels !== level.channels) {
    throw new ImageError('invalid-option', 'Tiles in colour and in grey cannot be one level.');
  }
  const width = Math.min(tile.width, level.width - columnOffset);
  const height = Math.min(tile.height, level.height - rowOffset);
  if (width <= 0) return;
  const { channels } = level;
  for (let row = 0; row < height; row++) {
    const from = row * tile.width * channels;
    const to = ((rowOffset + row) * level.width + columnOffset) * channels;
    level.data.set(tile.data.subarray(from, from + width * channels), to);
  }
}
