import type { DicomJson } from './dicom-json.js';

/** Where the frames of an instance are, in bytes from the first byte of the Part 10 object. */
export type FrameTable =
  | {
      kind: 'native';
      pixelDataOffset: number;
      pixelDataLength: number;
      /** Bits of one frame: frame i starts at bit i * frameBits (not at a byte for 1-bit images, PS3.5 8.1.1). */
      frameBits: number;
      numberOfFrames: number;
    }
  | {
      kind: 'encapsulated';
      /**
       * 16 bytes a frame: u64le offset, u32le length, u32le fragments. With one fragment, offset and length are the
       * bare codestream; with more, they cover the items including their 8-byte headers (strip while reading).
       */
      entries: Buffer;
      numberOfFrames: number;
    }
  /** No pixel data (SR, waveform, PDF). */
  | { kind: 'none' }
  /** Pixel data without an address a frame: deflated syntax, video, damaged or contradictory. */
  | { kind: 'unindexable'; reason: string };

/** One entry of an encapsulated frame table. */
export interface FrameRange {
  offset: number;
  length: number;
  fragments: number;
}

/** What must stay bounded while reading an object that anyone may have sent. */
export interface ParseLimits {
  /** Element headers and kept values together (pixel data and other bulk data pass by uncounted). */
  headerBytesMax: number;
  /** Elements, items included, of the whole dataset. */
  elementsMax: number;
  /** Values of all attributes: a value takes more memory as JSON than in its bytes. */
  valuesMax: number;
  /** Nested sequences. */
  depthMax: number;
  /** Fragments of encapsulated pixel data. */
  fragmentsMax: number;
  /** Compressed bytes of a dataset in a deflated syntax, which is held until its end. */
  deflatedBytesMax: number;
  /** Inflated bytes of a dataset in a deflated syntax. */
  inflatedBytesMax: number;
}

export const defaultParseLimits: ParseLimits = {
  headerBytesMax: 64 * 1024 * 1024,
  elementsMax: 1_000_000,
  valuesMax: 4_000_000,
  depthMax: 32,
  fragmentsMax: 2_000_000,
  deflatedBytesMax: 64 * 1024 * 1024,
  inflatedBytesMax: 128 * 1024 * 1024,
};

export interface Part10ReaderOptions {
  /** BulkDataURI for a tag path such as `00420011` or `54000100/0/54001010`; default: `bulkdata/<tagPath>`. */
  bulkDataPrefix?: (tagPath: string) => string;
  /** Binary values up to this size are InlineBinary; default 1024. */
  inlineBytesMax?: number;
  limits?: Partial<ParseLimits>;
}

/** What the archive keeps of an instance beside its bytes. */
export interface ParsedInstance {
  transferSyntaxUid: string;
  sopClassUid: string;
  sopInstanceUid: string;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  /** Without group 0002; text as UTF-8; PixelData and other big binary values as BulkDataURI. Keys ascend. */
  dataset: DicomJson;
  frames: FrameTable;
  /** Where the dataset begins: behind preamble and group 0002. */
  datasetOffset: number;
  /** Length of the whole object. */
  bytes: number;
}

/** Where the value of one element is, in bytes from the first byte of the Part 10 object. */
export interface BulkDataLocation {
  offset: number;
  length: number;
  vr: string;
  /** The bytes are big endian: swap by the VR's word before giving them to a web client (PS3.18 8.7.3). */
  bigEndian: boolean;
  /** The range is a run of items (8-byte headers, offset table first) up to, not including, the delimiter. */
  encapsulated: boolean;
}

/** Entry `frameIndex` (from 0) of an encapsulated frame table. */
export function readFrameRange(entries: Buffer, frameIndex: number): FrameRange {
  const at = frameIndex * 16;
  return {
    offset: Number(entries.readBigUInt64LE(at)),
    length: entries.readUInt32LE(at + 8),
    fragments: entries.readUInt32LE(at + 12),
  };
}
