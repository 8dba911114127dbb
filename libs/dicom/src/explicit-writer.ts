import type { DatasetVisitor, FragmentInterest, ValuePlace } from './dataset-visitor.js';
import { hasLongLength, undefinedLength } from './element-header.js';
import { DicomError } from './errors.js';
import { isPrivateTag } from './tags.js';

/** What the writer makes of a dataset, in order: bytes, or a stretch of the source to be copied. */
export type WrittenPiece = Buffer | CopiedValue | PixelDataPlace;

/** A value that is copied from where it stands. */
export interface CopiedValue {
  kind: 'copy';
  /** Of the first byte, as the parser counts. */
  offset: number;
  length: number;
  /** Bytes of each word that is turned round; 1 for none. */
  wordBytes: 1 | 2 | 4 | 8;
  tag: string;
}

/** Where the dataset's own Pixel Data stands, for who writes it anew. */
export interface PixelDataPlace {
  kind: 'pixel-data';
  /** Of the value's first byte, as the parser counts. */
  offset: number;
  /** Undefined for encapsulated pixel data, whose end only its fragments tell. */
  length: number | undefined;
}

/** An element to be written in place of what is there; its value is of even length. */
export interface NewElement {
  vr: string;
  value: Buffer;
}

export interface ExplicitWriterOptions {
  /** Values up to this size are kept and written; larger ones are copied from the source. Bytes. */
  keptBytesMax?: number;
  /** Of the dataset itself: what is written instead of the element or added to it; undefined leaves it out. */
  elements?: ReadonlyMap<string, NewElement | undefined>;
  /** The dataset's Pixel Data is not written: its place is told, and what follows in the source is for another writer. */
  stopsAtPixelData?: boolean;
}

const pixelDataTag = '7FE00010';
const iconImageTag = '00880200';
/** PS3.3 C.7.6.1.1.6: an icon has at most 128 x 128 pixels. What calls itself one and is larger is left out. */
const iconBytesMax = 1024 * 1024;

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

/**
 * Writes the elements of a dataset in Explicit VR Little Endian as they pass by: values stay as they are but for their
 * byte order, group lengths go, sequences get delimiters. An icon with compressed pixels is left out (it is optional), as
 * is a private sequence with some, where vendors keep icons of their own: in Explicit VR Little Endian it would be the
 * only thing compressed.
 */
export class ExplicitWriter implements DatasetVisitor {
  /** What has been written since somebody emptied it. */
  pieces: WrittenPiece[] = [];
  sopClassUid = '';
  sopInstanceUid = '';
  private depth = 0;
  private isSigned = false;
  private bitsAllocated = 0;
  private readonly keptBytesMax: number;
  private readonly elements: ReadonlyMap<string, NewElement | undefined>;
  private readonly added: [string, NewElement][];
  private readonly stopsAtPixelData: boolean;
  /** Depth at which a sequence that is left out began. */
  private leftOutFrom: number | undefined;
  /** A sequence that may hold an icon, until it is known whether its pixels are compressed. */
  private icon: { before: WrittenPiece[]; isPrivate: boolean; isLeftOut: boolean } | undefined;
  private isStopped = false;

  constructor({ keptBytesMax = Infinity, elements = new Map(), stopsAtPixelData = false }: ExplicitWriterOptions = {}) {
    this.keptBytesMax = keptBytesMax;
    this.elements = elements;
    this.stopsAtPixelData = stopsAtPixelData;
    this.added = [...elements]
      .filter((entry): entry is [string, NewElement] => entry[1] !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Writes what is to be added behind the last element. */
  finish(): void {
    this.addUpTo(undefined);
  }

  /** Empties the list of what is ready; an icon that is still being judged is not. */
  takePieces(): WrittenPiece[] {
    if (this.icon !== undefined) return this.icon.before.splice(0);
    return this.pieces.splice(0);
  }

  keeps(tag: string, _vr: string, length: number): boolean {
    if (this.depth === 0 && tag === pixelDataTag && this.stopsAtPixelData) return false;
    return length <= (this.icon === undefined ? this.keptBytesMax : iconBytesMax);
  }

  element(tag: string, declaredVr: string, bytes: Buffer, bigEndian: boolean): void {
    const vr = this.definite(declaredVr);
    const value = bigEndian ? this.swapped(tag, vr, bytes) : Buffer.from(bytes);
    if (this.depth === 0) this.remember(tag, value);
    if (this.isReplaced(tag)) return;
    this.pieces.push(elementHeader(tag, writtenVr(vr, value.length), value.length), value);
  }

  bulk({ tag, vr: declaredVr, offset, length, bigEndian }: ValuePlace): void {
    if (this.depth === 0 && tag === pixelDataTag && this.stopsAtPixelData) return this.stop(offset, length);
    if (this.isReplaced(tag)) return;
    if (this.icon !== undefined) {
      // A private sequence that holds so much is not there for an icon, and it cannot wait.
      if (!this.icon.isPrivate) this.icon.isLeftOut = true;
      if (this.icon.isLeftOut) return;
      this.settleIcon();
    }
    const vr = this.definite(declaredVr);
    this.pieces.push(elementHeader(tag, writtenVr(vr, length), length), {
      kind: 'copy',
      offset,
      length,
      wordBytes: bigEndian ? this.wordBytesOf(tag, vr) : 1,
      tag,
    });
  }

  startSequence(tag: string): void {
    const isReplaced = this.isReplaced(tag);
    if (this.depth === 0 && isReplaced) this.leftOutFrom ??= this.depth;
    if (this.depth === 0 && !isReplaced && (tag === iconImageTag || isPrivateTag(tag))) {
      this.icon = { before: this.pieces, isPrivate: tag !== iconImageTag, isLeftOut: false };
      this.pieces = [];
    }
    this.depth += 1;
    if (!isReplaced) this.pieces.push(elementHeader(tag, 'SQ', undefinedLength));
  }

  endSequence(): void {
    this.depth -= 1;
    if (this.leftOutFrom === this.depth) {
      this.leftOutFrom = undefined;
      return;
    }
    this.pushUnlessLeftOut(item(0xe0dd, 0));
    if (this.depth === 0) this.settleIcon();
  }

  startItem(): void {
    this.pushUnlessLeftOut(item(0xe000, undefinedLength));
  }

  endItem(): void {
    this.pushUnlessLeftOut(item(0xe00d, 0));
  }

  startFragments(tag: string, _vr: string, offset: number): FragmentInterest {
    if (this.depth === 0 && tag === pixelDataTag && this.stopsAtPixelData) this.stop(offset, undefined);
    else if (this.icon !== undefined) this.icon.isLeftOut = true;
    else if (!this.isReplaced(tag)) throw encapsulated(`with fragments in ${tag}`);
    return { offsetTable: false, edges: false };
  }

  offsetTable(): void {}
  fragment(): void {}
  fragmentEnd(): void {}
  endFragments(): void {}

  private settleIcon(): void {
    if (this.icon === undefined) return;
    const { before, isLeftOut } = this.icon;
    this.pieces = isLeftOut ? before : before.concat(this.pieces);
    this.icon = undefined;
  }

  private stop(offset: number, length: number | undefined): void {
    this.addUpTo(pixelDataTag);
    this.pieces.push({ kind: 'pixel-data', offset, length });
    this.isStopped = true;
  }

  /** Whether an element is not written as it is; writes what stands in its place or belongs before it. */
  private isReplaced(tag: string): boolean {
    if (this.isStopped || this.leftOutFrom !== undefined) return true;
    if (this.depth > 0) return false;
    this.addUpTo(tag);
    if (!this.elements.has(tag)) return false;
    if (this.added[0]?.[0] === tag) this.writeAdded();
    return true;
  }

  private addUpTo(tag: string | undefined): void {
    while (this.added.length > 0 && (tag === undefined || this.added[0]![0] < tag)) this.writeAdded();
  }

  private writeAdded(): void {
    const [tag, { vr, value }] = this.added.shift()!;
    this.pieces.push(elementHeader(tag, vr, value.length), value);
  }

  private pushUnlessLeftOut(piece: Buffer): void {
    if (this.leftOutFrom === undefined && !this.isStopped) this.pieces.push(piece);
  }

  private definite(vr: string): string {
    return vr === 'xs' ? (this.isSigned ? 'SS' : 'US') : vr;
  }

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

  private wordBytesOf(tag: string, vr: string): 1 | 2 | 4 | 8 {
    // Pixels of 32 bits are written as 32-bit numbers, though OW says words of 16.
    return tag === pixelDataTag && vr === 'OW' && this.bitsAllocated === 32 ? 4 : (wordBytes[vr] ?? 1);
  }

  private swapped(tag: string, vr: string, bytes: Buffer): Buffer {
    const size = this.wordBytesOf(tag, vr);
    if (bytes.length % size !== 0) throw noWholeWords(tag, bytes.length, size);
    return turnWords(Buffer.from(bytes), size);
  }
}

/** Turns the bytes of each word round, in place. The length is a multiple of the word's. */
export function turnWords(bytes: Buffer, size: 1 | 2 | 4 | 8): Buffer {
  if (size === 1) return bytes;
  if (size === 2) return bytes.swap16();
  return size === 4 ? bytes.swap32() : bytes.swap64();
}

export function noWholeWords(tag: string, length: number, size: number): DicomError {
  const message = `A value of ${length} bytes is no multiple of ${size}, as its VR says`;
  return new DicomError('malformed', message, { tag });
}

/** @throws DicomError 'unsupported-transfer-syntax', always */
export function encapsulated(what: string): DicomError {
  return new DicomError(
    'unsupported-transfer-syntax',
    `An object with compressed frames (${what}) becomes Explicit VR Little Endian only by decoding them`,
  );
}

const uidText = (value: Buffer) => value.toString('latin1').replace(/[\0 ]+$/, '');

/** A value too long for its VR's length field is stored as UN (PS3.5 6.2.2). */
const writtenVr = (vr: string, length: number) => (!hasLongLength(vr) && length > 0xffff ? 'UN' : vr);

/** Of an element in Explicit VR Little Endian (PS3.5 7.1.2). @param length {@link undefinedLength} for what gets a delimiter */
export function elementHeader(tag: string, vr: string, length: number): Buffer {
  const isLong = hasLongLength(vr);
  const header = Buffer.alloc(isLong ? 12 : 8);
  header.writeUInt16LE(parseInt(tag.slice(0, 4), 16), 0);
  header.writeUInt16LE(parseInt(tag.slice(4), 16), 2);
  header.write(vr, 4, 'latin1');
  if (isLong) header.writeUInt32LE(length, 8);
  else header.writeUInt16LE(length, 6);
  return header;
}

/** Header of an item (E000) or of a delimiter (E00D, E0DD). */
export function item(element: number, length: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(0xfffe, 0);
  header.writeUInt16LE(element, 2);
  header.writeUInt32LE(length, 4);
  return header;
}
