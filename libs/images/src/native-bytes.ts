import type { FrameDescription } from './frame-description.js';
import type { Pixels } from './pixels.js';

/**
 * A decoded frame as Explicit VR Little Endian keeps it: Bits Allocated and Planar Configuration as in the dataset,
 * one-bit frames packed from the first bit of the first byte (WADO-RS). The photometric interpretation to send with these
 * bytes is that of `pixels`.
 */
export function toNativeBytes(pixels: Pixels, description: FrameDescription): Buffer {
  if (description.bitsAllocated === 1) return packBits(pixels.data);
  const { data, samplesPerPixel } = pixels;
  let ordered = data;
  if (description.planarConfiguration === 1 && samplesPerPixel > 1) {
    ordered = data.slice();
    const count = data.length / samplesPerPixel;
    for (let i = 0; i < data.length; i++) {
      ordered[(i % samplesPerPixel) * count + Math.floor(i / samplesPerPixel)] = data[i] as number;
    }
  }
  // Every platform Node runs on is little endian.
  return Buffer.from(ordered.buffer, ordered.byteOffset, ordered.byteLength);
}

function packBits(values: Pixels['data']): Buffer {
  const packed = Buffer.alloc(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) {
    if (values[i]) packed[i >> 3] = (packed[i >> 3] as number) | (1 << (i & 7));
  }
  return packed;
}
