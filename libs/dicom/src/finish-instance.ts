import { type DicomJson, jsonNumber, jsonText } from './dicom-json.js';
import { DicomError } from './errors.js';
import { frameEntries } from './fragments.js';
import type { FrameTable, ParsedInstance } from './parsed-instance.js';
import type { ReadState } from './read-dataset.js';
import { isUid } from './uids.js';

/** Turns what was read into the instance, or says which of the UIDs that make one is missing. */
export function finishInstance(read: {
  transferSyntaxUid: string;
  state: ReadState;
  datasetSha256: string;
  bytes: number;
}): ParsedInstance {
  const { dataset } = read.state;
  return {
    transferSyntaxUid: read.transferSyntaxUid,
    sopClassUid: requiredUid(dataset, '00080016', 'SOP Class UID'),
    sopInstanceUid: requiredUid(dataset, '00080018', 'SOP Instance UID'),
    studyInstanceUid: requiredUid(dataset, '0020000D', 'Study Instance UID'),
    seriesInstanceUid: requiredUid(dataset, '0020000E', 'Series Instance UID'),
    dataset: inTagOrder(dataset),
    frames: frameTable(read.state),
    datasetSha256: read.datasetSha256,
    bytes: read.bytes,
  };
}

function requiredUid(dataset: DicomJson, tag: string, name: string): string {
  const place = `${name} (${tag.slice(0, 4)},${tag.slice(4)})`;
  const value = jsonText(dataset, tag);
  if (value === undefined) throw new DicomError('missing-attribute', `The object has no ${place}`);
  if (!isUid(value)) throw new DicomError('invalid-value', `${place} is no UID: ${JSON.stringify(value.slice(0, 80))}`);
  return value;
}

/** Elements come in ascending order by rule; files that break it are put in order (PS3.18 F.2.2). */
function inTagOrder(dataset: DicomJson): DicomJson {
  const tags = Object.keys(dataset);
  const isOrdered = tags.every((tag, index) => index === 0 || tags[index - 1]! < tag);
  return isOrdered ? dataset : Object.fromEntries(tags.sort().map((tag) => [tag, dataset[tag]!]));
}

function frameTable({ dataset, pixelData, isInflated }: ReadState): FrameTable {
  if (pixelData === undefined) return { kind: 'none' };
  if (isInflated)
    return {
      kind: 'unindexable',
      reason: 'the dataset is deflated: its frames have no place of their own in the bytes',
    };
  const numberOfFrames = jsonNumber(dataset, '00280008') ?? 1;
  if (!Number.isInteger(numberOfFrames) || numberOfFrames < 1) {
    return { kind: 'unindexable', reason: `Number of Frames (0028,0008) is ${numberOfFrames}` };
  }
  if (pixelData.kind === 'encapsulated') {
    const entries = frameEntries(pixelData.fragments, numberOfFrames);
    return typeof entries === 'string'
      ? { kind: 'unindexable', reason: entries }
      : { kind: 'encapsulated', entries, numberOfFrames };
  }
  const frameBits = bitsOfFrame(dataset);
  const { offset: pixelDataOffset, length: pixelDataLength } = pixelData;
  if (frameBits === undefined)
    return { kind: 'unindexable', reason: 'Rows, Columns, Samples per Pixel or Bits Allocated is missing or zero' };
  if (frameBits * numberOfFrames > pixelDataLength * 8) {
    return {
      kind: 'unindexable',
      reason: `${numberOfFrames} frames of ${frameBits} bits do not fit into ${pixelDataLength} bytes of pixel data`,
    };
  }
  return { kind: 'native', pixelDataOffset, pixelDataLength, frameBits, numberOfFrames };
}

/** Native YBR_FULL_422 stores two chroma samples for two pixels: two samples a pixel instead of three. */
function bitsOfFrame(dataset: DicomJson): number | undefined {
  const rows = jsonNumber(dataset, '00280010') ?? 0;
  const columns = jsonNumber(dataset, '00280011') ?? 0;
  const bitsAllocated = jsonNumber(dataset, '00280100') ?? 0;
  const isSubsampled = jsonText(dataset, '00280004') === 'YBR_FULL_422';
  const samples = isSubsampled ? 2 : (jsonNumber(dataset, '00280002') ?? 1);
  const bits = rows * columns * samples * bitsAllocated;
  return Number.isSafeInteger(bits) && bits > 0 ? bits : undefined;
}
