import { ByteSource } from './byte-source.js';
import { DicomError } from './errors.js';
import { type BulkDataLocation, defaultParseLimits } from './parsed-instance.js';
import { readDataset, type ValuePlace } from './read-dataset.js';
import { readFileMeta } from './read-file-meta.js';
import { newReadState } from './read-state.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';

/**
 * Where the value of one element lies in a Part 10 object.
 * @param bytes the object, or as much of its start as holds the element
 * @param tagPath `GGGGEEEE`, or `GGGGEEEE/<item>/GGGGEEEE` into sequences
 * @returns undefined when the object has no such element
 * @throws DicomError 'unsupported-transfer-syntax' for a deflated object: its values have no place in the bytes
 */
export function findBulkData(bytes: Uint8Array, tagPath: string): BulkDataLocation | undefined {
  const source = new ByteSource();
  source.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  source.end();
  let found: ValuePlace | undefined;
  const options = {
    bulkDataUri: (path: string) => path,
    inlineBytesMax: 0,
    limits: defaultParseLimits,
    onValue: (value: ValuePlace) => {
      if (value.path === tagPath) found = value;
    },
  };
  const reading = (function* () {
    const { encoding, deflated } = syntaxOf(yield* readFileMeta(source, newReadState(), options));
    if (deflated)
      throw new DicomError(
        'unsupported-transfer-syntax',
        'The object is deflated: its values have no place in its bytes',
      );
    yield* readDataset(source, encoding, newReadState(), options);
  })();
  try {
    while (found === undefined && reading.next().done !== true);
  } catch (error) {
    // Only the start of the object may be here; what was found before its end stands.
    if (found === undefined && !(error instanceof DicomError && error.code === 'truncated')) throw error;
  }
  if (found === undefined) return undefined;
  const { offset, length, vr, bigEndian, encapsulated } = found;
  return { offset, length, vr, bigEndian, encapsulated };
}

function syntaxOf(uid: string) {
  const { implicit, bigEndian, deflated } = transferSyntaxOf(uid);
  return { encoding: { implicit, bigEndian }, deflated };
}
