import type { Charset } from './charsets.js';
import type { DicomJsonElement, PersonName } from './dicom-json.js';
import { decimalValue } from './decimal-value.js';
import { readNumbers } from './read-numbers.js';

/** VRs whose text is in the Specific Character Set (PS3.5 6.1.2.2). */
const charsetVrs = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
/** VRs of which a backslash is a character like any other (PS3.5 6.4). */
const singleValueVrs = new Set(['LT', 'ST', 'UT', 'UR']);
const plainTextVrs = new Set(['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI', 'UR']);

/** The unit in which a binary value swaps its bytes between the endians; others do not. */
const wordBytes: Readonly<Record<string, number>> = { OW: 2, OL: 4, OF: 4, OD: 8, OV: 8 };

/** VRs whose value is not text and not numbers: inline in base64, or by reference. */
export const isBinaryVr = (vr: string) => vr === 'OB' || vr === 'UN' || vr in wordBytes;

/**
 * One value as DICOM JSON (PS3.18 F.2): text in Unicode without NUL and padding, numbers as numbers where that loses
 * nothing, binary in base64, little endian.
 * @param bytes the value's field, padding included
 */
export function elementValue(vr: string, bytes: Buffer, charset: Charset, bigEndian: boolean): DicomJsonElement {
  if (bytes.length === 0) return { vr };
  if (charsetVrs.has(vr)) return textElement(vr, isAscii(bytes) ? bytes.toString('latin1') : charset.decode(bytes));
  if (plainTextVrs.has(vr)) return textElement(vr, bytes.toString('latin1'));
  if (isBinaryVr(vr)) return { vr, InlineBinary: inLittleEndian(vr, bytes, bigEndian).toString('base64') };
  const values = readNumbers(vr, bytes, bigEndian);
  return values.length === 0 ? { vr } : { vr, Value: values };
}

/** A binary value as web clients take it: little endian (PS3.18 F.2.7). The bytes themselves where nothing changes. */
export function inLittleEndian(vr: string, bytes: Buffer, bigEndian: boolean): Buffer {
  const size = bigEndian ? wordBytes[vr] : undefined;
  if (size === undefined) return bytes;
  // What is left over behind the last word is padding nobody can swap.
  const swapped = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % size)));
  if (size === 2) return swapped.swap16();
  return size === 4 ? swapped.swap32() : swapped.swap64();
}

function textElement(vr: string, raw: string): DicomJsonElement {
  // PostgreSQL refuses U+0000, and as padding it means nothing.
  const text = raw.includes('\0') ? raw.replaceAll('\0', '') : raw;
  const values = singleValueVrs.has(vr)
    ? [trimEnd(text) || null]
    : text.includes('\\')
      ? text.split('\\').map((part) => textValue(vr, part))
      : [textValue(vr, text)];
  return values.every((value) => value === null) ? { vr } : { vr, Value: values };
}

function textValue(vr: string, text: string): string | number | PersonName | null {
  switch (vr) {
    case 'PN':
      return personName(text);
    case 'DS':
    case 'IS':
      return decimalValue(text.trim());
    case 'UC':
      return trimEnd(text) || null;
    default:
      return trim(text) || null;
  }
}

const componentGroups = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;

/** The component groups that are not empty (PS3.5 6.2.1.2). */
function personName(text: string): PersonName | null {
  const name: PersonName = {};
  let isEmpty = true;
  for (const [index, part] of text.split('=', 3).entries()) {
    const group = trim(part);
    if (group === '') continue;
    name[componentGroups[index]!] = group;
    isEmpty = false;
  }
  return isEmpty ? null : name;
}

// Padding is the space alone (PS3.5 6.2); trim() would also take wide spaces of Japanese text.
function trim(text: string): string {
  let start = 0;
  while (text.charCodeAt(start) === 0x20) start += 1;
  return trimEnd(start === 0 ? text : text.slice(start));
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

const escapeByte = 0x1b;

/** Neither escape sequences nor bytes from 80 up: text that every character set reads alike. */
export function isAscii(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte >= 0x80 || byte === escapeByte) return false;
  }
  return true;
}
