import { encapsulated, ExplicitWriter } from './explicit-writer.js';
import { defaultParseLimits } from './parsed-instance.js';
import { Part10Parser } from './part10-parser.js';
import { explicitLittleEndian, transferSyntaxOf } from './transfer-syntaxes.js';
import { writeFileMeta } from './write-file-meta.js';

/**
 * The same object in Explicit VR Little Endian, for clients that may not be given Implicit VR, Big Endian (PS3.18 8.7.3)
 * or a deflated dataset. Values stay as they are, but for their byte order; group lengths go, sequences get delimiters.
 * @param bytes a whole Part 10 object in a syntax without compressed frames
 * @param inflatedBytesMax of a deflated dataset
 * @throws DicomError 'unsupported-transfer-syntax' for encapsulated pixel data, which would have to be decoded
 */
export function toExplicitLittleEndian(
  bytes: Uint8Array,
  inflatedBytesMax: number = defaultParseLimits.inflatedBytesMax,
): Buffer {
  const writer = new ExplicitWriter();
  const parser = new Part10Parser(writer, { ...defaultParseLimits, headerBytesMax: Infinity, inflatedBytesMax });
  parser.write(bytes);
  parser.end();
  if (transferSyntaxOf(parser.transferSyntaxUid).encapsulated) throw encapsulated(parser.transferSyntaxUid);
  const meta = writeFileMeta(writer.sopClassUid, writer.sopInstanceUid, explicitLittleEndian);
  // Everything is kept, so everything is bytes.
  return Buffer.concat([meta, ...(writer.pieces as Buffer[])]);
}
