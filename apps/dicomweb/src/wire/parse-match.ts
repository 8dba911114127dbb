import { isUid } from '#libs/dicom';
import type { SearchAttribute } from './search-attributes.js';
import { WireError } from './wire-error.js';

/** What a matching key asks for (PS3.4 C.2.2.2). A key that takes anything (universal matching) makes no condition. */
export type Condition =
  | { kind: 'equals'; value: string }
  /** Holds `*` (any run of characters, also none) and `?` (any one). All other characters are themselves. */
  | { kind: 'wildcard'; pattern: string }
  /** A person name, with wildcards or without; `isFuzzy`: or one like it (C.2.2.2.1.1). */
  | { kind: 'name'; pattern: string; isFuzzy: boolean }
  | { kind: 'any-of' | 'all-of'; conditions: Condition[] }
  | { kind: 'uids'; uids: string[] }
  /** Decimal, as PostgreSQL reads them too; any may be the value. */
  | { kind: 'numbers'; numbers: string[] }
  /** Inclusive, YYYYMMDD. */
  | { kind: 'dates'; from: string | undefined; to: string | undefined }
  /** Inclusive, twelve digits: HHMMSSFFFFFF. */
  | { kind: 'times'; from: string | undefined; to: string | undefined; isRange: boolean }
  /** Inclusive, twenty digits: YYYYMMDDHHMMSSFFFFFF. In UTC when the request gives an offset, else as it is written. */
  | { kind: 'moments'; from: string | undefined; to: string | undefined; isUtc: boolean }
  /** Absent or without a value (C.2.2.2.7). */
  | { kind: 'empty' };

/** The parameters that change how keys match (PS3.18 8.3.4.2, 8.3.4.5, 8.3.4.6). */
export interface MatchOptions {
  isFuzzy: boolean;
  /** Two quotation marks match what has no value. */
  isEmptyMatching: boolean;
  /** Several values match what has all of them. */
  isMultipleMatching: boolean;
}

/** Three component groups of 64 characters (PS3.5 6.2), with room for wildcards. Lists of UIDs may be longer. */
const textLengthMax = 400;

/**
 * Reads the value of a matching key by its value representation. Wildcards are for text only: in a UID or a date they
 * are malformed (PS3.4 C.2.2.2.4).
 * @returns undefined for universal matching (an empty value, or `*` where wildcards count)
 * @throws WireError for a value that no attribute of this kind can have
 */
export function parseMatch(attribute: SearchAttribute, value: string, options: MatchOptions): Condition | undefined {
  const text = value.trim();
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) throw malformed(attribute, 'control characters cannot be matched');
  if (text === '') return undefined;
  if (options.isEmptyMatching && text === '""') return { kind: 'empty' };
  if (text.length > textLengthMax && attribute.vr !== 'UI')
    throw malformed(attribute, `longer than ${textLengthMax} characters`);
  if (options.isMultipleMatching && multipleVrs.has(attribute.vr)) return parseAllOf(attribute, text, options);
  // A comma cannot be part of a code string, so it separates those of which any may match.
  if (attribute.vr === 'CS') return anyOf(text.split(/[,\\]/), attribute, options);
  return parseOne(attribute, text, options);
}

/** PS3.4 C.2.2.2.8. */
const multipleVrs = new Set<string | undefined>(['AE', 'AS', 'AT', 'CS', 'LO', 'PN', 'SH', 'UC']);

function parseOne(attribute: SearchAttribute, text: string, options: MatchOptions): Condition | undefined {
  switch (attribute.vr) {
    case 'UI':
      return parseUids(attribute, text);
    case 'DA':
      return { kind: 'dates', ...parseRange(attribute, text, dateBound) };
    case 'TM':
      return { kind: 'times', ...parseRange(attribute, text, timeBound), isRange: text.includes('-') };
    case 'DT':
      return parseMoments(attribute, text);
    case 'IS':
    case 'SL':
    case 'SS':
    case 'SV':
    case 'UL':
    case 'US':
    case 'UV':
      return parseNumber(attribute, text, /^[+-]?\d{1,20}$/, 'not a whole number');
    case 'DS':
    case 'FD':
    case 'FL':
      return parseNumber(
        attribute,
        text,
        /^[+-]?(\d{1,32}(\.\d{0,32})?|\.\d{1,32})([eE][+-]?\d{1,2})?$/,
        'not a number',
      );
    case 'PN':
      return parseName(text, options.isFuzzy);
    case 'AS':
      if (!/^\d{3}[DWMY]$/.test(text)) throw malformed(attribute, 'not an age (three digits and D, W, M or Y)');
      return { kind: 'equals', value: text };
    case 'AT':
      return parseTag(attribute, text);
    default:
      return parseText(text);
  }
}

function parseText(text: string): Condition | undefined {
  if (/^\**$/.test(text)) return undefined;
  return /[*?]/.test(text)
    ? { kind: 'wildcard', pattern: text.replaceAll(/\*+/g, '*') }
    : { kind: 'equals', value: text };
}

function parseName(text: string, isFuzzy: boolean): Condition | undefined {
  // Trailing delimiters of empty components may be left out or written (PS3.5 6.2.1.2).
  const pattern = text.replace(/\^+$/, '').replaceAll(/\*+/g, '*');
  return pattern === '' || pattern === '*' ? undefined : { kind: 'name', pattern, isFuzzy };
}

/** @returns undefined when one of the members takes anything */
function anyOf(members: string[], attribute: SearchAttribute, options: MatchOptions): Condition | undefined {
  const conditions: Condition[] = [];
  for (const member of members.map((text) => text.trim()).filter((text) => text !== '')) {
    const condition = parseOne(attribute, member, options);
    if (condition === undefined) return undefined;
    conditions.push(condition);
  }
  return conditions.length <= 1 ? conditions[0] : { kind: 'any-of', conditions };
}

function parseAllOf(attribute: SearchAttribute, text: string, options: MatchOptions): Condition | undefined {
  const conditions = text
    .split(attribute.vr === 'CS' ? /[,\\]/ : '\\')
    .map((member) => member.trim())
    .filter((member) => member !== '')
    .map((member) => parseOne(attribute, member, options))
    .filter((condition) => condition !== undefined);
  return conditions.length <= 1 ? conditions[0] : { kind: 'all-of', conditions };
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

function parseNumber(attribute: SearchAttribute, text: string, form: RegExp, why: string): Condition {
  if (!form.test(text)) throw malformed(attribute, why);
  // A float of 32 bits is kept as the double it is: 0.1 as 0.10000000149011612.
  const numbers = attribute.vr === 'FL' ? [text, String(Math.fround(Number(text)))] : [text];
  return { kind: 'numbers', numbers: numbers.filter((number) => number !== 'Infinity' && number !== '-Infinity') };
}

function parseTag(attribute: SearchAttribute, text: string): Condition {
  const match = /^\(?([0-9a-f]{4}),?([0-9a-f]{4})\)?$/i.exec(text);
  if (match === null) throw malformed(attribute, 'not a tag (eight hexadecimal digits)');
  return { kind: 'equals', value: `${match[1]}${match[2]}`.toUpperCase() };
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
  return inOrder(attribute, range);
}

function inOrder<Range extends { from: string | undefined; to: string | undefined }>(
  attribute: SearchAttribute,
  range: Range,
): Range {
  if (range.from !== undefined && range.to !== undefined && range.from > range.to) {
    throw malformed(attribute, 'the range ends before it begins');
  }
  return range;
}

function dateBound(text: string): string | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month) ? text : undefined;
}

function daysOf(year: number, month: number): number {
  const isLeapYear = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2) return isLeapYear ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** A time of lower precision stands for all the times it begins: `1015` is the whole minute. */
function timeBound(text: string, isEnd: boolean): string | undefined {
  // Seconds go to 60, for leap seconds (PS3.5 6.2).
  if (!/^([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?$/.test(text)) return undefined;
  return text.replace('.', '').padEnd(12, isEnd ? '9' : '0');
}

/**
 * A DT may end in an offset from UTC, `-0500`, whose hyphen also separates ranges: it is an offset where it can be one,
 * that is up to 1400 (PS3.4 C.2.2.2.5.3); no year of interest looks like that.
 */
const momentForm = String.raw`(\d{4}(?:\d\d){0,5}(?:\.\d{1,6})?)([+-](?:0\d|1[0-4])[0-5]\d)?`;
const momentPattern = new RegExp(`^${momentForm}$`);
const momentRangePattern = new RegExp(`^(?:${momentForm})? *- *(?:${momentForm})?$`);

function parseMoments(attribute: SearchAttribute, text: string): Condition {
  const form =
    'expected a value, "from-to", "from-" or "-to", as YYYYMMDDHHMMSS.FFFFFF with or without an offset &ZZXX';
  const single = momentPattern.exec(text);
  const range = single ?? momentRangePattern.exec(text);
  if (range === null || (range[1] === undefined && range[3] === undefined)) throw malformed(attribute, form);
  const [from, fromOffset, to, toOffset] =
    single === null ? range.slice(1) : [single[1], single[2], single[1], single[2]];
  const isUtc = fromOffset !== undefined || toOffset !== undefined;
  const bound = (moment: string | undefined, offset: string | undefined, isEnd: boolean): string | undefined => {
    if (moment === undefined) return undefined;
    const digits = momentBound(moment, isEnd);
    const instant = digits !== undefined && isUtc ? toUtc(digits, offset ?? fromOffset ?? toOffset!) : digits;
    if (instant === undefined) throw malformed(attribute, form);
    return instant;
  };
  const ends = { from: bound(from, fromOffset, false), to: bound(to, toOffset, true) };
  return { kind: 'moments', ...inOrder(attribute, ends), isUtc };
}

/** What is not given is the beginning or the end of what is: `2024` ends on the last of December. */
function momentBound(text: string, isEnd: boolean): string | undefined {
  const year = text.slice(0, 4);
  const month = text.slice(4, 6) || (isEnd ? '12' : '01');
  if (!/^(0[1-9]|1[0-2])$/.test(month)) return undefined;
  const day = text.slice(6, 8) || (isEnd ? String(daysOf(Number(year), Number(month))) : '01');
  const date = dateBound(`${year}${month}${day}`);
  if (date === undefined) return undefined;
  const time = text.slice(8);
  const bound = time === '' ? (isEnd ? '235959999999' : '000000000000') : timeBound(time, isEnd);
  if (bound === undefined) return undefined;
  // The end of a minute is its last second, not its ninety-ninth.
  const isCut = isEnd && time.length < 6 && time !== '';
  return date + (isCut ? time.padEnd(4, '59').slice(0, 4) + '59999999' : bound);
}

/** @returns undefined where UTC is in no year of four digits */
function toUtc(digits: string, offset: string): string | undefined {
  const number = (from: number, to: number) => Number(digits.slice(from, to));
  const minutes = Number(`${offset[0]}1`) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3, 5)));
  const moment = new Date(0);
  moment.setUTCFullYear(number(0, 4), number(4, 6) - 1, number(6, 8));
  moment.setUTCHours(number(8, 10), number(10, 12) - minutes, number(12, 14));
  const utc = moment.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '');
  return /^(?!0000)\d{14}$/.test(utc) ? utc + digits.slice(14) : undefined;
}

function malformed(attribute: SearchAttribute, why: string): WireError {
  const vr = attribute.vr === undefined ? '' : `, ${attribute.vr}`;
  return new WireError(`The value of ${attribute.keyword} (${attribute.path}${vr}) is malformed: ${why}.`);
}
