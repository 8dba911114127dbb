import { explicitLittleEndian } from '#libs/dicom';
import { giveBack } from '#libs/workers';
import { ybrFullToRgb } from './color.js';
import { decodeStoredFrame } from './decode-frame.js';
import { encodeFrame } from './encode-frame.js';
import type { FrameDescription } from './frame-description.js';
import { ImageError } from './image-error.js';
import type { TranscodedFrame } from './image-request.js';
import { toNativeBytes } from './native-bytes.js';
import { borrowNativeSamples } from './native-pixels.js';
import type { Pixels } from './pixels.js';
import { wordsOf } from './sample-array.js';
import { isNative } from './transfer-syntax.js';

/**
 * A frame in another transfer syntax: Explicit VR Little Endian by decoding it, others by encoding it again. Its colours
 * stay as they are stored where the codec lets them.
 *
 * Runs where it is called: servers use ImageService.
 *
 * @param bytes As for decodeFrame.
 * @param isApart The frame goes out alone, to be read with the metadata as it is: see {@link asNamed}.
 * @throws ImageError as decodeFrame; unsupported-pixels for what cannot be encoded without loss.
 */
export async function transcodeFrame(
  bytes: Uint8Array,
  description: FrameDescription,
  transferSyntaxUid: string,
  isApart = false,
): Promise<TranscodedFrame> {
  const pixels = await storedPixels(bytes, description, isApart && transferSyntaxUid === explicitLittleEndian);
  if (transferSyntaxUid === explicitLittleEndian) {
    const photometricInterpretation = isApart ? asNamed(pixels, description) : pixels.photometricInterpretation;
    return { bytes: toNativeBytes(pixels, description), photometricInterpretation };
  }
  if (isNative(description.transferSyntaxUid)) refuseHiddenBits(bytes, pixels, description);
  const encoded = await encodeFrame(pixels, description, transferSyntaxUid);
  if (pixels.data.buffer !== bytes.buffer) giveBack(pixels.data);
  return { ...encoded, bytes: Buffer.from(encoded.bytes.buffer, encoded.bytes.byteOffset, encoded.bytes.byteLength) };
}

/** Nothing below changes the samples of pixels whose colours are kept. */
async function storedPixels(bytes: Uint8Array, description: FrameDescription, keepsYbrFull: boolean): Promise<Pixels> {
  const data = borrowNativeSamples(bytes, description);
  if (data === undefined) return decodeStoredFrame(bytes, description, keepsYbrFull);
  const { rows, columns, samplesPerPixel, photometricInterpretation } = description;
  return { data, rows, columns, samplesPerPixel, photometricInterpretation };
}

/**
 * Turns colours, in place, into what clients take uncompressed samples for whose metadata still have the Photometric
 * Interpretation of the compressed ones: YBR_FULL for itself; of those that name no samples of full resolution
 * (YBR_FULL_422, YBR_ICT and the like), RGB.
 */
function asNamed({ data, photometricInterpretation }: Pixels, description: FrameDescription): string {
  const isHalved = photometricInterpretation === 'YBR_FULL' && description.photometricInterpretation !== 'YBR_FULL';
  if (!isHalved || !(data instanceof Uint8Array)) return photometricInterpretation;
  ybrFullToRgb(data);
  return 'RGB';
}

/** Overlays of old lie in the bits beside the samples (PS3.5 8.1.2): a codec would lose them without a word. */
function refuseHiddenBits(bytes: Uint8Array, { data }: Pixels, description: FrameDescription): void {
  const { bitsAllocated, bitsStored, highBit, swapWordBytes, sampleType } = description;
  if (sampleType !== 'integer' || bitsAllocated <= bitsStored || ![8, 16].includes(bitsAllocated)) return;
  const shift = highBit + 1 - bitsStored;
  const beside = ~((2 ** bitsStored - 1) << shift) & (2 ** bitsAllocated - 1);
  // In the order of the bytes as they lie.
  const isSwapped = swapWordBytes !== 0 && bitsAllocated === 16;
  const signs = isSwapped ? ((beside & 0xff) << 8) | (beside >> 8) : beside;
  const words = bitsAllocated === 8 ? bytes.subarray(0, data.length) : wordsOf(bytes, data.length);
  for (let i = firstWith(signs, words); i < words.length; i++) {
    const hidden = (words[i] as number) & signs;
    if (hidden !== 0 && !(hidden === signs && shift === 0)) {
      throw new ImageError(
        'unsupported-pixels',
        'Bits beside those stored hold something (an overlay, perhaps), which compression would lose.',
      );
    }
  }
}

/** The first word with one of those bits, or one before it; looked for in four bytes at a time. */
function firstWith(bits: number, words: Uint8Array | Uint16Array): number {
  if (words.byteOffset % 4 !== 0) return 0;
  const perQuad = 4 / words.BYTES_PER_ELEMENT;
  const quads = new Uint32Array(words.buffer, words.byteOffset, Math.floor(words.length / perQuad));
  const several = words.BYTES_PER_ELEMENT === 1 ? bits * 0x01010101 : bits * 0x00010001;
  let at = 0;
  while (at < quads.length && ((quads[at] as number) & several) === 0) at++;
  return at * perQuad;
}
