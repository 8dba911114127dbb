import { type DicomJson, elementHeader, explicitLittleEndian, jsonNumber } from '#libs/dicom';

const implicitLittleEndian = '1.2.840.10008.1.2';
const prefix = Buffer.from('DICM', 'latin1');
const metaStart = 132;
/** (0008,0018) is among the first elements. */
const sopInstanceWithin = 4096;
/** VRs of File Meta with four bytes of length (PS3.5 7.1.2). */
const longVrs = ['OB', 'UN'];

/** A frame and what it is of. */
export interface FoundFrame {
  sopInstanceUid: string;
  transferSyntaxUid: string;
  bytes: Buffer;
}

/**
 * The only frame of an uncompressed instance whose pixels are the end of it, as nearly all are, without reading what is before: that
 * takes some fifty elements, of hundreds of slices.
 *
 * @param part a Part 10 object; @param byUid metadata of the instances that are wanted
 * @returns undefined for all that is not just as expected, in which whoever asks has to look
 */
export function lastFrame(part: Buffer, byUid: ReadonlyMap<string, DicomJson>): FoundFrame | undefined {
  const meta = readFileMeta(part);
  if (!meta) return undefined;
  const { sopInstanceUid, transferSyntaxUid, end } = meta;
  const instance = byUid.get(sopInstanceUid);
  const isExplicit = transferSyntaxUid === explicitLittleEndian;
  if (!instance || !(isExplicit || transferSyntaxUid === implicitLittleEndian)) return undefined;
  // File Meta may say what the dataset does not.
  const named = sopInstanceUidElement(sopInstanceUid, isExplicit);
  if (part.subarray(end, end + sopInstanceWithin).indexOf(named) === -1) return undefined;

  const number = (tag: string) => jsonNumber(instance, tag) ?? 0;
  const length = (number('00280010') * number('00280011') * number('00280002') * number('00280100')) / 8;
  const start = part.length - (length + (length % 2));
  const isPixelData = isExplicit ? explicitPixelData : implicitPixelData;
  if (!(length > 0) || !Number.isInteger(length) || !isPixelData(part, end, start)) return undefined;
  return { sopInstanceUid, transferSyntaxUid, bytes: part.subarray(start, start + length) };
}

function explicitPixelData(part: Buffer, from: number, value: number): boolean {
  const at = value - 12;
  if (at < from || part.readUInt32LE(at) !== pixelDataTag || part.readUInt32LE(at + 8) !== part.length - value)
    return false;
  return ['OW\0\0', 'OB\0\0'].includes(part.toString('latin1', at + 4, at + 8));
}

function implicitPixelData(part: Buffer, from: number, value: number): boolean {
  const at = value - 8;
  return at >= from && part.readUInt32LE(at) === pixelDataTag && part.readUInt32LE(at + 4) === part.length - value;
}

/** (7FE0,0010), as its bytes read. */
const pixelDataTag = 0x00107fe0;

/** PS3.10 7.1 */
function readFileMeta(part: Buffer): { sopInstanceUid: string; transferSyntaxUid: string; end: number } | undefined {
  if (!part.subarray(metaStart - 4, metaStart).equals(prefix)) return undefined;
  const uids = new Map<number, string>();
  let at = metaStart;
  while (at + 12 <= part.length && part.readUInt16LE(at) === 0x0002) {
    const isLong = longVrs.includes(part.toString('latin1', at + 4, at + 6));
    const value = at + (isLong ? 12 : 8);
    const end = value + (isLong ? part.readUInt32LE(at + 8) : part.readUInt16LE(at + 6));
    if (end > part.length) return undefined;
    uids.set(part.readUInt16LE(at + 2), part.toString('latin1', value, end).replace(/[\0 ]+$/, ''));
    at = end;
  }
  const [sopInstanceUid, transferSyntaxUid] = [uids.get(0x0003), uids.get(0x0010)];
  return sopInstanceUid && transferSyntaxUid ? { sopInstanceUid, transferSyntaxUid, end: at } : undefined;
}

/** As it is written in a dataset. */
function sopInstanceUidElement(uid: string, isExplicit: boolean): Buffer {
  const value = uid.length % 2 === 0 ? uid : `${uid}\0`;
  const header = elementHeader('00080018', 'UI', value.length);
  // Implicit VR has a longer length in the same place.
  if (!isExplicit) header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, Buffer.from(value, 'latin1')]);
}
