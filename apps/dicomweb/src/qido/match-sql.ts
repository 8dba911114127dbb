import type { Condition } from '../wire/parse-match.js';
import type { Column } from './search-columns.js';

/** Collects the values of one statement; `add` gives the placeholder to write into the SQL. */
export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** What a condition is about: a column, or a jsonb expression that is one member of a `Value` array (PS3.18 F.2.2). */
export type Operand = Column | { kind: 'json'; sql: string; offset: string };

/** One condition as SQL. Every value goes in as a parameter. */
export function conditionSql(operand: Operand, condition: Condition, parameters: Parameters): string {
  switch (condition.kind) {
    case 'any-of':
      return `(${condition.conditions.map((one) => conditionSql(operand, one, parameters)).join(' or ')})`;
    case 'all-of':
      return `(${condition.conditions.map((one) => conditionSql(operand, one, parameters)).join(' and ')})`;
    case 'empty':
      return operand.kind === 'text-array' ? `cardinality(${operand.sql}) = 0` : `${operand.sql} is null`;
    case 'uids':
      return operand.kind === 'text-array'
        ? `${operand.sql} && ${parameters.add(condition.uids)}::text[]`
        : `${textOf(operand)} = any(${parameters.add(condition.uids)}::text[])`;
    case 'numbers':
      return numberSql(operand, condition.numbers, parameters);
    case 'dates':
      return rangeSql(textOf(operand), condition, parameters);
    case 'times':
      return rangeSql(timeSql(textOf(operand)), condition, parameters);
    case 'moments':
      return momentSql(operand, condition, parameters);
    case 'name':
      return operand.kind === 'text-array' ? 'false' : nameSql(nameOf(operand), condition, parameters);
    case 'equals':
      return textSql(operand, '=', condition.value, parameters);
    case 'wildcard':
      return textSql(operand, 'like', toLike(condition.pattern), parameters);
  }
}

/**
 * A date and its time as one range (PS3.4 C.2.2.2.5): the time counts on the first and on the last day only. The bounds
 * of the date stand alone too, for the index.
 */
export function dateTimeSql(
  date: string,
  time: string,
  dates: { from: string | undefined; to: string | undefined },
  times: { from: string | undefined; to: string | undefined },
  parameters: Parameters,
): string {
  const bounds = [rangeSql(date, dates, parameters)];
  for (const [end, over, from] of [
    ['from', '>', '>='],
    ['to', '<', '<='],
  ] as const) {
    if (times[end] === undefined) continue;
    const day = `${parameters.add(dates[end])}::text`;
    bounds.push(`(${date} ${over} ${day} or ${timeSql(time)} ${from} ${parameters.add(times[end])}::text)`);
  }
  return bounds.join(' and ');
}

function textSql(operand: Operand, operator: '=' | 'like', value: string, parameters: Parameters): string {
  const placeholder = `${parameters.add(value)}::text`;
  if (operand.kind !== 'text-array') return `${textOf(operand)} ${operator} ${placeholder}`;
  return operator === '='
    ? `${operand.sql} @> array[${placeholder}]`
    : `exists (select from unnest(${operand.sql}) element where element like ${placeholder})`;
}

/** Of JSON, text and numbers as they are written, and of person names the first group. */
function textOf(operand: Operand): string {
  if (operand.kind !== 'json') return operand.sql;
  return `coalesce(${operand.sql} ->> 'Alphabetic', ${operand.sql} #>> '{}')`;
}

function nameOf(operand: Operand): string {
  if (operand.kind !== 'json') return operand.sql;
  const groups = ['Alphabetic', 'Ideographic', 'Phonetic'].map(
    (group) => `coalesce(${operand.sql} ->> '${group}', '')`,
  );
  return groups.join(` || '=' || `);
}

function numberSql(operand: Operand, numbers: string[], parameters: Parameters): string {
  if (operand.kind === 'json') return `dicom_number(${operand.sql}) = any(${parameters.add(numbers)}::numeric[])`;
  // A column of whole numbers is compared as such: its index would not take another type.
  const isWhole = numbers.every((number) => /^[+-]?\d{1,15}$/.test(number));
  return `${operand.sql} = any(${parameters.add(numbers)}::${isWhole ? 'bigint' : 'numeric'}[])`;
}

/** Stored as received: HHMM, HHMMSS, HHMMSS.FF, or with the colons of old. */
function timeSql(sql: string): string {
  return `rpad(translate(${sql}, '.: ', ''), 12, '0')`;
}

function momentSql(
  operand: Operand,
  condition: Extract<Condition, { kind: 'moments' }>,
  parameters: Parameters,
): string {
  const text = textOf(operand);
  if (!condition.isUtc) {
    // As it is written, without the offset. What is not written is the beginning: 2024 is January the first.
    const digits = `translate(substring(${text} from '^[0-9.]+'), '.', '')`;
    const padded = `rpad(${digits} || substr('00000101', length(${digits}) + 1), 20, '0')`;
    return rangeSql(padded, condition, parameters);
  }
  const instant = `dicom_instant(${text}, ${operand.kind === 'json' ? operand.offset : 'null'})`;
  const bounds: string[] = [];
  if (condition.from !== undefined)
    bounds.push(`${instant} >= ${parameters.add(timestamp(condition.from))}::timestamp`);
  if (condition.to !== undefined) bounds.push(`${instant} <= ${parameters.add(timestamp(condition.to))}::timestamp`);
  return bounds.join(' and ');
}

function timestamp(digits: string): string {
  return digits.replace(/^(....)(..)(..)(..)(..)(..)(......)$/, '$1-$2-$3 $4:$5:$6.$7');
}

/**
 * A whole component group must match, in any case (PS3.4 C.2.2.2.4); delimiters of empty components at its end may be
 * there or not. The collation is spelled out because a database in the C locale knows no letters beyond ASCII. A fuzzy
 * search finds at least what an exact one would, which matters for wildcards inside words.
 */
function nameSql(
  sql: string,
  { pattern, isFuzzy }: Extract<Condition, { kind: 'name' }>,
  parameters: Parameters,
): string {
  // The beginning of a group, which people search for most: found by LIKE, that takes half the time of an expression.
  const beginning = /^([^*?=]+)\*$/.exec(pattern)?.[1];
  if (!isFuzzy && beginning !== undefined) {
    const places = [toLike(beginning), `%=${toLike(beginning)}`].map(
      (like) => `lower(${parameters.add(`${like}%`)}::text collate "und-x-icu")`,
    );
    return `lower((${sql}) collate "und-x-icu") like any (array[${places.join(', ')}])`;
  }
  const hasWildcards = /[*?]/.test(pattern);
  const conditions: string[] = [];
  if (isFuzzy) conditions.push(`person_name_words(${sql}) @@ person_name_query(${parameters.add(pattern)}::text)`);
  if (!isFuzzy || hasWildcards || !/[^\s!-/:-@[-`{-~]/.test(pattern)) {
    const group = pattern.replaceAll(/[!-/:-@[-`{-~]/g, (character) => nameCharacters[character] ?? `\\${character}`);
    const expression = parameters.add(`(^|=)${group}\\^*(=|$)`);
    conditions.push(`lower((${sql}) collate "und-x-icu") ~ lower(${expression}::text collate "und-x-icu")`);
  }
  return conditions.length === 1 ? conditions[0]! : `(${conditions.join(' or ')})`;
}

const nameCharacters: Record<string, string | undefined> = { '*': '[^=]*', '?': '[^=]', '=': '\\^*=' };

function rangeSql(
  sql: string,
  range: { from: string | undefined; to: string | undefined },
  parameters: Parameters,
): string {
  const bounds: string[] = [];
  if (range.from !== undefined) bounds.push(`${sql} >= ${parameters.add(range.from)}::text`);
  if (range.to !== undefined) bounds.push(`${sql} <= ${parameters.add(range.to)}::text`);
  return bounds.join(' and ');
}

/** DICOM's wildcards in LIKE's: what LIKE takes for special in the user's text is escaped. */
export function toLike(pattern: string): string {
  return pattern
    .replaceAll(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
}

/** PostgreSQL's JSON functions fail on the escapes of NUL and of lone surrogates, which are valid JSON, anywhere in a text. */
export function isReadableJson(sql: string): string {
  return String.raw`${sql} !~ '\\u(0000|d[89a-f])'`;
}
