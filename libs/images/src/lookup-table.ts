import type { DicomJson } from '#libs/dicom';
import { numbersOf } from './attributes.js';
import { bytesOf, type BulkData } from './bulk-data.js';
import type { FrameDescription, LookupTable } from './frame-description.js';
import { ImageError } from './image-error.js';

/** A Modality LUT or VOI LUT: the first item of its sequence (PS3.3 C.11.1 and C.11.2). */
export function readLut(item: DicomJson, name: string, isSigned: boolean, bulkData: BulkData | undefined): LookupTable {
  return readTable(item, '00283002', '00283006', name, isSigned, bulkData);
}

/** The three channels of a PALETTE COLOR image, plain or segmented (PS3.3 C.7.6.3.1.5, C.7.9.2). */
export function readPalette(
  dataset: DicomJson,
  isSigned: boolean,
  bulkData: BulkData | undefined,
): NonNullable<FrameDescription['palette']> {
  const channel = (name: string, last: number): LookupTable => {
    const segmented = `0028122${last}`;
    return dataset[segmented]
      ? readSegmentedTable(dataset, `0028110${last}`, segmented, `Segmented ${name} Palette`, isSigned, bulkData)
      : readTable(dataset, `0028110${last}`, `0028120${last}`, `${name} Palette`, isSigned, bulkData);
  };
  return { red: channel('Red', 1), green: channel('Green', 2), blue: channel('Blue', 3) };
}

/** The output for one input; outside the table its first or last value (PS3.3 C.11.1.1). */
export function lookUp(table: LookupTable, input: number): number {
  const index = Math.min(Math.max(Math.round(input) - table.firstInput, 0), table.values.length - 1);
  return table.values[index] as number;
}

interface Descriptor {
  length: number;
  firstInput: number;
  bits: number;
}

function readDescriptor(dataset: DicomJson, tag: string, name: string, isSigned: boolean): Descriptor {
  const [length, firstInput, bits] = numbersOf(dataset, tag);
  if (length === undefined || firstInput === undefined || bits === undefined) {
    throw new ImageError(
      'missing-attribute',
      `The descriptor of the ${name} (${tag}) is missing or has not three values.`,
    );
  }
  if (bits < 1 || bits > 16)
    throw new ImageError('invalid-value', `The ${name} (${tag}) has ${bits} bits an entry; 8 to 16 are allowed.`);
  return {
    // US cannot hold 65536, which is written as 0; some write the number of entries as SS.
    length: (length & 0xffff) === 0 ? 65536 : length & 0xffff,
    // The VR of the descriptor is US or SS by Pixel Representation, which a reader of implicit VR may have got wrong.
    firstInput:
      isSigned && firstInput > 0x7fff
        ? firstInput - 0x10000
        : !isSigned && firstInput < 0
          ? firstInput + 0x10000
          : firstInput,
    bits,
  };
}

function readTable(
  dataset: DicomJson,
  descriptorTag: string,
  dataTag: string,
  name: string,
  isSigned: boolean,
  bulkData: BulkData | undefined,
): LookupTable {
  const descriptor = readDescriptor(dataset, descriptorTag, name, isSigned);
  const values = readEntries(dataset, dataTag, name, descriptor.length, bulkData);
  return toTable(descriptor, values, name);
}

/** LUT entries: words, or bytes when there are not enough bytes for words (8-bit entries packed two in a word). */
function readEntries(
  dataset: DicomJson,
  tag: string,
  name: string,
  length: number | undefined,
  bulkData: BulkData | undefined,
): Uint16Array {
  const numbers = numbersOf(dataset, tag);
  if (numbers.length > 0) return Uint16Array.from(numbers, (value) => value & 0xffff);
  const bytes = bytesOf(dataset, tag, name, bulkData);
  if (bytes === undefined) throw new ImageError('missing-attribute', `The data of the ${name} (${tag}) are missing.`);
  if (length !== undefined && bytes.length < length * 2) return Uint16Array.from(bytes);
  return wordsOf(bytes);
}

function wordsOf(bytes: Uint8Array): Uint16Array {
  const words = new Uint16Array(bytes.length >> 1);
  for (let i = 0; i < words.length; i++) words[i] = (bytes[2 * i] as number) | ((bytes[2 * i + 1] as number) << 8);
  return words;
}

function toTable({ length, firstInput, bits }: Descriptor, entries: Uint16Array, name: string): LookupTable {
  if (entries.length < length) {
    throw new ImageError('truncated', `The ${name} should have ${length} entries and has ${entries.length}.`);
  }
  const values = entries.slice(0, length);
  // Seen in the wild: 16 bits declared, values of 8 bits stored; and the other way round.
  const highest = values.reduce((highest, value) => Math.max(highest, value), 0);
  const used = bits === 16 && highest < 256 ? 8 : highest >= 2 ** bits ? 16 : bits;
  return { firstInput, bits: used, values };
}

/** PS3.3 C.7.9.2: discrete (0), linear (1) and indirect (2) segments. */
function readSegmentedTable(
  dataset: DicomJson,
  descriptorTag: string,
  dataTag: string,
  name: string,
  isSigned: boolean,
  bulkData: BulkData | undefined,
): LookupTable {
  const descriptor = readDescriptor(dataset, descriptorTag, name, isSigned);
  // With 8 bits an entry the segments are made of bytes, else of words.
  const raw = bytesOf(dataset, dataTag, name, bulkData);
  const ofBytes = raw !== undefined && descriptor.bits === 8 && !looksLikeWords(raw);
  const units = ofBytes ? Uint16Array.from(raw) : readEntries(dataset, dataTag, name, undefined, bulkData);
  const values = new Uint16Array(descriptor.length);
  let filled = 0;
  const put = (value: number): void => {
    if (filled < values.length) values[filled++] = value;
  };

  const malformed = (at: number): ImageError =>
    new ImageError('malformed', `The ${name} is malformed at entry ${at} of its data.`);
  const unit = (at: number): number => {
    const value = units[at];
    if (value === undefined) throw malformed(at);
    return value;
  };
  /** Reads one segment at `at`; gives where the next begins. */
  const segment = (at: number, mayPoint: boolean): number => {
    const [kind, count] = [unit(at), unit(at + 1)];
    if (kind === 0) {
      for (let i = 0; i < count; i++) put(unit(at + 2 + i));
      return at + 2 + count;
    }
    if (kind === 1) {
      if (filled === 0) throw malformed(at);
      const [from, to] = [values[filled - 1] as number, unit(at + 2)];
      for (let i = 1; i <= count; i++) put(Math.round(from + ((to - from) * i) / count));
      return at + 3;
    }
    if (kind === 2 && mayPoint) {
      // Copies `count` segments that begin at a byte offset of 32 bits, and may not themselves point elsewhere.
      let source = ofBytes
        ? unit(at + 2) + unit(at + 3) * 2 ** 8 + unit(at + 4) * 2 ** 16 + unit(at + 5) * 2 ** 24
        : (unit(at + 2) + unit(at + 3) * 2 ** 16) / 2;
      for (let i = 0; i < count && filled < values.length; i++) source = segment(source, false);
      return at + (ofBytes ? 6 : 4);
    }
    throw malformed(at);
  };
  for (let at = 0; filled < values.length && at + 1 < units.length;) at = segment(at, true);
  return toTable(descriptor, values.slice(0, filled), name);
}

/** 8-bit segments are met stored as words, too: every other byte is then 0. */
function looksLikeWords(bytes: Uint8Array): boolean {
  for (let i = 1; i < bytes.length; i += 2) if (bytes[i] !== 0) return false;
  return true;
}
