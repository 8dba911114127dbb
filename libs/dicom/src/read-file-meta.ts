import type { ByteSource } from './byte-source.js';
import { DicomError } from './errors.js';
import { readDataset, type ReadOptions, type ReadState } from './read-dataset.js';
import { isUid } from './uids.js';

const preambleBytes = 128;
const implicitLittleEndian = '1.2.840.10008.1.2';
const explicitLittleEndian = '1.2.840.10008.1.2.1';
const explicitBigEndian = '1.2.840.10008.1.2.2';

/**
 * Reads preamble and File Meta up to the dataset. Group 2 is always explicit little endian (PS3.10 7.1); its length is
 * often wrong, so it ends where group 2 ends.
 * @returns the Transfer Syntax UID, guessed where there is no File Meta
 */
export function* readFileMeta(source: ByteSource, fileMeta: ReadState, options: ReadOptions): Generator<void, string> {
  const hasPreamble =
    (yield* source.has(preambleBytes + 4)) &&
    source.peek(preambleBytes + 4).toString('latin1', preambleBytes) === 'DICM';
  if (hasPreamble) yield* source.skip(preambleBytes + 4, () => 'the preamble');
  if (!(yield* source.has(8))) throw notDicom(source.peek(8), hasPreamble);

  if (source.peek(2).readUInt16LE(0) === 2) {
    yield* readDataset(source, { implicit: false, bigEndian: false }, fileMeta, options, 2);
    const uid = fileMeta.dataset['00020010']?.Value?.[0];
    if (typeof uid === 'string' && isUid(uid)) return uid;
    if (uid !== undefined) {
      throw new DicomError('invalid-value', `Transfer Syntax UID is no UID: ${JSON.stringify(uid).slice(0, 80)}`, {
        tag: '00020010',
      });
    }
  }
  return yield* guessSyntax(source, hasPreamble);
}

/** A dataset without File Meta, as some devices send it: told by its first element, which is in group 0008. */
function* guessSyntax(source: ByteSource, hasPreamble: boolean): Generator<void, string> {
  if (!(yield* source.has(8))) throw notDicom(source.peek(8), hasPreamble);
  const start = source.peek(8);
  const hasVr = /^[A-Z]{2}$/.test(start.toString('latin1', 4, 6));
  const group = start.readUInt16LE(0);
  if (group === 8 && hasVr) return explicitLittleEndian;
  if (group === 8 && start.readUInt32LE(4) < 0x10000) return implicitLittleEndian;
  if (start.readUInt16BE(0) === 8 && hasVr) return explicitBigEndian;
  throw notDicom(start, hasPreamble);
}

function notDicom(start: Buffer, hasPreamble: boolean): DicomError {
  const found = start.length === 0 ? 'nothing' : `bytes ${start.toString('hex')}`;
  const where = hasPreamble ? 'after "DICM"' : 'no "DICM" at byte 128, and at the start';
  return new DicomError('not-dicom', `Not a DICOM object: ${where} stands ${found}`);
}
