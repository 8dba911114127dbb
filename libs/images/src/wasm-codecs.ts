import dcmjsCodecs from 'dcmjs-codecs';
import type { CodestreamHeader } from './codestream-header.js';
import { ImageError } from './image-error.js';

const { Context, NativeCodecs, log } = dcmjsCodecs;

/**
 * What the decoders report instead of failing. libjpeg fills in for missing data without an error; pixels nobody
 * measured must not be shown, so these warnings of its are errors here.
 */
const fatalWarnings = /Corrupt JPEG data: (?!\d+ extraneous)|Premature end|Unsupported marker/i;
let warnings: string[] = [];
log.info = (...message: unknown[]) => void (warnings.length < 100 && warnings.push(message.join(' ')));
log.error = log.info;

/** How the decoder of dcmjs-codecs that suits a codestream is called. */
type Decoder = 'decodeJpeg' | 'decodeJpeg2000' | 'decodeJpegXl';

export interface WasmRequest {
  decoder: Decoder;
  bytes: Uint8Array;
  header: Pick<CodestreamHeader, 'rows' | 'columns' | 'components' | 'precision' | 'isSigned'>;
}

/**
 * Runs a WebAssembly decoder (dcmjs-codecs: IJG libjpeg of 8, 12 and 16 bits, OpenJPEG, libjxl).
 * These trust the dimensions they are told to lie inside the codestream's, so the caller has compared them.
 *
 * @returns Little endian samples: one byte each up to 8 bits, two above.
 * @throws ImageError malformed
 */
export async function decodeWithWasm({ decoder, bytes, header }: WasmRequest): Promise<Uint8Array> {
  await start();
  const context = new Context({
    width: header.columns,
    height: header.rows,
    samplesPerPixel: header.components,
    bitsAllocated: header.precision <= 8 ? 8 : 16,
    bitsStored: header.precision,
    pixelRepresentation: header.isSigned ? 1 : 0,
    planarConfiguration: 0,
    // What it is makes no difference to the decoders, unless they are asked to convert colours: we do that ourselves.
    photometricInterpretation: header.components === 1 ? 'MONOCHROME2' : 'RGB',
    encodedBuffer: bytes,
  });

  let decoded: Uint8Array | undefined;
  warnings = [];
  try {
    decoded = NativeCodecs[decoder](context, { convertColorspaceToRgb: false }).getDecodedBuffer();
  } catch (error) {
    // An exception leaves the instance as it was in the middle of work: never use it again.
    release();
    // A WebAssembly trap ("unreachable") is how these decoders give up on what makes no sense to them.
    const reason =
      (error as Error).name === 'RuntimeError' ? 'its data make no sense' : lastPart((error as Error).message);
    throw new ImageError('malformed', `The compressed frame cannot be decoded: ${reason}`, { cause: error });
  }

  const fatal = warnings.find((warning) => fatalWarnings.test(warning));
  if (fatal !== undefined) throw new ImageError('malformed', `The compressed frame is damaged: ${lastPart(fatal)}`);

  const expected = header.rows * header.columns * header.components * (header.precision <= 8 ? 1 : 2);
  if (decoded?.length !== expected) {
    release();
    throw new ImageError('malformed', `The decoder gave ${decoded?.length ?? 0} bytes instead of ${expected}.`);
  }
  return decoded;
}

/** How an encoder of dcmjs-codecs is called; all of them without loss. */
type Encoder = 'encodeJpeg' | 'encodeJpeg2000' | 'encodeHtJpeg2000';

export interface WasmEncoding {
  encoder: Encoder;
  /** Little endian samples, those of a pixel side by side: one byte each up to 8 bits, two above. */
  samples: Uint8Array;
  rows: number;
  columns: number;
  components: number;
  precision: number;
  isSigned: boolean;
  /** JPEG 2000: transform R, G and B together. */
  hasComponentTransform: boolean;
  /** HTJ2K: the lower resolutions come first (RPCL). */
  isByResolution?: boolean;
}

/** Of JPEG 2000's progression orders (ISO/IEC 15444-1 A.6.1). */
const rpcl = 2;

/**
 * Runs a WebAssembly encoder without loss. Whether it was is for the caller to see by decoding.
 *
 * @throws ImageError unsupported-pixels
 */
export async function encodeWithWasm(encoding: WasmEncoding): Promise<Uint8Array> {
  await start();
  const { encoder, samples, rows, columns, components, precision, isSigned, hasComponentTransform, isByResolution } =
    encoding;
  const context = new Context({
    width: columns,
    height: rows,
    samplesPerPixel: components,
    bitsAllocated: precision <= 8 ? 8 : 16,
    bitsStored: precision,
    pixelRepresentation: isSigned ? 1 : 0,
    planarConfiguration: 0,
    photometricInterpretation: components === 1 ? 'MONOCHROME2' : 'RGB',
    decodedBuffer: samples,
  });
  warnings = [];
  try {
    const options = {
      lossy: false,
      allowedLossyError: 0,
      predictor: 1,
      allowMct: hasComponentTransform ? 1 : 0,
      ...(isByResolution && { progressionOrder: rpcl }),
    };
    // As of any Buffer of theirs, the memory may be shared with others.
    return Uint8Array.from(NativeCodecs[encoder](context, options).getEncodedBuffer() ?? []);
  } catch (error) {
    release();
    throw new ImageError('unsupported-pixels', `The frame cannot be encoded: ${lastPart((error as Error).message)}`, {
      cause: error,
    });
  }
}

/**
 * JPEG XL (ISO/IEC 18181), a bare codestream, sRGB. Grey pictures go in as colours, too: the encoder would call their one
 * channel linear light, and browsers show them much too bright.
 *
 * @param data R G B
 * @param quality 1 to 100, as libjxl understands it
 * @throws ImageError unsupported-pixels
 */
export async function encodeJpegXl(
  { data, width, height }: { data: Uint8Array; width: number; height: number },
  quality: number,
): Promise<Buffer> {
  await start();
  const context = new Context({
    width,
    height,
    samplesPerPixel: 3,
    bitsAllocated: 8,
    bitsStored: 8,
    pixelRepresentation: 0,
    planarConfiguration: 0,
    photometricInterpretation: 'RGB',
    decodedBuffer: data,
  });
  try {
    const encoded = NativeCodecs.encodeJpegXl(context, { lossy: true, quality } as {
      lossy: boolean;
    }).getEncodedBuffer();
    return Buffer.from(Uint8Array.from(encoded ?? []).buffer);
  } catch (error) {
    release();
    const reason = lastPart((error as Error).message);
    throw new ImageError('unsupported-pixels', `The picture cannot be encoded as JPEG XL: ${reason}`, { cause: error });
  }
}

let started: Promise<void> | undefined;

async function start(): Promise<void> {
  started ??= NativeCodecs.initializeAsync({ logCodecsInfo: true });
  await started;
}

function release(): void {
  started = undefined;
  NativeCodecs.release();
}

/** "JpegDecoder8::EmitMessage::Corrupt JPEG data" without the names of functions. */
function lastPart(message: string): string {
  return message
    .slice(message.lastIndexOf('::') + 1)
    .replace(/^:/, '')
    .trim();
}
