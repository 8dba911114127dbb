import { type DicomJson, type DicomJsonElement, jsonNumber, jsonText } from './dicom-json.js';
import { tagVr } from './dictionary.js';
import { elementBytes } from './element-bytes.js';
import { hasLongLength, undefinedLength } from './element-header.js';
import { DicomError } from './errors.js';
import { elementHeader, item } from './explicit-writer.js';
import { GatheredBytes } from './gathered-bytes.js';
import { defaultParseLimits } from './parsed-instance.js';
import { transferSyntaxes } from './transfer-syntaxes.js';
import { isUid } from './uids.js';
import { writeFileMeta } from './write-file-meta.js';

/** Bytes that are elsewhere: the encoder gives the source out where its bytes belong. */
export interface ByteSource {
  readonly bytes: number;
}

/** What stands for a BulkDataURI. */
export interface BulkData<Source extends ByteSource> {
  /** The value's bytes, little endian, one after the other; of compressed Pixel Data a frame each. */
  readonly sources: readonly Source[];
  /** The bytes are items already (PS3.5 A.4): offset table and fragments, without the delimiter behind them. */
  readonly areItems?: boolean;
}

export interface EncodeOptions<Source extends ByteSource> {
  /** Explicit VR Little Endian, or a syntax with compressed frames. */
  transferSyntaxUid: string;
  /** @returns undefined for bulk data that is not there, which is an error of the object */
  bulkData(uri: string, tag: string): BulkData<Source> | undefined;
}

const pixelDataTag = '7FE00010';

/**
 * Writes a dataset of the DICOM JSON model (PS3.18 F.2) as a Part 10 object, element by element of its top: what is in memory
 * is the dataset and one of these; bulk data goes by as its sources. Text is UTF-8, and says so. Sequences get delimiters. Of
 * compressed Pixel Data each source becomes one fragment, with a Basic Offset Table if there are several.
 *
 * File Meta comes first: what fails later is known by its UIDs.
 * @throws DicomError 'missing-attribute', 'invalid-value', 'missing-bulk-data', 'limit-exceeded',
 * 'unsupported-transfer-syntax'
 */
export function* encodePart10<Source extends ByteSource>(
  dataset: DicomJson,
  options: EncodeOptions<Source>,
): Generator<Buffer | Source, void> {
  const { transferSyntaxUid } = options;
  const syntax = Object.hasOwn(transferSyntaxes, transferSyntaxUid) ? transferSyntaxes[transferSyntaxUid] : undefined;
  const isWritten = syntax !== undefined && !syntax.implicit && !syntax.bigEndian && !syntax.deflated;
  const sopClassUid = requiredUid(dataset, '00080016', 'SOP Class UID');
  const sopInstanceUid = requiredUid(dataset, '00080018', 'SOP Instance UID');
  // One that cannot be written is named as it is: the reader of these bytes refuses it, and knows whose it was.
  yield writeFileMeta(sopClassUid, sopInstanceUid, transferSyntaxUid);
  if (!isWritten) {
    throw new DicomError(
      'unsupported-transfer-syntax',
      `Metadata with bulk data is not made an object of transfer syntax ${transferSyntaxUid}`,
    );
  }
  const top = { ...dataset, '00080005': { vr: 'CS', Value: ['ISO_IR 192'] } };
  const encoder = new Encoder(options, syntax.encapsulated, jsonNumber(top, '00280103') === 1);
  for (const [tag, element] of inOrder(top)) {
    encoder.element(tag, element, 0);
    if (encoder.held >= pieceBytes) yield* encoder.take();
  }
  yield* encoder.take();
}

/** Elements are a few bytes each; so many go out together. */
const pieceBytes = 16 * 1024;
const tagPattern = /^[0-9A-F]{8}$/;

/** The elements that are written, by tag. @throws DicomError 'invalid-value' where a name is no tag */
function inOrder(dataset: DicomJson): [tag: string, element: DicomJsonElement][] {
  const elements: [string, DicomJsonElement][] = [];
  for (const key of Object.keys(dataset)) {
    const tag = tagPattern.test(key) ? key : key.toUpperCase();
    if (!tagPattern.test(tag)) {
      const text = JSON.stringify(key.slice(0, 80));
      throw new DicomError(
        'invalid-value',
        `An attribute of the dataset is named by 8 hexadecimal digits, not ${text}`,
      );
    }
    // File Meta is written anew; group lengths are of an encoding that this is not; delimiters are no elements.
    if (tag.startsWith('0002') || tag.startsWith('0000') || tag.startsWith('FFFE') || tag.endsWith('0000')) continue;
    elements.push([tag, dataset[key]!]);
  }
  return elements.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Puts one element of the top after the other into what is held, until it is taken. */
class Encoder<Source extends ByteSource> {
  private readonly bytes = new GatheredBytes();
  private pieces: (Buffer | Source)[] = [];

  constructor(
    private readonly options: EncodeOptions<Source>,
    private readonly isEncapsulated: boolean,
    /** Pixel Representation (0028,0103) settles US or SS. */
    private readonly isSigned: boolean,
  ) {}

  /** Bytes that wait; Infinity where a source does. */
  get held(): number {
    return this.pieces.length > 0 ? Infinity : this.bytes.length;
  }

  take(): (Buffer | Source)[] {
    this.cut();
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }

  element(tag: string, element: DicomJsonElement, depth: number): void {
    const vr = vrOf(tag, element, this.isSigned);
    if (vr === 'SQ') return this.sequence(tag, element, depth);
    const isCompressed = tag === pixelDataTag && depth === 0 && this.isEncapsulated;
    if (element.BulkDataURI !== undefined) {
      const { sources, areItems = false } = this.bulkData(element.BulkDataURI, tag);
      return isCompressed ? this.fragments(sources, areItems) : this.value(tag, vr, sources);
    }
    const bytes = elementBytes(tag, vr, element);
    if (isCompressed && bytes.length > 0) return this.fragments([bytes], startsWithItem(bytes));
    this.value(tag, vr, [bytes]);
  }

  private sequence(tag: string, { Value = [] }: DicomJsonElement, depth: number): void {
    if (depth >= defaultParseLimits.depthMax) {
      throw new DicomError('limit-exceeded', `Sequences nest deeper than ${defaultParseLimits.depthMax}`, { tag });
    }
    this.bytes.add(elementHeader(tag, 'SQ', undefinedLength));
    if (!Array.isArray(Value)) throw new DicomError('invalid-value', 'The items of a sequence are no array', { tag });
    for (const member of Value) {
      if (typeof member !== 'object' || Array.isArray(member)) {
        throw new DicomError('invalid-value', 'An item of a sequence is no object', { tag });
      }
      this.bytes.add(itemStart);
      for (const [inner, element] of inOrder((member ?? {}) as DicomJson)) this.element(inner, element, depth + 1);
      this.bytes.add(itemEnd);
    }
    this.bytes.add(sequenceEnd);
  }

  private value(tag: string, vr: string, sources: readonly (Buffer | Source)[]): void {
    const bytes = total(sources);
    const length = bytes + (bytes % 2);
    if (length >= undefinedLength) {
      throw new DicomError('limit-exceeded', `A value of ${bytes} bytes is more than an element can hold`, { tag });
    }
    // A value too long for its VR's length field is stored as UN (PS3.5 6.2.2).
    this.bytes.add(elementHeader(tag, length > 0xffff && !hasLongLength(vr) ? 'UN' : vr, length));
    for (const source of sources) this.add(source);
    if (bytes % 2 === 1) this.bytes.add(padding);
  }

  /** Compressed Pixel Data (PS3.5 A.4). */
  private fragments(sources: readonly (Buffer | Source)[], areItems: boolean): void {
    this.bytes.add(elementHeader(pixelDataTag, 'OB', undefinedLength));
    if (areItems) {
      for (const source of sources) this.add(source);
    } else {
      this.bytes.add(offsetTable(sources));
      for (const source of sources) {
        const bytes = sizeOf(source);
        if (bytes >= undefinedLength - 1) {
          throw new DicomError('limit-exceeded', `A frame of ${bytes} bytes is more than a fragment can hold`, {
            tag: pixelDataTag,
          });
        }
        this.bytes.add(item(0xe000, bytes + (bytes % 2)));
        this.add(source);
        if (bytes % 2 === 1) this.bytes.add(padding);
      }
    }
    this.bytes.add(sequenceEnd);
  }

  private add(source: Buffer | Source): void {
    if (Buffer.isBuffer(source) && source.length < pieceBytes) return this.bytes.add(source);
    this.cut();
    this.pieces.push(source);
  }

  private cut(): void {
    if (this.bytes.length > 0) this.pieces.push(this.bytes.take());
  }

  private bulkData(uri: unknown, tag: string): BulkData<Source> {
    if (typeof uri !== 'string') throw new DicomError('invalid-value', 'BulkDataURI is no text', { tag });
    const bulkData = this.options.bulkData(uri, tag);
    if (bulkData !== undefined) return bulkData;
    throw new DicomError('missing-bulk-data', `No part of the request is the bulk data ${JSON.stringify(uri)}`, {
      tag,
    });
  }
}

const itemStart = item(0xe000, undefinedLength);
const itemEnd = item(0xe00d, 0);
const sequenceEnd = item(0xe0dd, 0);
const padding = Buffer.alloc(1);

/** Empty where offsets do not fit into 32 bits: a fragment a frame is told without it. */
function offsetTable(sources: readonly (Buffer | ByteSource)[]): Buffer {
  const lengths = sources.map(sizeOf).map((bytes) => 8 + bytes + (bytes % 2));
  const isUseful = sources.length > 1 && lengths.reduce((sum, length) => sum + length, 0) <= 0xffffffff;
  if (!isUseful) return item(0xe000, 0);
  const table = Buffer.alloc(lengths.length * 4);
  let offset = 0;
  for (const [index, length] of lengths.entries()) {
    table.writeUInt32LE(offset, index * 4);
    offset += length;
  }
  return Buffer.concat([item(0xe000, table.length), table]);
}

const sizeOf = (source: Buffer | ByteSource) => (Buffer.isBuffer(source) ? source.length : source.bytes);
const total = (sources: readonly (Buffer | ByteSource)[]) => sources.reduce((sum, source) => sum + sizeOf(source), 0);

/** Whether compressed Pixel Data is given with its items, as some write it, and not as a bare frame. */
export function startsWithItem(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && bytes[1] === 0xff && bytes[2] === 0x00 && bytes[3] === 0xe0;
}

function vrOf(tag: string, element: DicomJsonElement, isSigned: boolean): string {
  if (typeof element !== 'object' || element === null || Array.isArray(element)) {
    throw new DicomError('invalid-value', 'An attribute of the dataset is no object', { tag });
  }
  if (knownVrs.has(element.vr)) return element.vr;
  const vr = oneOf(element.vr ?? tagVr(tag) ?? 'UN', element, isSigned);
  if (!knownVrs.has(vr)) {
    throw new DicomError('invalid-value', `${JSON.stringify(String(vr).slice(0, 20))} is no VR`, { tag });
  }
  return vr;
}

/** pydicom leaves some VRs of implicit datasets open in its JSON: `OB or OW`, `US or SS`, `US or SS or OW`. */
function oneOf(vr: unknown, { Value }: DicomJsonElement, isSigned: boolean): string {
  const choices = String(vr).split(' or ');
  if (choices.length === 1) return choices[0]!;
  const wanted = Value === undefined ? ['OW', 'OB'] : isSigned ? ['SS', 'US'] : ['US', 'SS'];
  return wanted.find((one) => choices.includes(one)) ?? choices[0]!;
}

const knownVrs = new Set(
  'AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV'.split(' '),
);

function requiredUid(dataset: DicomJson, tag: string, name: string): string {
  const uid = jsonText(dataset, tag);
  if (uid === undefined) throw new DicomError('missing-attribute', `The dataset has no ${name}`, { tag });
  if (!isUid(uid)) {
    throw new DicomError('invalid-value', `The ${name} is no UID: ${JSON.stringify(uid.slice(0, 80))}`, { tag });
  }
  return uid;
}
