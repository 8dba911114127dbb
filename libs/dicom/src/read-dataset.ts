import type { ByteSource } from './byte-source.js';
import { type Charset, charsetOf, defaultCharset } from './charsets.js';
import { tagVr } from './dictionary.js';
import { elementValue, isNumberVr, isTextVr } from './element-value.js';
import { DicomError } from './errors.js';
import type { Fragments } from './fragments.js';
import type { DicomJson, DicomJsonElement as DicomElement } from './dicom-json.js';
import type { ParseLimits } from './parsed-instance.js';

export interface ReadOptions {
  bulkDataUri: (tagPath: string) => string;
  inlineBytesMax: number;
  limits: ParseLimits;
  /** Told where each value is: its path, and its bytes' place in the stream. For an encapsulated one, its items. */
  onValue?: (value: ValuePlace) => void;
}

export interface ValuePlace {
  path: string;
  vr: string;
  offset: number;
  length: number;
  bigEndian: boolean;
  encapsulated: boolean;
}

interface Encoding {
  implicit: boolean;
  bigEndian: boolean;
}

export type PixelData =
  { kind: 'native'; tag: string; offset: number; length: number } | { kind: 'encapsulated'; fragments: Fragments };

/** What reading fills. */
export interface ReadState {
  dataset: DicomJson;
  pixelData: PixelData | undefined;
  extendedOffsets: Buffer | undefined;
  /** Offsets are in the inflated stream, not in the object. */
  isInflated: boolean;
}

interface Level {
  kind: 'dataset' | 'sequence' | 'item';
  /** Position behind its last byte; undefined: until its delimiter. */
  end: number | undefined;
  dataset: DicomJson;
  /** Of a sequence: where its items go. */
  items: DicomJson[];
  encoding: Encoding;
  charset: Charset;
  /** Tag path of the sequence and item this is in, with a trailing slash. */
  path: string;
}

interface Element {
  tag: string;
  vr: string;
  length: number;
}

const undefinedLength = 0xffffffff;
const item = 'FFFEE000';
const itemEnd = 'FFFEE00D';
const sequenceEnd = 'FFFEE0DD';
const pixelDataTags = new Set(['7FE00010', '7FE00008', '7FE00009']);
const extendedOffsetTable = '7FE00001';
const longVrs = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const shortVrs = new Set([
  'AE',
  'AS',
  'AT',
  'CS',
  'DA',
  'DS',
  'DT',
  'FL',
  'FD',
  'IS',
  'LO',
  'LT',
  'PN',
  'SH',
  'SL',
  'SS',
  'ST',
  'TM',
  'UI',
  'UL',
  'US',
]);

/**
 * Reads the elements of a dataset to its end, nested ones on an explicit stack.
 * @param onlyGroup stop before the first element of another group (File Meta); undefined: to the end of the bytes
 */
export function* readDataset(
  source: ByteSource,
  encoding: Encoding,
  state: ReadState,
  options: ReadOptions,
  onlyGroup?: number,
): Generator<void, void> {
  const { limits } = options;
  const stack: Level[] = [
    { kind: 'dataset', end: undefined, dataset: state.dataset, items: [], encoding, charset: defaultCharset, path: '' },
  ];
  let elements = 0;
  let keptBytes = 0;

  for (;;) {
    const level = stack.at(-1)!;
    if (level.end !== undefined && source.position >= level.end) {
      if (source.position > level.end)
        throw malformed(`an element reaches beyond the end of ${place(level)}`, source.position);
      stack.pop();
      continue;
    }
    if (stack.length === 1 && !(yield* source.has(8))) {
      const rest = source.peek(8);
      if (rest.every((byte) => byte === 0)) return; // a few zero bytes behind the last element
      throw new DicomError(
        'truncated',
        `The object ends at byte ${source.position + rest.length}, in an element's header`,
      );
    }
    if (stack.length === 1 && onlyGroup !== undefined && source.peek(2).readUInt16LE(0) !== onlyGroup) return;

    if (++elements > limits.elementsMax)
      throw new DicomError('limit-exceeded', `More than ${limits.elementsMax} elements, at byte ${source.position}`);
    const element = yield* readHeader(source, level);
    if (level.kind === 'sequence') {
      if (element.tag === sequenceEnd) stack.pop();
      else if (element.tag === item) stack.push(openItem(level, element, source.position));
      else
        throw malformed(`${name(element.tag)} stands where an item of ${place(level)} should begin`, source.position);
      continue;
    }
    if (element.tag === itemEnd) {
      if (level.kind !== 'item') throw malformed('an item delimiter stands outside of items', source.position);
      stack.pop();
      continue;
    }
    // Some writers close a sequence of defined length, too; it means nothing then.
    if (element.tag === sequenceEnd && element.length === 0) continue;
    if (level.end !== undefined && element.length !== undefinedLength && source.position + element.length > level.end) {
      throw malformed(
        `${name(element.tag)} has a length of ${element.length} bytes, more than is left of ${place(level)}`,
        source.position,
      );
    }
    if (element.tag.startsWith('FFFE'))
      throw malformed(`${name(element.tag)} stands outside of a sequence`, source.position);
    // After groups 0002 and up nothing as low as this comes: these are not elements.
    if (stack.length === 1 && onlyGroup === undefined && element.tag < '00030000' && element.tag >= '00020000') {
      throw malformed(`${name(element.tag)} of the File Meta stands in the dataset`, source.position);
    }

    if (isSequence(element)) {
      if (stack.length > 2 * limits.depthMax)
        throw new DicomError(
          'limit-exceeded',
          `Sequences nest deeper than ${limits.depthMax}, at byte ${source.position}`,
        );
      stack.push(openSequence(level, element, source.position));
      continue;
    }
    if (stack.length === 1 && pixelDataTags.has(element.tag) && onlyGroup === undefined) {
      const offset = source.position;
      yield* readPixelData(source, element, level, state);
      tell(options, level, element, offset, source.position);
      continue;
    }
    if (element.length === undefinedLength) {
      // Encapsulated, but not the instance's own pixel data: an icon's. Its items are passed over.
      const offset = source.position;
      yield* readFragments(source, element.tag, undefined);
      tell(options, level, element, offset, source.position);
      level.dataset[element.tag] = { vr: 'OB', BulkDataURI: options.bulkDataUri(level.path + element.tag) };
      continue;
    }
    tell(options, level, element, source.position, source.position + element.length);
    const isKept = isTextVr(element.vr) || isNumberVr(element.vr) || element.length <= options.inlineBytesMax;
    if (!isKept && !(stack.length === 1 && element.tag === extendedOffsetTable)) {
      yield* source.skip(element.length, () => name(element.tag));
      level.dataset[element.tag] = { vr: element.vr, BulkDataURI: options.bulkDataUri(level.path + element.tag) };
      continue;
    }
    keptBytes += element.length;
    if (keptBytes > limits.headerBytesMax) {
      throw new DicomError(
        'limit-exceeded',
        `The header is larger than ${limits.headerBytesMax} bytes, at ${name(element.tag)}`,
      );
    }
    const bytes = yield* source.take(element.length, () => name(element.tag));
    keep(level, element, bytes, state, stack.length === 1, options);
  }
}

const delimiterBytes = 8;

function tell(options: ReadOptions, level: Level, { tag, vr, length }: Element, offset: number, end: number): void {
  const encapsulated = length === undefinedLength;
  options.onValue?.({
    path: level.path + tag,
    vr,
    offset,
    length: end - offset - (encapsulated ? delimiterBytes : 0),
    bigEndian: level.encoding.bigEndian,
    encapsulated,
  });
}

function keep(
  level: Level,
  { tag, vr, length }: Element,
  bytes: Buffer,
  state: ReadState,
  isTop: boolean,
  options: ReadOptions,
): void {
  if (isTop && tag === extendedOffsetTable) {
    state.extendedOffsets = Buffer.from(bytes);
    if (length > options.inlineBytesMax) {
      level.dataset[tag] = { vr, BulkDataURI: options.bulkDataUri(tag) };
      return;
    }
  }
  if (tag.endsWith('0000')) return; // group lengths are of the encoding, not of the data
  const value = elementValue(resolve(vr, level), bytes, level.charset, level.encoding.bigEndian);
  level.dataset[tag] = value;
  if (tag === '00080005') level.charset = charsetOf((value.Value ?? []).map((term) => String(term ?? '')));
}

/** US or SS is settled by Pixel Representation, here or further out. */
function resolve(vr: string, level: Level): string {
  if (vr !== 'xs') return vr;
  return level.dataset['00280103']?.Value?.[0] === 1 ? 'SS' : 'US';
}

function* readHeader(source: ByteSource, level: Level): Generator<void, Element> {
  const at = source.position;
  const where = () => `an element's header at byte ${at} in ${place(level)}`;
  const { bigEndian, implicit } = level.encoding;
  const head = yield* source.take(8, where);
  const group = bigEndian ? head.readUInt16BE(0) : head.readUInt16LE(0);
  const number = bigEndian ? head.readUInt16BE(2) : head.readUInt16LE(2);
  const tag = hex(group) + hex(number);
  const length32 = bigEndian ? head.readUInt32BE(4) : head.readUInt32LE(4);
  if (group === 0xfffe) return { tag, vr: '', length: length32 };
  if (implicit) return { tag, vr: tagVr(tag) ?? 'UN', length: length32 };

  const vr = head.toString('latin1', 4, 6);
  if (shortVrs.has(vr)) return refined({ tag, vr, length: bigEndian ? head.readUInt16BE(6) : head.readUInt16LE(6) });
  if (longVrs.has(vr) || /^[A-Z]{2}$/.test(vr)) {
    const more = yield* source.take(4, where);
    return refined({
      tag,
      vr: longVrs.has(vr) ? vr : 'UN',
      length: bigEndian ? more.readUInt32BE(0) : more.readUInt32LE(0),
    });
  }
  // No VR where one should be: some devices slip elements in implicit form into explicit datasets.
  if (group === 2 || (length32 > 0x0fffffff && length32 !== undefinedLength)) {
    throw malformed(`${name(tag)} has no valid VR (bytes ${head.toString('hex', 4, 6)})`, at);
  }
  return { tag, vr: tagVr(tag) ?? 'UN', length: length32 };
}

/** A public element somebody stored as UN (PS3.5 6.2.2) has the VR of the dictionary; its value is the same bytes. */
function refined(element: Element): Element {
  if (element.vr !== 'UN') return element;
  const vr = tagVr(element.tag);
  return vr === undefined || vr === 'SQ' || (parseInt(element.tag[3]!, 16) & 1) === 1 ? element : { ...element, vr };
}

function isSequence({ vr, length, tag }: Element): boolean {
  return vr === 'SQ' || (vr === 'UN' && length === undefinedLength && !pixelDataTags.has(tag));
}

function openSequence(level: Level, { tag, vr, length }: Element, position: number): Level {
  const items: DicomJson[] = [];
  const element: DicomElement = { vr: 'SQ' };
  // An empty sequence has no Value (PS3.18 F.2.5): it gets one with its first item.
  level.dataset[tag] = element;
  const sequence: Level = {
    ...level,
    kind: 'sequence',
    end: length === undefinedLength ? undefined : position + length,
    items,
    dataset: { element } as never,
    // UN of undefined length is a sequence in implicit little endian, whatever is around it (PS3.5 6.2.2 note 2).
    encoding: vr === 'UN' ? { implicit: true, bigEndian: false } : level.encoding,
    path: `${level.path}${tag}/`,
  };
  return sequence;
}

function openItem(sequence: Level, { length }: Element, position: number): Level {
  const dataset: DicomJson = {};
  sequence.items.push(dataset);
  (sequence.dataset as unknown as { element: DicomElement }).element.Value = sequence.items;
  return {
    ...sequence,
    kind: 'item',
    end: length === undefinedLength ? undefined : position + length,
    dataset,
    items: [],
    path: `${sequence.path}${sequence.items.length - 1}/`,
  };
}

function* readPixelData(
  source: ByteSource,
  { tag, vr, length }: Element,
  level: Level,
  state: ReadState,
): Generator<void, void> {
  if (length !== undefinedLength) {
    state.pixelData = { kind: 'native', tag, offset: source.position, length };
    yield* source.skip(length, () => name(tag));
  } else {
    const fragments: Fragments = {
      basicOffsets: [],
      extendedOffsets: state.extendedOffsets,
      offsets: [],
      lengths: [],
      endsCodestream: [],
    };
    yield* readFragments(source, tag, fragments);
    state.pixelData = { kind: 'encapsulated', fragments };
  }
  // Metadata says that there are pixels and of what VR; frames and bulk data are how to get them (PS3.18 10.4.1.1.2).
  level.dataset[tag] = { vr: vr === 'UN' ? 'OW' : vr };
}

const basicOffsetBytesMax = 64 * 1024 ** 2;

/** Items up to the sequence delimiter: the offset table first, then fragments. With `into` undefined they are only passed. */
function* readFragments(source: ByteSource, tag: string, into: Fragments | undefined): Generator<void, void> {
  const where = () => `the fragments of ${name(tag)}`;
  for (let index = 0; ; index += 1) {
    const head = yield* source.take(8, where);
    const found = hex(head.readUInt16LE(0)) + hex(head.readUInt16LE(2));
    const length = head.readUInt32LE(4);
    if (found === sequenceEnd) return;
    if (found !== item || length === undefinedLength)
      throw malformed(`${name(found)} stands where a fragment of ${name(tag)} should begin`, source.position);
    if (into === undefined) {
      yield* source.skip(length, where);
    } else if (index === 0) {
      if (length > basicOffsetBytesMax)
        throw new DicomError('limit-exceeded', `A Basic Offset Table of ${length} bytes`);
      const table = yield* source.take(length, where);
      for (let at = 0; at + 4 <= table.length; at += 4) into.basicOffsets.push(table.readUInt32LE(at));
    } else {
      into.offsets.push(source.position);
      into.lengths.push(length);
      const tailBytes = Math.min(length, 4);
      yield* source.skip(length - tailBytes, where);
      into.endsCodestream.push(endsCodestream(yield* source.take(tailBytes, where)));
    }
  }
}

/** FFD9 ends JPEG, JPEG-LS and JPEG 2000 codestreams; a fragment may be padded behind it. */
function endsCodestream(tail: Buffer): boolean {
  return tail.includes('ffd9', 0, 'hex');
}

const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
const name = (tag: string) => `(${tag.slice(0, 4)},${tag.slice(4)})`;
const place = (level: Level) => (level.path === '' ? 'the dataset' : level.path.slice(0, -1));

function malformed(what: string, position: number): DicomError {
  return new DicomError('malformed', `At byte ${position}, ${what}`);
}
