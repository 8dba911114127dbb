import type { FrameDescription } from '../frame-description.js';
import { ImageError } from '../image-error.js';
import type { Picture } from '../pixels.js';
import { isNative } from '../transfer-syntax.js';
import { isSet, type Overlay } from './overlay.js';

/**
 * Draws overlays into a picture, white: what they cover of it is changed in place.
 *
 * @param bytes The frame as it is stored, in which old overlays have bits of their own.
 */
export function drawOverlays(
  picture: Picture,
  overlays: readonly Overlay[],
  bytes: Uint8Array,
  description: FrameDescription,
): void {
  for (const overlay of overlays) {
    const plane = overlay.embeddedBit === undefined ? overlay : embeddedPlane(overlay, bytes, description);
    if (plane !== undefined) drawPlane(picture, plane);
  }
}

function drawPlane({ data, width, height, channels }: Picture, overlay: Overlay): void {
  const { rows, columns, top, left } = overlay;
  const [firstRow, endRow] = [Math.max(0, -top), Math.min(rows, height - top)];
  const [firstColumn, endColumn] = [Math.max(0, -left), Math.min(columns, width - left)];
  for (let row = firstRow; row < endRow; row++) {
    for (let column = firstColumn; column < endColumn; column++) {
      if (!isSet(overlay, row * columns + column)) continue;
      const at = ((top + row) * width + left + column) * channels;
      data.fill(255, at, at + channels);
    }
  }
}

/** Bits beside the samples (PS3.5 8.1.2, retired): only uncompressed frames have them. */
function embeddedPlane(overlay: Overlay, bytes: Uint8Array, description: FrameDescription): Overlay | undefined {
  const { rows, columns, bitsAllocated, swapWordBytes, samplesPerPixel } = description;
  const bit = overlay.embeddedBit as number;
  if (!isNative(description.transferSyntaxUid) || samplesPerPixel !== 1 || bitsAllocated < 8) return undefined;
  if (bit >= bitsAllocated) return undefined;
  const size = bitsAllocated / 8;
  const pixels = rows * columns;
  if (bytes.length < pixels * size) {
    throw new ImageError('truncated', `A frame of ${columns} x ${rows} pixels has only ${bytes.length} bytes.`);
  }
  const inWord = swapWordBytes > 0 && size > 1 ? size - 1 - (bit >> 3) : bit >> 3;
  const bits = new Uint8Array(Math.ceil(pixels / 8));
  for (let pixel = 0; pixel < pixels; pixel++) {
    if ((((bytes[pixel * size + inWord] as number) >> (bit & 7)) & 1) === 1) {
      bits[pixel >> 3] = (bits[pixel >> 3] as number) | (1 << (pixel & 7));
    }
  }
  return { ...overlay, rows, columns, bits, bitOffset: 0 };
}
