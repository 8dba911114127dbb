import type { DatasetVisitor, FragmentInterest, ValuePlace } from './dataset-visitor.js';
import { hasLongLength, undefinedLength } from './element-header.js';
import { DicomError } from './errors.js';
import { defaultParseLimits } from './parsed-instance.js';
import { Part10Parser } from './part10-parser.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';
import { writeFileMeta } from './write-file-meta.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';

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
  const writer = new Writer();
  const parser = new Part10Parser(writer, { ...defaultParseLimits, headerBytesMax: Infinity, inflatedBytesMax });
  parser.write(bytes);
  parser.end();
  if (transferSyntaxOf(parser.transferSyntaxUid).encapsulated) throw encapsulated(parser.transferSyntaxUid);
  const meta = writeFileMeta(writer.sopClassUid, writer.sopInstanceUid, explicitLittleEndian);
  return Buffer.concat([meta, ...writer.parts]);
}

/** Bytes of the number, or of the word, that big endian turns round; not in here: bytes and text. */
const wordBytes: Readonly<Record<string, 2 | 4 | 8>> = {
  AT: 2,
  FD: 8,
  FL: 4,
  OD: 8,
  OF: 4,
  OL: 4,
  OV: 8,
  OW: 2,
  SL: 4,
  SS: 2,
  SV: 8,
  UL: 4,
  US: 2,
  UV: 8,
};

class Writer implements DatasetVisitor {
  readonly parts: Buffer[] = [];
  sopClassUid = '';
  sopInstanceUid = '';
  private depth = 0;
  private isSigned = false;
  private bitsAllocated = 0;

  keeps(): boolean {
    return true;
  }

  element(tag: string, declaredVr: string, bytes: Buffer, bigEndian: boolean): void {
    const vr = declaredVr === 'xs' ? (this.isSigned ? 'SS' : 'US') : declaredVr;
    const value = bigEndian ? this.swapped(tag, vr, bytes) : Buffer.from(bytes);
    if (this.depth === 0) this.remember(tag, value);
    // A value too long for its VR's length field is stored as UN (PS3.5 6.2.2).
    const isTooLong = !hasLongLength(vr) && value.length > 0xffff;
    this.parts.push(elementHeader(tag, isTooLong ? 'UN' : vr, value.length), value);
  }

  bulk(place: ValuePlace): void {
    throw new Error(`(${place.tag}) passed by though everything is kept`);
  }

  startSequence(tag: string): void {
    this.depth += 1;
    this.parts.push(elementHeader(tag, 'SQ', undefinedLength));
  }

  endSequence(): void {
    this.depth -= 1;
    this.parts.push(item(0xe0dd, 0));
  }

  startItem(): void {
    this.parts.push(item(0xe000, undefinedLength));
  }

  endItem(): void {
    this.parts.push(item(0xe00d, 0));
  }

  startFragments(tag: string): FragmentInterest {
    throw encapsulated(`with fragments in ${tag}`);
  }

  offsetTable(): void {}
  fragment(): void {}
  fragmentEnd(): void {}
  endFragments(): void {}

  private remember(tag: string, value: Buffer): void {
    switch (tag) {
      case '00080016':
        this.sopClassUid = uidText(value);
        break;
      case '00080018':
        this.sopInstanceUid = uidText(value);
        break;
      case '00280100':
        this.bitsAllocated = value.length === 2 ? value.readUInt16LE(0) : 0;
        break;
      case '00280103':
        this.isSigned = value.length === 2 && value.readUInt16LE(0) === 1;
        break;
    }
  }

  private swapped(tag: string, vr: string, bytes: Buffer): Buffer {
    // Pixels of 32 bits are written as 32-bit numbers, though OW says words of 16.
    const size = tag === '7FE00010' && vr === 'OW' && this.bitsAllocated === 32 ? 4 : wordBytes[vr];
    const value = Buffer.from(bytes);
    if (size === undefined) return value;
    if (value.length % size !== 0) {
      const message = `A value of ${value.length} bytes is no multiple of ${size}, as its VR ${vr} says`;
      throw new DicomError('malformed', message, { tag });
    }
    if (size === 2) return value.swap16();
    return size === 4 ? value.swap32() : value.swap64();
  }
}

const uidText = (value: Buffer) => value.toString('latin1').replace(/[\0 ]+$/, '');

function elementHeader(tag: string, vr: string, length: number): Buffer {
  const isLong = hasLongLength(vr);
  const header = Buffer.alloc(isLong ? 12 : 8);
  header.writeUInt16LE(parseInt(tag.slice(0, 4), 16), 0);
  header.writeUInt16LE(parseInt(tag.slice(4), 16), 2);
  header.write(vr, 4, 'latin1');
  if (isLong) header.writeUInt32LE(length, 8);
  else header.writeUInt16LE(length, 6);
  return header;
}

function item(element: number, length: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(0xfffe, 0);
  header.writeUInt16LE(element, 2);
  header.writeUInt32LE(length, 4);
  return header;
}

function encapsulated(what: string): DicomError {
  return new DicomError(
    'unsupported-transfer-syntax',
    `An object with compressed frames (${what}) becomes Explicit VR Little Endian only by decoding them`,
  );
}
