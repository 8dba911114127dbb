import { createHash } from 'node:crypto';
import { charsetOf, defaultCharset } from './charsets.js';
import type { DatasetVisitor, FragmentInterest, ValuePlace } from './dataset-visitor.js';
import type { DicomJson } from './dicom-json.js';
import { elementBytes } from './element-bytes.js';
import { type Encoding, hasLongLength, undefinedLength } from './element-header.js';
import { elementValue } from './element-value.js';
import { encodeText, type WritableCharset } from './encode-text.js';
import { DicomError } from './errors.js';
import { HeldBytes } from './held-bytes.js';
import { defaultParseLimits } from './parsed-instance.js';
import { Part10Parser } from './part10-parser.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';
import { readUint32, tagBytes, uint32, writeElement, writeItem } from './write-encoded.js';

/**
 * What names the patient and the study (PS3.3 C.7.1.1, C.7.2.1). All of it comes before anything large, and is of VRs
 * with a short length.
 */
const coercedTags = ['00080050', '00100010', '00100020', '00100021', '00100030', '00100040', '00200010'];
const characterSetTag = '00080005';
const studyInstanceUidTag = '0020000D';
const lastHeadTag = '00200010';
const originalAttributesTag = '04000561';
const headTags = new Set([...coercedTags, characterSetTag, studyInstanceUidTag]);

/** An object whose patient and study come later than this is left as it is. */
const headBytesMax = 8 * 1024 * 1024;
/** A header, and a group length element before it: where something is to be inserted, both must still be at hand. */
const heldBytes = 24;

export interface CoercionOptions {
  /** What the archive keeps of a study; undefined for a study it does not have. */
  kept(studyInstanceUid: string): Promise<DicomJson | undefined>;
  /** Who coerces, for the record: at most 64 characters of ASCII. */
  modifyingSystem: string;
  now: Date;
}

/**
 * Makes an instance say of its patient and study what the archive says, while its bytes pass by; in every transfer syntax
 * but the deflated ones. What it said before is recorded in an item of Original Attributes Sequence (PS3.3 C.12.1). What
 * it leaves out stays out, and what the archive has no word on, or no way to write in the instance's character set,
 * stays as it is. Holds no more than the head of the dataset. An object that cannot be read passes unchanged.
 */
export class AttributeCoercion {
  isCoerced = false;
  /** Once coerced and at its end: hex SHA-256 of the dataset as it was sent. */
  datasetSha256 = '';
  private readonly hash = createHash('sha256');
  private readonly places = new Places();
  private readonly parser = new Part10Parser(this.places, defaultParseLimits, this.hash);
  private readonly held = new HeldBytes();
  private edits: Edit[] = [];
  private state: 'head' | 'tail' | 'unchanged' = 'head';
  private isInserted = false;
  /** The elements that are replaced, as they were. */
  private original: Buffer = Buffer.alloc(0);

  constructor(private readonly options: CoercionOptions) {}

  /** @returns the bytes to be stored; of an instance that agrees with the archive those of `body` */
  async *rewrite(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of body) {
      if (this.state === 'unchanged') {
        yield chunk;
        continue;
      }
      this.held.append(chunk);
      this.guarded(() => this.parser.write(chunk));
      yield* await this.advance(false);
    }
    if (this.state === 'unchanged') return;
    this.guarded(() => this.parser.end());
    yield* await this.advance(true);
    if (this.isCoerced) this.datasetSha256 = this.hash.digest('hex');
  }

  private async advance(isEnd: boolean): Promise<Iterable<Buffer>> {
    if (this.state === 'head') {
      const isHeadRead = this.places.headEnd !== undefined || isEnd;
      if (isHeadRead) await this.decide();
      else if (this.held.length > headBytesMax || this.isDeflated) this.state = 'unchanged';
    }
    if (this.state === 'head') return [];
    if (this.state === 'unchanged') return this.flush(Infinity);
    if (!this.isInserted) this.insert(isEnd);
    return this.flush(this.isInserted || isEnd ? Infinity : this.parser.bytes - heldBytes);
  }

  private get isDeflated(): boolean {
    const { transferSyntaxUid } = this.parser;
    return transferSyntaxUid !== '' && transferSyntaxOf(transferSyntaxUid).deflated;
  }

  /** After the head was read: whether something in it is to be replaced, and by what. */
  private async decide(): Promise<void> {
    this.state = 'unchanged';
    if (this.isDeflated) return;
    const { head } = this.places;
    const charset = this.charset();
    const study = head.get(studyInstanceUidTag);
    const uid = study && elementValue('UI', this.bytesOf(study), defaultCharset, false).Value?.[0];
    const kept = typeof uid === 'string' ? await this.options.kept(uid) : undefined;
    if (kept === undefined) return;
    for (const tag of coercedTags) {
      const place = head.get(tag);
      const value = place && this.replacement(place, kept, charset);
      if (place === undefined || value === undefined) continue;
      this.removeGroupLength(tag.slice(0, 4));
      const start = this.headerStart(tag, place.offset);
      const bytes = writeElement(tag, place.vr, value, this.encoding);
      this.edits.push({ start, end: place.offset + place.length, bytes });
    }
    if (this.edits.length === 0) return;
    this.edits.sort((a, b) => a.start - b.start);
    this.state = 'tail';
    this.isCoerced = true;
    const originals = this.edits.filter(({ bytes }) => bytes.length > 0);
    this.original = Buffer.concat(originals.map(({ start, end }) => this.held.slice(start, end)));
  }

  private charset(): WritableCharset {
    const place = this.places.head.get(characterSetTag);
    const terms =
      place &&
      (elementValue('CS', this.bytesOf(place), defaultCharset, false).Value ?? []).map((term) => String(term ?? ''));
    if (terms === undefined || terms.length === 0) return { ...defaultCharset, beyondAscii: 'nothing' };
    const isUtf8 = terms.length === 1 && /^(ISO[_ -]?IR[ -]?192|UTF-?8)$/i.test(terms[0]!);
    return { ...charsetOf(terms), beyondAscii: isUtf8 ? 'utf-8' : 'single bytes' };
  }

  /** @returns undefined where nothing is to be replaced, or cannot be */
  private replacement(place: ValuePlace, kept: DicomJson, charset: WritableCharset): Buffer | undefined {
    const { tag, vr, bigEndian } = place;
    const word = kept[tag];
    if (word?.Value === undefined || place.length === 0 || hasLongLength(vr)) return undefined;
    const said = elementValue(vr, this.bytesOf(place), charset, bigEndian).Value;
    if (said === undefined || JSON.stringify(said) === JSON.stringify(word.Value)) return undefined;
    const value = encodeText(elementBytes(tag, vr, word).toString('utf8').trimEnd(), charset);
    return value !== undefined && value.length <= 0xfffe ? value : undefined;
  }

  /** Group lengths would be wrong; they are retired (PS3.5 7.2). */
  private removeGroupLength(group: string): void {
    const first = this.places.groups.get(group);
    if (first === undefined) return;
    const end = this.headerStart(first.tag, first.offset);
    const start = this.groupLengthStart(first.tag, end);
    if (start < end && !this.edits.some((edit) => edit.start === start)) {
      this.edits.push({ start, end, bytes: Buffer.alloc(0) });
    }
  }

  /** @param end where the group's first element begins @returns the same where there is no group length before it */
  private groupLengthStart(tag: string, end: number): number {
    const start = end - 12;
    if (start < this.held.start) return end;
    return this.held.slice(start, start + 4).equals(tagBytes(`${tag.slice(0, 4)}0000`, this.encoding)) ? start : end;
  }

  /** Puts the record where it belongs, once its place has been met. */
  private insert(isEnd: boolean): void {
    const { insertion, paddingOffset } = this.places;
    if (insertion === undefined && paddingOffset === undefined && !isEnd) return;
    this.isInserted = true;
    const item = this.record();
    if (insertion?.tag === originalAttributesTag) {
      // Others have changed it before: their items stay behind ours.
      const { offset } = insertion;
      const length = this.held.slice(offset - 4, offset);
      const isUndefined = length.readUInt32LE(0) === undefinedLength;
      const bytes = isUndefined ? length : uint32(readUint32(length, this.encoding) + item.length, this.encoding);
      this.edits.push({ start: offset - 4, end: offset, bytes: Buffer.concat([bytes, item]) });
      return;
    }
    const sequence = writeElement(originalAttributesTag, 'SQ', item, this.encoding);
    const header = insertion && this.headerStart(insertion.tag, insertion.offset);
    const at =
      insertion !== undefined && header !== undefined
        ? this.groupLengthStart(insertion.tag, header)
        : (paddingOffset ?? this.parser.bytes);
    this.edits.push({ start: at, end: at, bytes: sequence });
  }

  /** An item of Original Attributes Sequence (PS3.3 table C.12-1). */
  private record(): Buffer {
    const { encoding } = this;
    const { modifyingSystem, now } = this.options;
    const text = (tag: string, vr: string, value: string) =>
      writeElement(tag, vr, Buffer.from(value.length % 2 === 0 ? value : `${value} `, 'latin1'), encoding);
    const elements = Buffer.concat([
      writeElement('04000550', 'SQ', writeItem(this.original, encoding), encoding),
      text('04000562', 'DT', `${now.toISOString().replace(/[-:TZ]/g, '')}000+0000`),
      text('04000563', 'LO', modifyingSystem),
      // Source of Previous Values: who sent it is not said in a request.
      text('04000564', 'LO', ''),
      text('04000565', 'CS', 'COERCE'),
    ]);
    return writeItem(elements, encoding);
  }

  private get encoding(): Encoding {
    const { implicit, bigEndian } = transferSyntaxOf(this.parser.transferSyntaxUid);
    return { implicit, bigEndian };
  }

  private bytesOf({ offset, length }: ValuePlace): Buffer {
    return this.held.slice(offset, offset + length);
  }

  /** Headers have 8 bytes, or 12 where the length has 4 behind a VR: told by where the tag stands. */
  private headerStart(tag: string, valueOffset: number): number {
    const isShort = this.held.slice(valueOffset - 8, valueOffset - 4).equals(tagBytes(tag, this.encoding));
    return valueOffset - (isShort ? 8 : 12);
  }

  /** What is held, up to an offset, with what has been edited of it. */
  private *flush(upTo: number): Generator<Buffer, void> {
    for (const { start, end, bytes } of this.edits.splice(0)) {
      yield* this.held.take(start);
      this.held.drop(end);
      if (bytes.length > 0) yield bytes;
    }
    yield* this.held.take(upTo);
  }

  /** What cannot be read is for the reader behind us to refuse, who sees the same bytes. */
  private guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof DicomError)) throw error;
      this.state = 'unchanged';
    }
  }
}

/** A stretch of the object as it was sent, and what stands in its place. */
interface Edit {
  start: number;
  end: number;
  bytes: Buffer;
}

/** Where the elements of interest are, at the top level of the dataset. */
class Places implements DatasetVisitor {
  readonly head = new Map<string, ValuePlace>();
  /** The first element of each group in the head. */
  readonly groups = new Map<string, { tag: string; offset: number }>();
  /** Set once the first element behind the head has been met. */
  headEnd: number | undefined;
  /** The element that Original Attributes Sequence comes before, or that sequence; offset of its value. */
  insertion: { tag: string; offset: number } | undefined;
  paddingOffset: number | undefined;
  private depth = 0;

  keeps(): boolean {
    return false;
  }

  element(): void {}

  bulk(place: ValuePlace): void {
    if (this.depth > 0) return;
    this.met(place.tag, place.offset);
    if (this.headEnd === undefined && headTags.has(place.tag)) this.head.set(place.tag, place);
  }

  startSequence(tag: string, offset: number): void {
    if (this.depth === 0) this.met(tag, offset);
    this.depth += 1;
  }

  endSequence(): void {
    this.depth -= 1;
  }

  startFragments(tag: string, _vr: string, offset: number): FragmentInterest {
    if (this.depth === 0) this.met(tag, offset);
    return { offsetTable: false, edges: false };
  }

  padding(offset: number): void {
    this.paddingOffset = offset;
  }

  startItem(): void {}
  endItem(): void {}
  offsetTable(): void {}
  fragment(): void {}
  fragmentEnd(): void {}
  endFragments(): void {}

  private met(tag: string, offset: number): void {
    const group = tag.slice(0, 4);
    if (tag <= lastHeadTag) {
      if (!this.groups.has(group)) this.groups.set(group, { tag, offset });
    } else this.headEnd ??= offset;
    if (tag >= originalAttributesTag) this.insertion ??= { tag, offset };
  }
}
