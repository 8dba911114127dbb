import { ImageError } from './image-error.js';

/** Bytes of one decoded frame. */
export const decodedBytesMax = 512 * 2 ** 20;

/** Pixels of a picture we make: a viewport, or a level composed of tiles. */
export const picturePixelsMax = 64_000_000;

/** @throws ImageError limit-exceeded, before anything of that size is allocated. */
export function checkDecodedSize(rows: number, columns: number, samplesPerPixel: number, bytesPerSample: number): void {
  const bytes = rows * columns * samplesPerPixel * bytesPerSample;
  if (bytes > decodedBytesMax) {
    throw new ImageError(
      'limit-exceeded',
      `A frame of ${columns} x ${rows} pixels takes ${bytes} bytes when decoded; the limit is ${decodedBytesMax}.`,
    );
  }
}
