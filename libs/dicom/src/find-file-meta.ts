import { DicomError } from './errors.js';

const preambleBytes = 128;
const prefix = Buffer.from('DICM', 'latin1');

/** Enough of an object to say where it begins: preamble, prefix and the header of the first element behind them. */
export const startBytes = preambleBytes + 4 + 8;

export type ObjectStart =
  | { kind: 'file-meta'; offset: number }
  /** A dataset without File Meta, in the only transfer syntax it can be in. */
  | { kind: 'dataset'; offset: number; transferSyntaxUid: string };

/**
 * Where File Meta or dataset begins: behind preamble and prefix (PS3.10 7.1), or, as some devices write it, at once.
 * @param bytes the first {@link startBytes}, or all there is
 * @throws DicomError 'not-dicom'; 'missing-attribute' for a File Meta without transfer syntax
 */
export function findFileMeta(bytes: Buffer): ObjectStart {
  const hasPrefix =
    bytes.length >= preambleBytes + 4 && bytes.subarray(preambleBytes, preambleBytes + 4).equals(prefix);
  const behindPrefix = hasPrefix ? startAt(bytes, preambleBytes + 4) : undefined;
  // "DICM" may also stand in a dataset by chance: it counts only with DICOM behind it.
  const start = behindPrefix ?? startAt(bytes, 0);
  if (start !== undefined) return start;
  const offset = hasPrefix ? preambleBytes + 4 : 0;
  const found = bytes.length <= offset ? 'nothing' : `bytes ${bytes.toString('hex', offset, offset + 8)}`;
  const where = hasPrefix ? 'behind "DICM" there is' : 'there is no "DICM" at byte 128, and at its beginning';
  throw new DicomError('not-dicom', `This is not a DICOM object: ${where} ${found}`, { offset });
}

function startAt(bytes: Buffer, offset: number): ObjectStart | undefined {
  if (bytes.length < offset + 8) return undefined;
  const group = bytes.readUInt16LE(offset);
  const hasVr = isVr(bytes[offset + 4]!) && isVr(bytes[offset + 5]!);
  if (group === 0x0002 && hasVr) return { kind: 'file-meta', offset };
  if (group === 0x0008 && hasVr) return { kind: 'dataset', offset, transferSyntaxUid: '1.2.840.10008.1.2.1' };
  // The first elements of group 0008 are short.
  if (group === 0x0008 && bytes.readUInt32LE(offset + 4) < 0x10000) {
    return { kind: 'dataset', offset, transferSyntaxUid: '1.2.840.10008.1.2' };
  }
  if (bytes.readUInt16BE(offset) === 0x0008 && hasVr) {
    return { kind: 'dataset', offset, transferSyntaxUid: '1.2.840.10008.1.2.2' };
  }
  return undefined;
}

const isVr = (byte: number) => byte >= 0x41 && byte <= 0x5a;
