import { isUid } from '#libs/dicom';
import type { SearchAttribute } from './search-attributes.js';
import { WireError } from './wire-error.js';

/** What a matching key asks for (PS3.4 C.2.2.2). A key that takes anything (universal matching) makes no condition. */
export type Condition =
  | { kind: 'equals'; value: string }
  /** Holds `*` (any run of characters, also none) and `?` (any one). All other characters are themselves. */
  | { kind: 'wildcard'; pattern: string }
  | { kind: 'any-of'; conditions: Condition[] }
  | { kind: 'uids'; uids: string[] }
  | { kind: 'number'; value: number }
  /** Inclusive, YYYYMMDD. */
  | { kind: 'dates'; from: string | undefined; to: string | undefined }
  /** Inclusive, twelve digits: HHMMSSFFFFFF. */
  | { kind: 'times'; from: string | undefined; to: string | undefined };

/** Three component groups of 64 characters (PS3.5 6.2), with room for wildcards. Lists of UIDs may be longer. */
const textLengthMax = 400;

/**
 * Reads the value of a matching key by its value representation. Wildcards are for text only: in a UID or a date they
 * are malformed (PS3.4 C.2.2.2.4).
 * @returns undefined for universal matching (an empty value, or `*` where wildcards count)
 * @throws WireError for a value that no attribute of this kind can have
 */
export function parseMatch(attribute: SearchAttribute, value: string): Condition | undefined {
  const text = value.trim();
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) throw malformed(attribute, 'control characters cannot be matched');
  if (text === '') return undefined;
  if (text.length > textLengthMax && attribute.vr !== 'UI')
    throw malformed(attribute, `longer than ${textLengthMax} characters`);
  switch (attribute.vr) {
    case 'UI':
      return parseUids(attribute, text);
    case 'DA':
      return { kind: 'dates', ...parseRange(attribute, text, dateBound) };
    case 'TM':
      return { kind: 'times', ...parseRange(attribute, text, timeBound) };
    case 'IS':
    case 'US':
      return parseNumber(attribute, text);
    case 'PN':
      // Trailing delimiters of empty components may be left out or written (PS3.5 6.2.1.2).
      return parseText(text.replace(/\^+$/, ''));
    case 'AE':
    case 'CS':
    case 'LO':
    case 'SH':
      return attribute.isAnyOf === true ? parseAnyOf(text) : parseText(text);
  }
}

function parseText(text: string): Condition | undefined {
  if (/^\**$/.test(text)) return undefined;
  return /[*?]/.test(text)
    ? { kind: 'wildcard', pattern: text.replaceAll(/\*+/g, '*') }
    : { kind: 'equals', value: text };
}

function parseAnyOf(text: string): Condition | undefined {
  const conditions: Condition[] = [];
  for (const member of text.split(/[,\\]/)) {
    const condition = parseText(member.trim());
    if (condition !== undefined) conditions.push(condition);
    else if (member.includes('*')) return undefined;
  }
  return conditions.length <= 1 ? conditions[0] : { kind: 'any-of', conditions };
}

/** PS3.18 8.3.4.1 separates UIDs by commas; OHIF does it by backslashes, as DICOM itself does. */
function parseUids(attribute: SearchAttribute, text: string): Condition | undefined {
  const uids = text
    .split(/[,\\]/)
    .map((uid) => uid.trim())
    .filter((uid) => uid !== '');
  if (uids.length === 0) return undefined;
  for (const uid of uids) {
    if (!isUid(uid)) throw malformed(attribute, 'not a UID (digits and dots, at most 64 characters, no wildcards)');
  }
  return { kind: 'uids', uids: [...new Set(uids)] };
}

function parseNumber(attribute: SearchAttribute, text: string): Condition {
  if (!/^[+-]?\d{1,12}$/.test(text)) throw malformed(attribute, 'not a whole number');
  return { kind: 'number', value: Number(text) };
}

type Bound = (text: string, isEnd: boolean) => string | undefined;

function parseRange(
  attribute: SearchAttribute,
  text: string,
  bound: Bound,
): { from: string | undefined; to: string | undefined } {
  const form = `expected a value, "from-to", "from-" or "-to", as ${attribute.vr === 'DA' ? 'YYYYMMDD' : 'HHMMSS.FFFFFF'}`;
  const ends = text.split('-').map((end) => end.trim());
  const [from = '', to = from] = ends;
  if (ends.length > 2 || (from === '' && to === '')) throw malformed(attribute, form);
  const range = { from: from === '' ? undefined : bound(from, false), to: to === '' ? undefined : bound(to, true) };
  if ((from !== '' && range.from === undefined) || (to !== '' && range.to === undefined))
    throw malformed(attribute, form);
  if (range.from !== undefined && range.to !== undefined && range.from > range.to) {
    throw malformed(attribute, 'the range ends before it begins');
  }
  return range;
}

function dateBound(text: string): string | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12) return undefined;
  const isLeapYear = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 ? (isLeapYear ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return day >= 1 && day <= days ? text : undefined;
}

/** A time of lower precision stands for all the times it begins: `1015` is the whole minute. */
function timeBound(text: string, isEnd: boolean): string | undefined {
  // Seconds go to 60, for leap seconds (PS3.5 6.2).
  if (!/^([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?$/.test(text)) return undefined;
  return text.replace('.', '').padEnd(12, isEnd ? '9' : '0');
}

function malformed(attribute: SearchAttribute, why: string): WireError {
  return new WireError(`The value of ${attribute.keyword} (${attribute.path}, ${attribute.vr}) is malformed: ${why}.`);
}
