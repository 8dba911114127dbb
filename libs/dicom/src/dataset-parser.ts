import type { DatasetVisitor, FragmentInterest } from './dataset-visitor.js';
import { type ElementHeader, type Encoding, readElementHeader, undefinedLength } from './element-header.js';
import { DicomError } from './errors.js';
import type { ParseLimits } from './parsed-instance.js';

interface Level {
  kind: 'dataset' | 'sequence' | 'item' | 'fragments';
  /** Tag of the sequence or pixel data; empty for the dataset itself. */
  tag: string;
  /** Offset behind its last byte; Infinity: until its delimiter. */
  end: number;
  encoding: Encoding;
}

const itemTag = 'FFFEE000';
const itemEndTag = 'FFFEE00D';
const sequenceEndTag = 'FFFEE0DD';
const pixelDataTag = '7FE00010';
const fragmentVrs = new Set(['OB', 'OW', 'UN']);
const fragmentStartBytes = 4;
const fragmentEndBytes = 16;
const noBytes = Buffer.alloc(0);

/**
 * Parses the elements of a dataset (PS3.5 7) as their bytes come, nested ones on a stack of its own. Give it bytes
 * beginning with what it did not consume before; it asks for no more than the element at hand, and values nobody keeps
 * pass by.
 */
export class DatasetParser {
  /** Unconsumed bytes needed before parsing gets on. */
  wanted = 1;
  /** The element of a group that was not to be read has been met, or the visitor asked to stop. */
  isDone = false;
  private readonly stack: Level[];
  private readonly datasetEncoding: Encoding;
  private passing = 0;
  private endBytes = 0;
  private interest: FragmentInterest = { offsetTable: false, edges: false };
  private isOffsetTableNext = false;
  private currentTag = '';
  private isPadding = false;
  private elements = 0;
  private fragments = 0;
  private headerBytes = 0;

  /**
   * @param offset of the first byte, for messages and for what the visitor is told
   * @param onlyGroup stop before the first element of another group (File Meta)
   */
  constructor(
    encoding: Encoding,
    private readonly visitor: DatasetVisitor,
    private readonly limits: ParseLimits,
    private offset: number,
    private readonly onlyGroup?: number,
  ) {
    this.datasetEncoding = encoding;
    this.stack = [{ kind: 'dataset', tag: '', end: Infinity, encoding }];
  }

  /** Where the parser is: offset of the first byte it has not consumed. */
  get position(): number {
    return this.offset;
  }

  /**
   * Takes as much as can be taken.
   * @param bytes from {@link position} on
   * @returns how many bytes are consumed; of the others, at least {@link wanted} must be there next time
   * @throws DicomError
   */
  parse(bytes: Buffer): number {
    const start = this.offset;
    for (;;) {
      const at = this.offset - start;
      if (this.isDone || !this.step(bytes, at)) return this.offset - start;
    }
  }

  /** @param rest what has not been consumed when the object ends @throws DicomError 'truncated' */
  finish(rest: Buffer): void {
    const level = this.stack.at(-1)!;
    if (this.passing + this.endBytes > 0) {
      throw this.truncated(`${this.passing + this.endBytes} bytes of the value are missing`, this.currentTag);
    }
    // A writer may pad the end with a few zero bytes, too few to look like an element.
    if (level.kind === 'dataset' && rest.every((byte) => byte === 0)) {
      if (rest.length > 0) this.visitor.padding?.(this.offset);
      return;
    }
    if (rest.length === 0) throw this.truncated('the sequence is not closed', level.tag);
    if (rest.length < 8) throw this.truncated("it ends within an element's header", level.tag);
    throw this.truncated(`${this.wanted - rest.length} bytes of the element are missing`, this.currentTag);
  }

  /** @returns false when there are too few bytes to go on */
  private step(bytes: Buffer, at: number): boolean {
    const available = bytes.length - at;
    if (this.passing > 0) {
      const count = Math.min(this.passing, available);
      this.passing -= count;
      this.offset += count;
      return this.passing === 0 || this.starve(1);
    }
    if (this.endBytes > 0) {
      if (available < this.endBytes) return this.starve(this.endBytes);
      this.visitor.fragmentEnd(bytes.subarray(at, at + this.endBytes));
      this.offset += this.endBytes;
      this.endBytes = 0;
      return true;
    }
    if (this.isPadding) return this.passZeros(bytes, at);

    const level = this.stack[this.stack.length - 1]!;
    if (this.offset >= level.end) {
      if (this.offset > level.end)
        throw this.malformed('an element reaches beyond the end of what holds it', level.tag);
      this.close(level);
      return true;
    }
    if (available < 8) return this.starve(8);
    switch (level.kind) {
      case 'fragments':
        return this.stepFragment(bytes, at, level);
      case 'sequence':
        return this.stepItem(bytes, at, level);
      default:
        return this.stepElement(bytes, at, level);
    }
  }

  private stepElement(bytes: Buffer, at: number, level: Level): boolean {
    if (this.onlyGroup !== undefined && bytes.readUInt16LE(at) !== this.onlyGroup) {
      this.isDone = true;
      return false;
    }
    const header = readElementHeader(bytes, at, level.encoding) ?? this.readWithoutVr(bytes, at, level);
    if (this.elements === 0) this.refuseOtherSyntax(bytes, at);
    if (typeof header === 'number') return this.starve(header);
    const { entry, length } = header;
    const { tag, group } = entry;
    if (group === 0xfffe) return this.stepDelimiter(tag, length, level);
    if (level.kind === 'dataset' && this.onlyGroup === undefined && (group === 0 || group === 2)) {
      if (tag !== '00000000') throw this.malformed('an element of group 0000 or 0002 stands in the dataset', tag);
      this.isPadding = true;
      this.visitor.padding?.(this.offset);
      return true;
    }
    this.currentTag = tag;
    const valueOffset = this.offset + header.bytes;
    if (length === undefinedLength) {
      this.count(header.bytes, tag);
      this.offset = valueOffset;
      this.openUndefined(header);
      return true;
    }
    if (valueOffset + length > level.end) {
      throw this.malformed(`its length of ${length} bytes is more than is left of what holds it`, tag);
    }
    const { encoding, vr } = header;
    if (vr === 'SQ') {
      this.count(header.bytes, tag);
      this.offset = valueOffset;
      this.openSequence(tag, valueOffset + length, encoding);
      return true;
    }
    // Group lengths are of the encoding, not of the data, and often wrong.
    const isKept = entry.element !== 0 && this.visitor.keeps(tag, vr, length);
    if (isKept) {
      const needed = header.bytes + length;
      // Refused by its header already: the value is never waited for.
      if (this.headerBytes + needed > this.limits.headerBytesMax) this.count(needed, tag);
      if (bytes.length - at < needed) return this.starve(needed);
      this.count(needed, tag);
      this.offset += needed;
      const value = bytes.subarray(at + header.bytes, at + needed);
      this.visitor.element(tag, vr, value, encoding.bigEndian);
      return true;
    }
    this.count(header.bytes, tag);
    this.offset = valueOffset;
    this.passing = length;
    if (entry.element !== 0) {
      this.visitor.bulk({ tag, vr, offset: valueOffset, length, bigEndian: encoding.bigEndian });
    }
    return true;
  }

  private stepItem(bytes: Buffer, at: number, level: Level): boolean {
    const header = readElementHeader(bytes, at, level.encoding);
    if (header === undefined || typeof header === 'number' || header.entry.group !== 0xfffe) {
      throw this.malformed('something else stands where an item should begin', level.tag);
    }
    const { tag } = header.entry;
    this.count(8, level.tag);
    this.offset += 8;
    if (tag === sequenceEndTag) {
      this.close(level);
    } else if (tag === itemTag) {
      const end = header.length === undefinedLength ? Infinity : this.offset + header.length;
      if (end !== Infinity && end > level.end) {
        throw this.malformed(`an item of ${header.length} bytes is longer than its sequence`, level.tag);
      }
      this.stack.push({ kind: 'item', tag: level.tag, end, encoding: level.encoding });
      this.visitor.startItem();
    }
    // An item delimiter behind an item of defined length is superfluous, and written by some.
    return true;
  }

  private stepDelimiter(tag: string, length: number, level: Level): boolean {
    if (tag === itemEndTag && level.kind === 'item') {
      this.count(8, level.tag);
      this.offset += 8;
      this.close(level);
      return true;
    }
    // A delimiter behind a sequence of defined length is superfluous, and written by some.
    if (tag === sequenceEndTag && length === 0) {
      this.count(8, level.tag);
      this.offset += 8;
      return true;
    }
    throw this.malformed('an item or delimiter stands outside of its sequence', tag);
  }

  private stepFragment(bytes: Buffer, at: number, level: Level): boolean {
    const header = readElementHeader(bytes, at, level.encoding);
    if (header === undefined || typeof header === 'number' || header.entry.group !== 0xfffe) {
      throw this.malformed('something else stands where a fragment should begin', level.tag);
    }
    const { length } = header;
    if (header.entry.tag === sequenceEndTag) {
      const offset = this.offset;
      this.offset += 8;
      this.stack.pop();
      this.visitor.endFragments(offset);
      return true;
    }
    if (header.entry.tag !== itemTag || length === undefinedLength || this.offset + 8 + length > level.end) {
      throw this.malformed('a fragment has no proper length', level.tag);
    }
    this.currentTag = level.tag;
    if (this.isOffsetTableNext) {
      const isKept = this.interest.offsetTable;
      if (isKept) {
        if (this.headerBytes + length > this.limits.headerBytesMax) this.count(length, level.tag);
        if (bytes.length - at < 8 + length) return this.starve(8 + length);
        this.count(length, level.tag);
      }
      this.isOffsetTableNext = false;
      this.visitor.offsetTable(isKept ? bytes.subarray(at + 8, at + 8 + length) : noBytes);
      this.offset += isKept ? 8 + length : 8;
      this.passing = isKept ? 0 : length;
      return true;
    }
    const startBytes = this.interest.edges ? Math.min(length, fragmentStartBytes) : 0;
    if (bytes.length - at < 8 + startBytes) return this.starve(8 + startBytes);
    this.fragments += 1;
    if (this.fragments > this.limits.fragmentsMax) {
      throw this.limitExceeded(`more than ${this.limits.fragmentsMax} fragments`, level.tag);
    }
    this.offset += 8;
    this.visitor.fragment(this.offset, length, bytes.subarray(at + 8, at + 8 + startBytes));
    this.endBytes = this.interest.edges ? Math.min(length, fragmentEndBytes) : 0;
    this.passing = length - this.endBytes;
    return true;
  }

  private openUndefined({ entry: { tag }, vr, encoding }: ElementHeader): void {
    const isFragments = tag === pixelDataTag || (fragmentVrs.has(vr) && vr !== 'UN' && !encoding.implicit);
    if (isFragments) {
      this.interest = this.visitor.startFragments(tag, vr, this.offset);
      this.isOffsetTableNext = true;
      const { end } = this.stack.at(-1)!;
      // Items of fragments are in the order of the dataset's bytes, whatever VR the pixel data claims.
      this.stack.push({ kind: 'fragments', tag, end, encoding: this.datasetEncoding });
      return;
    }
    if (vr !== 'SQ' && vr !== 'UN' && !encoding.implicit) {
      throw this.malformed(`a value of VR ${vr} cannot have undefined length`, tag);
    }
    this.openSequence(tag, Infinity, encoding);
  }

  private openSequence(tag: string, end: number, encoding: Encoding): void {
    this.stack.push({ kind: 'sequence', tag, end, encoding });
    // The dataset, and for each nesting a sequence and an item.
    if (this.stack.length > 2 * this.limits.depthMax) {
      throw this.limitExceeded(`sequences nest deeper than ${this.limits.depthMax}`, tag);
    }
    this.visitor.startSequence(tag, this.offset);
  }

  private close(level: Level): void {
    this.stack.pop();
    if (level.kind === 'item') this.visitor.endItem();
    else if (level.kind === 'sequence') this.visitor.endSequence();
    // Fragments that fill what holds them have lost their delimiter, as has a dataset: never.
    else throw this.malformed('the fragments are not closed', level.tag);
  }

  /** Some devices slip single elements without VR into explicit datasets: told by a length that can be. */
  private readWithoutVr(bytes: Buffer, at: number, level: Level): ElementHeader {
    const header = readElementHeader(bytes, at, { implicit: true, bigEndian: level.encoding.bigEndian });
    const isPossible =
      typeof header === 'object' &&
      this.onlyGroup === undefined &&
      (header.length < 0x10000 || (header.length === undefinedLength && header.entry.tag === pixelDataTag));
    if (!isPossible) {
      throw this.malformed(`no VR stands where one should (bytes ${bytes.toString('hex', at, at + 8)})`, '');
    }
    return { ...header, encoding: level.encoding };
  }

  /** Files in another syntax than they say: told by their first element, for what follows makes no sense. */
  private refuseOtherSyntax(bytes: Buffer, at: number): void {
    const { implicit, bigEndian } = this.datasetEncoding;
    const group = bigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);
    if (group === 0x0800) throw this.malformed('its byte order is not that of its transfer syntax', '');
    // As an implicit length, the letters of a VR are at least 16 KiB: no first element is that long.
    if (implicit && /^[A-Z]{2}$/.test(bytes.toString('latin1', at + 4, at + 6))) {
      throw this.malformed('its transfer syntax says implicit VR, and a VR is there', '');
    }
  }

  /** Behind the last element, zeros up to a block size. Anything else there is no part of a dataset. */
  private passZeros(bytes: Buffer, at: number): boolean {
    for (let index = at; index < bytes.length; index += 1) {
      if (bytes[index] !== 0) throw this.malformed('zeros and then other bytes follow the last element', '');
    }
    this.offset += bytes.length - at;
    return this.starve(1);
  }

  private count(bytes: number, tag: string): void {
    this.elements += 1;
    this.headerBytes += bytes;
    if (this.elements > this.limits.elementsMax) {
      throw this.limitExceeded(`more than ${this.limits.elementsMax} elements`, tag);
    }
    if (this.headerBytes > this.limits.headerBytesMax) {
      throw this.limitExceeded(`more than ${this.limits.headerBytesMax} bytes without pixel and bulk data`, tag);
    }
  }

  private starve(wanted: number): false {
    this.wanted = wanted;
    return false;
  }

  private malformed(what: string, tag: string): DicomError {
    return new DicomError('malformed', `The dataset is damaged: ${what}`, place(tag, this.offset));
  }

  private truncated(what: string, tag: string): DicomError {
    return new DicomError('truncated', `The object is cut off: ${what}`, place(tag, this.offset));
  }

  private limitExceeded(what: string, tag: string): DicomError {
    return new DicomError('limit-exceeded', `The dataset is too large: ${what}`, place(tag, this.offset));
  }
}

const place = (tag: string, offset: number) => (tag === '' ? { offset } : { offset, tag });
