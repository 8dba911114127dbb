import type { Charset } from './charsets.js';
import { defaultCharset } from './charsets.js';
import type { DicomJsonElement as DicomElement, DicomJson } from './dicom-json.js';

const characterSetVrs = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
const singleValueVrs = new Set(['LT', 'ST', 'UT', 'UR']);
const plainTextVrs = new Set(['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI', 'UR']);

export const isTextVr = (vr: string) => characterSetVrs.has(vr) || plainTextVrs.has(vr);

const numberReaders: Record<
  string,
  { size: number; read: (bytes: Buffer, at: number, bigEndian: boolean) => unknown }
> = {
  US: { size: 2, read: (b, i, be) => (be ? b.readUInt16BE(i) : b.readUInt16LE(i)) },
  SS: { size: 2, read: (b, i, be) => (be ? b.readInt16BE(i) : b.readInt16LE(i)) },
  UL: { size: 4, read: (b, i, be) => (be ? b.readUInt32BE(i) : b.readUInt32LE(i)) },
  SL: { size: 4, read: (b, i, be) => (be ? b.readInt32BE(i) : b.readInt32LE(i)) },
  FL: { size: 4, read: (b, i, be) => finite(shortest(be ? b.readFloatBE(i) : b.readFloatLE(i))) },
  FD: { size: 8, read: (b, i, be) => finite(be ? b.readDoubleBE(i) : b.readDoubleLE(i)) },
  UV: { size: 8, read: (b, i, be) => safe(be ? b.readBigUInt64BE(i) : b.readBigUInt64LE(i)) },
  SV: { size: 8, read: (b, i, be) => safe(be ? b.readBigInt64BE(i) : b.readBigInt64LE(i)) },
  AT: {
    size: 4,
    read: (b, i, be) =>
      be
        ? hex4(b.readUInt16BE(i)) + hex4(b.readUInt16BE(i + 2))
        : hex4(b.readUInt16LE(i)) + hex4(b.readUInt16LE(i + 2)),
  },
};
export const isNumberVr = (vr: string) => Object.hasOwn(numberReaders, vr);

/** The unit in which a binary value swaps its bytes between the endians. */
const wordBytes: Record<string, number> = { OW: 2, OL: 4, OF: 4, OD: 8, OV: 8 };

const hex4 = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
const finite = (value: number) => (Number.isFinite(value) ? value : null);
/** A float32 as the shortest decimal that reads back as the same float32. */
const shortest = (value: number) => (Number.isFinite(value) ? Number(Math.fround(value).toPrecision(9)) : value);
const safe = (value: bigint) =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);

/**
 * One value as DICOM JSON (PS3.18 F.2): text in Unicode, numbers as numbers where that loses nothing, binary inline.
 * @param bytes the value's field, padding included
 */
export function elementValue(vr: string, bytes: Buffer, charset: Charset, bigEndian: boolean): DicomElement {
  if (bytes.length === 0) return { vr };
  const numbers = numberReaders[vr];
  if (numbers !== undefined) {
    const count = Math.floor(bytes.length / numbers.size);
    const values: unknown[] = [];
    for (let index = 0; index < count; index += 1) values.push(numbers.read(bytes, index * numbers.size, bigEndian));
    return count === 0 ? { vr } : { vr, Value: values };
  }
  if (!isTextVr(vr)) return { vr, InlineBinary: littleEndian(vr, bytes, bigEndian).toString('base64') };
  const texts = singleValueVrs.has(vr)
    ? [characterSetVrs.has(vr) ? charset.decode(bytes) : defaultCharset.decode(bytes)]
    : (characterSetVrs.has(vr) ? charset : defaultCharset).split(bytes);
  const values = texts.map((text) => textValue(vr, text));
  return values.every((value) => value === null) ? { vr } : { vr, Value: values };
}

export function littleEndian(vr: string, bytes: Buffer, bigEndian: boolean): Buffer {
  const size = bigEndian ? wordBytes[vr] : undefined;
  if (size === undefined || bytes.length % size !== 0) return bytes;
  const swapped = Buffer.from(bytes);
  if (size === 2) swapped.swap16();
  else if (size === 4) swapped.swap32();
  else swapped.swap64();
  return swapped;
}

function textValue(vr: string, raw: string): unknown {
  // PostgreSQL and many readers refuse U+0000; as padding it means nothing.
  const text = raw.replaceAll('\0', '');
  switch (vr) {
    case 'PN':
      return personName(text);
    case 'LT':
    case 'ST':
    case 'UT':
    case 'UC':
    case 'UR':
      return text.trimEnd() || null;
    case 'DS':
    case 'IS':
      return decimal(text.trim());
    default:
      return text.trim() || null;
  }
}

const decimalPattern = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A number where a double holds all its digits, else the text (PS3.18 F.2.3 lets both be). */
function decimal(text: string): number | string | null {
  if (text === '') return null;
  if (!decimalPattern.test(text)) return text;
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/[^0-9]/g, '')
    .replace(/^0+/, '');
  const value = Number(text);
  return digits.length <= 15 && Number.isFinite(value) ? value : text;
}

const groupNames = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;

function personName(text: string): DicomJson | null {
  const name: Record<string, string> = {};
  for (const [index, group] of text.split('=').slice(0, 3).entries()) {
    const trimmed = group.trim();
    if (trimmed !== '') name[groupNames[index]!] = trimmed;
  }
  return Object.keys(name).length === 0 ? null : (name as never);
}
