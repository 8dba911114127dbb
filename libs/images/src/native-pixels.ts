import { unpack422 } from './color.js';
import { type FrameDescription, isPlainByte } from './frame-description.js';
import { ImageError } from './image-error.js';
import type { PixelArray } from './pixels.js';
import { copyOf, toSampleArray } from './sample-array.js';
import { isNative } from './transfer-syntax.js';

/**
 * The samples of an uncompressed frame, interleaved. Bytes beyond the frame (padding to even length) are ignored.
 *
 * @param toSamples {@link ownSampleArray} where nobody else reads the bytes
 * @throws ImageError truncated, unsupported-pixels
 */
export function readNativePixels(
  bytes: Uint8Array,
  description: FrameDescription,
  toSamples: typeof toSampleArray = toSampleArray,
): PixelArray {
  const { rows, columns, samplesPerPixel, bitsAllocated, sampleType } = description;
  const pixels = rows * columns;
  const samples = pixels * samplesPerPixel;
  if (bitsAllocated === 1) return unpackBits(bytes, description.bitOffset, samples);

  const isSubsampled = description.photometricInterpretation.endsWith('_422') && samplesPerPixel === 3;
  if (isSubsampled && bitsAllocated === 8) {
    // Two bytes a pixel; some writers keep all three and the label, which the length gives away.
    if (bytes.length >= pixels * 3)
      return interleave(toSamples(bytes.subarray(0, samples), 1, description), description);
    const packed = need(bytes, pixels * 2 + (pixels % 2) * 2, description);
    return unpack422(packed, pixels);
  }

  const length = (samples * bitsAllocated) / 8;
  const { swapWordBytes } = description;
  // Of an odd number of bytes in words, the last is on the far side of the word that it shares with the padding.
  const wholeWords = swapWordBytes === 0 ? length : Math.ceil(length / swapWordBytes) * swapWordBytes;
  const frame = inLittleEndian(need(bytes, wholeWords, description), swapWordBytes).subarray(0, length);
  if (sampleType === 'float') return new Float32Array(copyOf(frame));
  if (sampleType === 'double') return new Float64Array(copyOf(frame));
  return interleave(toSamples(frame, (bitsAllocated / 8) as 1 | 2 | 4, description), description);
}

/**
 * {@link readNativePixels} of bytes that are the samples just as they are, without copying: whoever takes them must not
 * change them.
 *
 * @returns undefined for frames whose bytes are not
 */
export function borrowNativeSamples(bytes: Uint8Array, description: FrameDescription): Uint8Array | undefined {
  const { rows, columns, samplesPerPixel, planarConfiguration, photometricInterpretation } = description;
  const length = rows * columns * samplesPerPixel;
  const isPlain = isNative(description.transferSyntaxUid) && isPlainByte(description) && planarConfiguration === 0;
  // Other colours than these are turned, in place.
  if (!isPlain || !/^(MONOCHROME[12]|PALETTE COLOR|RGB)$/.test(photometricInterpretation)) return undefined;
  return bytes.length < length ? undefined : bytes.subarray(0, length);
}

function need(bytes: Uint8Array, length: number, { rows, columns }: FrameDescription): Uint8Array {
  if (bytes.length < length) {
    throw new ImageError(
      'truncated',
      `A frame of ${columns} x ${rows} pixels needs ${length} bytes; there are ${bytes.length}.`,
    );
  }
  return bytes.subarray(0, length);
}

/** One bit a pixel, the lowest bit first (PS3.5 8.1.1). */
function unpackBits(bytes: Uint8Array, bitOffset: number, count: number): Uint8Array {
  if (bytes.length * 8 < bitOffset + count) {
    throw new ImageError(
      'truncated',
      `A frame of ${count} bits from bit ${bitOffset} does not fit into ${bytes.length} bytes.`,
    );
  }
  const values = new Uint8Array(count);
  for (let i = 0, bit = bitOffset; i < count; i++, bit++) values[i] = ((bytes[bit >> 3] as number) >> (bit & 7)) & 1;
  return values;
}

function inLittleEndian(bytes: Uint8Array, wordBytes: number): Uint8Array {
  if (wordBytes === 0) return bytes;
  const swapped = new Uint8Array(bytes.length);
  for (let word = 0; word < bytes.length; word += wordBytes) {
    for (let i = 0; i < wordBytes; i++) swapped[word + i] = bytes[word + wordBytes - 1 - i] as number;
  }
  return swapped;
}

/** Planar Configuration 1 (all of R, then all of G, then all of B) to R G B pixel by pixel. */
export function interleave<T extends PixelArray>(samples: T, description: FrameDescription): T {
  const { samplesPerPixel, planarConfiguration } = description;
  if (planarConfiguration === 0 || samplesPerPixel === 1) return samples;
  const pixels = samples.length / samplesPerPixel;
  const interleaved = samples.slice() as T;
  for (let sample = 0; sample < samplesPerPixel; sample++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      interleaved[pixel * samplesPerPixel + sample] = samples[sample * pixels + pixel] as number;
    }
  }
  return interleaved;
}
