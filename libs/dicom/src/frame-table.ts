import { type DicomJson, jsonNumber, jsonText } from './dicom-json.js';
import { encapsulatedFrames } from './encapsulated-frames.js';
import type { PixelData } from './instance-builder.js';
import type { FrameTable } from './parsed-instance.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';

/**
 * Where the frames are (PS3.5 8, A.4).
 * @param pixelData the top-level one; undefined when the dataset has none
 * @param extendedOffsetTable value of (7FE0,0001), little endian
 */
export function frameTable(
  dataset: DicomJson,
  transferSyntaxUid: string,
  pixelData: PixelData | undefined,
  extendedOffsetTable: Buffer | undefined,
): FrameTable {
  if (pixelData === undefined) return { kind: 'none' };
  const { deflated, encapsulated, mediaType } = transferSyntaxOf(transferSyntaxUid);
  if (deflated) return unindexable('the dataset is deflated: its frames have no place of their own in the bytes');
  if (mediaType.startsWith('video/')) return unindexable('the pixel data is a video, not single frames');

  const numberOfFrames = frameCount(dataset);
  if (numberOfFrames === undefined) return unindexable(`Number of Frames is ${JSON.stringify(dataset['00280008'])}`);
  if (encapsulated !== (pixelData.kind === 'encapsulated')) {
    return unindexable(`the pixel data is ${pixelData.kind}, which transfer syntax ${transferSyntaxUid} is not`);
  }
  if (pixelData.kind === 'encapsulated') {
    return encapsulatedFrames(pixelData.fragments, extendedOffsetTable, numberOfFrames);
  }
  return nativeFrames(dataset, pixelData, numberOfFrames);
}

/** Absent or empty: one frame. Undefined when it is no count. */
function frameCount(dataset: DicomJson): number | undefined {
  if (dataset['00280008']?.Value === undefined) return 1;
  const count = jsonNumber(dataset, '00280008');
  return count !== undefined && Number.isSafeInteger(count) && count > 0 ? count : undefined;
}

function nativeFrames(
  dataset: DicomJson,
  pixelData: PixelData & { kind: 'native' },
  numberOfFrames: number,
): FrameTable {
  const rows = jsonNumber(dataset, '00280010');
  const columns = jsonNumber(dataset, '00280011');
  const samples = jsonNumber(dataset, '00280002') ?? 1;
  const bits = bitsPerSample(pixelData.tag, dataset);
  const wholeBits = (rows ?? 0) * (columns ?? 0) * samples * (bits ?? 0);
  if (!Number.isSafeInteger(wholeBits) || wholeBits <= 0) {
    return unindexable('Rows, Columns, Samples per Pixel or Bits Allocated is missing or makes no frame');
  }
  const { offset: pixelDataOffset, length: pixelDataLength } = pixelData;
  // Two pixels share their chroma in 4:2:2: two samples a pixel. Some write the name and store three all the same.
  const isHalved = samples === 3 && jsonText(dataset, '00280004') === 'YBR_FULL_422';
  const frameBits = isHalved && wholeBits * numberOfFrames > pixelDataLength * 8 ? (wholeBits / 3) * 2 : wholeBits;
  if (frameBits * numberOfFrames > pixelDataLength * 8) {
    return unindexable(
      `${numberOfFrames} frames of ${frameBits} bits do not fit into ${pixelDataLength} bytes of pixel data`,
    );
  }
  return { kind: 'native', pixelDataOffset, pixelDataLength, frameBits, numberOfFrames };
}

/** Float and Double Float Pixel Data have their size from their tag (PS3.3 C.7.6.24, C.7.6.25). */
function bitsPerSample(tag: string, dataset: DicomJson): number | undefined {
  if (tag === '7FE00008') return 32;
  if (tag === '7FE00009') return 64;
  return jsonNumber(dataset, '00280100');
}

function unindexable(reason: string): FrameTable {
  return { kind: 'unindexable', reason };
}
