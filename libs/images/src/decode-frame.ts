import { inflateRawSync } from 'node:zlib';
import { decodeWithCharLs } from './charls.js';
import { isJpegXl, readCodestreamHeader, type CodestreamHeader } from './codestream-header.js';
import { wideYbrFullToRgb, ybrFullToRgb, ybrPartialToRgb } from './color.js';
import type { FrameDescription } from './frame-description.js';
import { fitSamples } from './fit-samples.js';
import { ImageError } from './image-error.js';
import { decodeJpegBaseline } from './jpeg-baseline.js';
import { checkDecodedSize } from './limits.js';
import { interleave, readNativePixels } from './native-pixels.js';
import type { PixelArray, Pixels } from './pixels.js';
import { decodeRle } from './rle.js';
import { ownMemory, ownSampleArray } from './sample-array.js';
import {
  deflatedFrames,
  encapsulatedUncompressed,
  isNative,
  isSelfDescribing,
  rleLossless,
} from './transfer-syntax.js';
import { decodeWithOpenJph } from './openjph.js';
import { decodeWithWasm } from './wasm-codecs.js';

/**
 * Decodes one frame, whatever its transfer syntax, to samples as they were stored; colours of the YBR kind become RGB.
 * Runs where it is called: servers use ImageService, which decodes in processes of their own.
 *
 * @param bytes The frame: native samples, or the bare codestream without DICOM item headers.
 * @throws ImageError truncated, malformed, mismatch, unsupported-transfer-syntax, unsupported-pixels, limit-exceeded
 */
export async function decodeFrame(bytes: Uint8Array, description: FrameDescription): Promise<Pixels> {
  const { rows, columns, samplesPerPixel, bitsAllocated } = description;
  checkDecodedSize(rows, columns, samplesPerPixel, Math.max(1, bitsAllocated / 8));
  const { data, isRgb } = await decodeSamples(bytes, description);
  const photometricInterpretation = isRgb ? 'RGB' : toRgb(data, description);
  return { data, rows, columns, samplesPerPixel, photometricInterpretation };
}

/**
 * Decodes one frame as {@link decodeFrame} does, but keeps its colours as they are stored, since turning YBR into RGB
 * rounds: only what the codec itself makes RGB of (JPEG 2000; lossy JPEG) comes as RGB. Half-resolution
 * chroma comes at full resolution.
 *
 * @param keepsYbrFull lossy JPEG whose dataset says YBR_FULL is not made RGB of
 */
export async function decodeStoredFrame(
  bytes: Uint8Array,
  description: FrameDescription,
  keepsYbrFull = false,
): Promise<Pixels> {
  const { rows, columns, samplesPerPixel, bitsAllocated } = description;
  checkDecodedSize(rows, columns, samplesPerPixel, Math.max(1, bitsAllocated / 8));
  const { data, isRgb } = await decodeSamples(bytes, description, keepsYbrFull);
  const photometricInterpretation = isRgb ? 'RGB' : keptColors(data, description);
  return { data, rows, columns, samplesPerPixel, photometricInterpretation };
}

/** YBR_PARTIAL_422 and the like have no name at full resolution: they become RGB. */
function keptColors(data: PixelArray, description: FrameDescription): string {
  const { photometricInterpretation } = description;
  return /^YBR_FULL(_422)?$/.test(photometricInterpretation) ? 'YBR_FULL' : toRgb(data, description);
}

interface Samples {
  data: PixelArray;
  /** The decoder has already made RGB of what the dataset calls otherwise. */
  isRgb: boolean;
}

async function decodeSamples(bytes: Uint8Array, description: FrameDescription, keepsYbrFull = false): Promise<Samples> {
  const { transferSyntaxUid } = description;
  if (isNative(transferSyntaxUid)) return { data: readNativePixels(bytes, description), isRgb: false };
  if (isSelfDescribing(transferSyntaxUid)) return decodeCodestream(bytes, description, keepsYbrFull);
  // RLE gives the samples of a pixel together, whatever Planar Configuration says.
  if (transferSyntaxUid === rleLossless) {
    const data = readNativePixels(
      decodeRle(bytes, description),
      { ...description, planarConfiguration: 0 },
      ownSampleArray,
    );
    return { data, isRgb: false };
  }
  if (transferSyntaxUid === deflatedFrames) {
    return { data: readNativePixels(inflateFrame(bytes, description), description), isRgb: false };
  }
  if (transferSyntaxUid === encapsulatedUncompressed) {
    return { data: readNativePixels(bytes, description), isRgb: false };
  }
  throw new ImageError(
    'unsupported-transfer-syntax',
    `Frames of transfer syntax ${transferSyntaxUid} cannot be decoded.`,
  );
}

function inflateFrame(
  bytes: Uint8Array,
  { rows, columns, samplesPerPixel, bitsAllocated }: FrameDescription,
): Uint8Array {
  // One more byte for padding to an even length; a frame that inflates to more is not this one.
  const length = Math.ceil((rows * columns * samplesPerPixel * bitsAllocated) / 8);
  try {
    return inflateRawSync(bytes, { maxOutputLength: length + 1 });
  } catch (error) {
    throw new ImageError(
      'malformed',
      `The deflated frame cannot be inflated to ${length} bytes: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

async function decodeCodestream(
  bytes: Uint8Array,
  description: FrameDescription,
  keepsYbrFull: boolean,
): Promise<Samples> {
  if (isJpegXl(bytes)) return decodeJpegXl(bytes, description);
  const header = readCodestreamHeader(bytes);
  checkHeader(header, description);

  switch (header.codec) {
    case 'jpeg': {
      const isColor = header.components === 3;
      const color = !isColor
        ? undefined
        : (header.jpegColor ?? (description.photometricInterpretation.startsWith('YBR') ? 'ycc' : 'rgb'));
      const keepsYbr = keepsYbrFull && color === 'ycc' && description.photometricInterpretation === 'YBR_FULL';
      // libjpeg-turbo does as it thinks about colour; where that is not what is meant, the other decoder has no opinion.
      const canTurbo = header.precision === 8 && !keepsYbr && (!isColor || color === header.libjpegColor);
      const fast = canTurbo ? await decodeJpegBaseline(bytes, header) : undefined;
      if (fast !== undefined) {
        const { bitsAllocated, bitsStored, pixelRepresentation } = description;
        const isPlain = bitsAllocated === 8 && bitsStored === 8 && pixelRepresentation === 0;
        const data = isPlain ? new Uint8Array(ownMemory(fast)) : fitSamples(fast, header, description);
        return { data, isRgb: isColor };
      }
      const decoded = await decodeWithWasm({ decoder: 'decodeJpeg', bytes, header });
      if (color === 'ycc' && header.precision === 8 && !keepsYbr) ybrFullToRgb(decoded);
      const data = fitSamples(decoded, header, description);
      if (color === 'ycc' && header.precision > 8 && !keepsYbr && data instanceof Uint16Array) {
        wideYbrFullToRgb(data, Math.min(header.precision, description.bitsStored));
      }
      return { data, isRgb: isColor && !keepsYbr };
    }
    case 'jpeg-lossless':
      return {
        data: fitSamples(await decodeWithWasm({ decoder: 'decodeJpeg', bytes, header }), header, description),
        isRgb: false,
      };
    case 'jpeg-ls': {
      const decoded = fitSamples(await decodeWithCharLs(bytes, header), header, description);
      // With a scan for each component, the decoder gives one plane after the other.
      const planarConfiguration = header.interleave === 0 ? 1 : 0;
      return { data: interleave(decoded, { ...description, planarConfiguration }), isRgb: false };
    }
    case 'jpeg2000':
    case 'htj2k': {
      const data = fitSamples(await decodeJpeg2000(bytes, header), header, description);
      return { data, isRgb: header.components === 3 && /^YBR_(ICT|RCT)$/.test(description.photometricInterpretation) };
    }
  }
}

/** OpenJPH (HTJ2K) is the faster, but takes components that are not transformed together in the wrong order. */
async function decodeJpeg2000(bytes: Uint8Array, header: CodestreamHeader): Promise<Uint8Array> {
  const canOpenJph = header.codec === 'htj2k' && (header.components === 1 || header.hasComponentTransform);
  const isByteColor = header.components === 1 || (header.components === 3 && header.precision <= 8);
  if (canOpenJph && !(header.isSigned && header.precision <= 8)) return decodeWithOpenJph(bytes, header);
  if (isByteColor) return decodeWithWasm({ decoder: 'decodeJpeg2000', bytes, header });
  throw new ImageError(
    'unsupported-pixels',
    `JPEG 2000 frames of ${header.components} components with ${header.precision} bits cannot be decoded.`,
  );
}

async function decodeJpegXl(bytes: Uint8Array, description: FrameDescription): Promise<Samples> {
  const header: Pick<CodestreamHeader, 'rows' | 'columns' | 'components' | 'precision' | 'isSigned'> = {
    rows: description.rows,
    columns: description.columns,
    components: description.samplesPerPixel,
    precision: description.bitsAllocated,
    isSigned: false,
  };
  if (header.precision > 16)
    throw new ImageError('unsupported-pixels', 'JPEG XL frames of more than 16 bits cannot be decoded.');
  const decoded = await decodeWithWasm({ decoder: 'decodeJpegXl', bytes, header });
  return {
    data: ownSampleArray(decoded, header.precision <= 8 ? 1 : 2, description),
    isRgb: description.samplesPerPixel === 3,
  };
}

/** What the frame says of itself must be what the dataset says: a decoder that believed the wrong one would read or write astray. */
function checkHeader(
  header: CodestreamHeader,
  { rows, columns, samplesPerPixel, bitsAllocated }: FrameDescription,
): void {
  if (header.rows !== rows || header.columns !== columns || header.components !== samplesPerPixel) {
    throw new ImageError(
      'mismatch',
      `The compressed frame is ${header.columns} x ${header.rows} with ${header.components} components; ` +
        `the dataset says ${columns} x ${rows} with ${samplesPerPixel}.`,
    );
  }
  if (header.precision > Math.max(8, bitsAllocated)) {
    throw new ImageError(
      'mismatch',
      `The compressed frame has ${header.precision} bits a sample; Bits Allocated is ${bitsAllocated}.`,
    );
  }
  if (header.precision < 1 || header.precision > 16) {
    throw new ImageError(
      'unsupported-pixels',
      `Compressed frames with ${header.precision} bits a sample cannot be decoded.`,
    );
  }
  if (!header.isFullResolution && header.codec !== 'jpeg') {
    throw new ImageError('unsupported-pixels', 'The compressed frame has components of different resolution.');
  }
}

/** Converts in place what is not RGB yet; gives the photometric interpretation after it. */
function toRgb(data: PixelArray, description: FrameDescription): string {
  const { photometricInterpretation, samplesPerPixel, bitsStored } = description;
  if (samplesPerPixel !== 3 || photometricInterpretation === 'RGB') return photometricInterpretation;
  if (data instanceof Uint16Array && photometricInterpretation === 'YBR_FULL') {
    wideYbrFullToRgb(data, bitsStored);
    return 'RGB';
  }
  if (!(data instanceof Uint8Array)) {
    throw new ImageError('unsupported-pixels', `${photometricInterpretation} of more than 8 bits cannot be shown.`);
  }
  switch (photometricInterpretation) {
    case 'YBR_FULL':
    case 'YBR_FULL_422':
      ybrFullToRgb(data);
      return 'RGB';
    case 'YBR_PARTIAL_422':
      ybrPartialToRgb(data);
      return 'RGB';
    case 'YBR_ICT':
    case 'YBR_RCT':
      // Names of what JPEG 2000 does inside; anything else that bears them holds RGB.
      return 'RGB';
    default:
      throw new ImageError(
        'unsupported-pixels',
        `Photometric Interpretation ${photometricInterpretation} cannot be shown.`,
      );
  }
}
