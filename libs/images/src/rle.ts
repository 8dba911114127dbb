import type { FrameDescription } from './frame-description.js';
import { ImageError } from './image-error.js';

/**
 * Decodes an RLE frame (PS3.5 annex G) to interleaved little endian samples (one-bit ones still packed). Our own, because the WebAssembly decoder
 * reads past the end of damaged input.
 *
 * @throws ImageError truncated, malformed, mismatch
 */
export function decodeRle(bytes: Uint8Array, description: FrameDescription): Uint8Array {
  const { rows, columns, samplesPerPixel, bitsAllocated } = description;
  // One-bit frames are packed eight pixels to a byte, and the bytes then coded.
  const bytesPerSample = Math.max(1, bitsAllocated / 8);
  const pixels = bitsAllocated === 1 ? Math.ceil((rows * columns) / 8) : rows * columns;
  const stride = samplesPerPixel * bytesPerSample;

  if (bytes.length < 64)
    throw new ImageError('truncated', `The RLE frame has ${bytes.length} bytes; its header alone has 64.`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, 64);
  const segments = header.getUint32(0, true);
  if (segments !== stride) {
    throw new ImageError(
      'mismatch',
      `The RLE frame has ${segments} segments; ${samplesPerPixel} samples of ${bitsAllocated} bits make ${stride}.`,
    );
  }

  const decoded = new Uint8Array(pixels * stride);
  for (let segment = 0; segment < segments; segment++) {
    const start = header.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < segments ? header.getUint32(8 + 4 * segment, true) : bytes.length;
    if (start < 64 || end < start || end > bytes.length) {
      throw new ImageError(
        'malformed',
        `Segment ${segment + 1} of the RLE frame lies from byte ${start} to ${end} of ${bytes.length}.`,
      );
    }
    // Segments go sample by sample, and in a sample from the high byte to the low one.
    const sample = Math.floor(segment / bytesPerSample);
    const byteInSample = bytesPerSample - 1 - (segment % bytesPerSample);
    const written = unpack(bytes, start, end, decoded, sample * bytesPerSample + byteInSample, stride, pixels);
    if (written < pixels) {
      throw new ImageError('truncated', `Segment ${segment + 1} of the RLE frame gives ${written} of ${pixels} bytes.`);
    }
  }
  return decoded;
}

/** PackBits (PS3.5 G.3.1): gives how many bytes it wrote; what a segment holds beyond `count` is padding. */
function unpack(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
  stride: number,
  count: number,
): number {
  let written = 0;
  let to = outStart;
  for (let at = start; at < end && written < count;) {
    const control = bytes[at++] as number;
    if (control < 128) {
      const run = Math.min(control + 1, count - written, end - at);
      for (let i = 0; i < run; i++, to += stride) out[to] = bytes[at + i] as number;
      written += run;
      at += control + 1;
    } else if (control > 128 && at < end) {
      const run = Math.min(257 - control, count - written);
      const value = bytes[at++] as number;
      for (let i = 0; i < run; i++, to += stride) out[to] = value;
      written += run;
    }
  }
  return written;
}
