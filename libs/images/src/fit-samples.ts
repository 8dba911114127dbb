import { giveBack } from '#libs/workers';
import type { CodestreamHeader } from './codestream-header.js';
import type { FrameDescription } from './frame-description.js';
import type { PixelArray } from './pixels.js';
import { ownSampleArray } from './sample-array.js';

/** What a decoder gave, little endian, as samples of the dataset's width and sign; in the same memory where they fit. */
export function fitSamples(decoded: Uint8Array, header: CodestreamHeader, description: FrameDescription): PixelArray {
  const { bitsAllocated, pixelRepresentation } = description;
  const narrow = narrowSamples(decoded, header, description);
  if (bitsAllocated <= narrow.BYTES_PER_ELEMENT * 8) return narrow;
  const isSigned = pixelRepresentation === 1;
  const wide =
    bitsAllocated === 16
      ? isSigned
        ? new Int16Array(narrow)
        : new Uint16Array(narrow)
      : isSigned
        ? new Int32Array(narrow)
        : new Uint32Array(narrow);
  giveBack(narrow);
  return wide;
}

function narrowSamples(decoded: Uint8Array, header: CodestreamHeader, description: FrameDescription): PixelArray {
  const { highBit, pixelRepresentation } = description;
  const bytesPerSample = header.precision <= 8 ? 1 : 2;
  // The codestream knows how many bits it carries; the sign is the highest of those that count.
  const bitsStored = Math.min(header.precision, description.bitsStored);
  if (isTransformed(header.codec) && (pixelRepresentation === 1) === header.isSigned) {
    const bits = 8 * bytesPerSample;
    const samples = ownSampleArray(decoded, bytesPerSample, {
      bitsStored: bits,
      highBit: bits - 1,
      pixelRepresentation,
    });
    if (header.precision > bitsStored) clamp(samples, bitsStored, header.isSigned);
    return samples;
  }
  return ownSampleArray(decoded, bytesPerSample, {
    bitsStored,
    highBit: highBit < header.precision ? Math.max(highBit, bitsStored - 1) : bitsStored - 1,
    pixelRepresentation,
  });
}

/** Lossy transforms overshoot: 1024 in an image of 10 bits is a bright pixel, not 0 with a bit too many. */
function isTransformed(codec: CodestreamHeader['codec']): boolean {
  return codec === 'jpeg' || codec === 'jpeg2000' || codec === 'htj2k';
}

function clamp(samples: PixelArray, bits: number, isSigned: boolean): void {
  const lowest = isSigned ? -(2 ** (bits - 1)) : 0;
  const highest = lowest + 2 ** bits - 1;
  for (let i = 0; i < samples.length; i++) {
    samples[i] = Math.min(Math.max(samples[i] as number, lowest), highest);
  }
}
