import { giveBack } from '#libs/workers';
import { encodeWithCharLs } from './charls.js';
import { readCodestreamHeader } from './codestream-header.js';
import { ybrFullToRgb } from './color.js';
import { decodeStoredFrame } from './decode-frame.js';
import { encodeRle } from './encode-rle.js';
import type { FrameDescription, SampleLayout } from './frame-description.js';
import { ImageError } from './image-error.js';
import { encodeJpeg } from './jpeg-baseline.js';
import type { PixelArray, Pixels } from './pixels.js';
import { rleLossless } from './transfer-syntax.js';
import { encodeWithWasm } from './wasm-codecs.js';

export const jpegBaseline = '1.2.840.10008.1.2.4.50';
export const jpegLossless = '1.2.840.10008.1.2.4.70';
export const jpegLsLossless = '1.2.840.10008.1.2.4.80';
export const jpeg2000Lossless = '1.2.840.10008.1.2.4.90';
export const htj2kLossless = '1.2.840.10008.1.2.4.201';
export const htj2kLosslessRpcl = '1.2.840.10008.1.2.4.202';

/** The transfer syntaxes that frames are encoded in without loss. */
export const losslessSyntaxes: readonly string[] = [
  htj2kLossless,
  jpegLsLossless,
  jpeg2000Lossless,
  jpegLossless,
  rleLossless,
  htj2kLosslessRpcl,
];

/** A compressed frame, and what the dataset around it must say. */
export interface EncodedFrame {
  bytes: Uint8Array;
  photometricInterpretation: string;
}

/** Whether samples like these can be encoded in that transfer syntax. */
export function isEncodable(shape: Omit<SampleLayout, 'planarConfiguration'>, transferSyntaxUid: string): boolean {
  const { rows, columns, samplesPerPixel, bitsAllocated, bitsStored, highBit, pixelRepresentation, sampleType } = shape;
  if (sampleType !== 'integer') return false;
  const isPlainByte = bitsAllocated === 8 && pixelRepresentation === 0;
  // The codecs write the bits that count, and a High Bit elsewhere would then say where they are not.
  const isForCodec = [8, 16].includes(bitsAllocated) && bitsStored >= 2 && highBit === bitsStored - 1;
  // What the decoders of JPEG 2000 cannot read back is not written: colours of 16 bits, and bytes with a sign.
  const isReadBack =
    isForCodec && (samplesPerPixel === 1 || isPlainByte) && !(bitsStored <= 8 && pixelRepresentation === 1);
  switch (transferSyntaxUid) {
    case rleLossless:
      return [8, 16, 32].includes(bitsAllocated);
    case jpegLsLossless:
    case jpegLossless:
      return isForCodec;
    case jpeg2000Lossless:
      // Of one row or column OpenJPEG is asked for no resolutions at all, and refuses.
      return isReadBack && Math.min(rows, columns) > 1;
    case htj2kLossless:
    case htj2kLosslessRpcl:
      return isReadBack;
    case jpegBaseline:
      return isPlainByte && bitsStored === 8 && shape.photometricInterpretation !== 'PALETTE COLOR';
    default:
      return false;
  }
}

/**
 * Encodes a decoded frame. Without loss, but for JPEG Baseline: what was encoded is decoded again, and given only if it
 * is the same to the bit.
 *
 * @throws ImageError unsupported-pixels
 */
export async function encodeFrame(
  pixels: Pixels,
  description: FrameDescription,
  transferSyntaxUid: string,
): Promise<EncodedFrame> {
  if (!isEncodable(description, transferSyntaxUid)) {
    throw new ImageError(
      'unsupported-pixels',
      `Its samples cannot be encoded in transfer syntax ${transferSyntaxUid}.`,
    );
  }
  if (transferSyntaxUid === jpegBaseline) return encodeJpegBaseline(pixels);
  const encoded = await encodeLossless(pixels, description, transferSyntaxUid);
  const back = await decodeStoredFrame(encoded.bytes, {
    ...description,
    transferSyntaxUid,
    photometricInterpretation: encoded.photometricInterpretation,
    planarConfiguration: 0,
    bitOffset: 0,
    swapWordBytes: 0,
  });
  const isSame = bytesOf(back.data).equals(bytesOf(pixels.data));
  giveBack(back.data);
  if (!isSame) {
    throw new ImageError(
      'unsupported-pixels',
      `The frame would not be the same after encoding in transfer syntax ${transferSyntaxUid}.`,
    );
  }
  return encoded;
}

async function encodeLossless(
  { data, rows, columns, samplesPerPixel, photometricInterpretation }: Pixels,
  { bitsAllocated, bitsStored, pixelRepresentation }: FrameDescription,
  transferSyntaxUid: string,
): Promise<EncodedFrame> {
  if (transferSyntaxUid === rleLossless) {
    const layout = { pixels: rows * columns, columns, samplesPerPixel, bytesPerSample: bitsAllocated / 8 };
    return { bytes: encodeRle(bytesOf(data), layout), photometricInterpretation };
  }
  const frame = { rows, columns, components: samplesPerPixel, precision: bitsStored };
  if (transferSyntaxUid === jpegLsLossless || transferSyntaxUid === jpegLossless) {
    // These know no sign: the bits of a negative number are those of a large one.
    const samples = bytesOf(withoutSign(data, bitsStored));
    const bytes =
      transferSyntaxUid === jpegLossless
        ? await encodeWithWasm({
            ...frame,
            encoder: 'encodeJpeg',
            samples,
            isSigned: false,
            hasComponentTransform: false,
          })
        : await encodeWithCharLs(samples, frame);
    return { bytes, photometricInterpretation };
  }
  const isRgb = photometricInterpretation === 'RGB';
  const bytes = await encodeWithWasm({
    ...frame,
    encoder: transferSyntaxUid === jpeg2000Lossless ? 'encodeJpeg2000' : 'encodeHtJpeg2000',
    // The encoder gives it what else RPCL must have (PS3.5 10.18): tile-part lengths, a base resolution of 64 at most.
    isByResolution: transferSyntaxUid === htj2kLosslessRpcl,
    samples: bytesOf(narrowed(data, bitsStored)),
    isSigned: pixelRepresentation === 1,
    hasComponentTransform: isRgb,
  });
  const isTransformed = isRgb && readCodestreamHeader(bytes).hasComponentTransform;
  return { bytes, photometricInterpretation: isTransformed ? 'YBR_RCT' : photometricInterpretation };
}

async function encodeJpegBaseline({ data, rows, columns, samplesPerPixel, ...pixels }: Pixels): Promise<EncodedFrame> {
  const isYbr = pixels.photometricInterpretation === 'YBR_FULL';
  // A copy only of what is turned in place.
  const samples = isYbr ? new Uint8Array(data) : bytesOf(data);
  if (isYbr) ybrFullToRgb(samples);
  const channels = samplesPerPixel === 1 ? 1 : 3;
  const bytes = await encodeJpeg({ data: samples, width: columns, height: rows, channels }, 90);
  return { bytes, photometricInterpretation: channels === 1 ? pixels.photometricInterpretation : 'YBR_FULL' };
}

/** Up to 8 bits take one byte each for the codecs, however many are allocated. */
function narrowed(data: PixelArray, bitsStored: number): PixelArray {
  return bitsStored <= 8 && data.BYTES_PER_ELEMENT > 1 ? Uint8Array.from(data, (value) => value & 0xff) : data;
}

function withoutSign(data: PixelArray, bitsStored: number): PixelArray {
  const mask = 2 ** bitsStored - 1;
  const samples = bitsStored <= 8 ? new Uint8Array(data.length) : new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) samples[i] = (data[i] as number) & mask;
  return samples;
}

/** The samples' own bytes: every platform Node runs on is little endian. */
function bytesOf(data: PixelArray): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
