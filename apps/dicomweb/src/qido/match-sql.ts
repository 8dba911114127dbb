import type { Condition } from '../wire/parse-match.js';
import type { Match } from '../wire/parse-qido.js';

/** Collects the values of one statement; `add` gives the placeholder to write into the SQL. */
export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** How an attribute is stored, and so how it is compared. Written by us, never from a request. */
export type Column =
  | { kind: 'text' | 'date' | 'time' | 'number'; sql: string }
  /** Person names, their component groups joined by `=`: any case (PS3.4 C.2.2.2.4), and any group may match. */
  | { kind: 'name'; sql: string }
  | { kind: 'text-array'; sql: string }
  /** An element of the items of a sequence in a DICOM JSON text column. */
  | { kind: 'item'; json: string; sequence: string; element: string };

/** `table.column` of every searchable attribute, by path. */
export type Columns = Readonly<Record<string, Column>>;

/**
 * The matches as one SQL condition. Every value goes in as a parameter.
 * @returns `true` when there is nothing to match
 */
export function matchSql(matches: readonly Match[], columns: Columns, parameters: Parameters): string {
  const conditions = matches.map(({ attribute, condition }) => {
    const column = columns[attribute.path];
    if (column === undefined) throw new Error(`No column is known for ${attribute.keyword}`);
    return conditionSql(column, condition, parameters);
  });
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}

function conditionSql(column: Column, condition: Condition, parameters: Parameters): string {
  switch (condition.kind) {
    case 'any-of':
      return `(${condition.conditions.map((one) => conditionSql(column, one, parameters)).join(' or ')})`;
    case 'uids':
      return column.kind === 'text-array'
        ? `${column.sql} && ${parameters.add(condition.uids)}::text[]`
        : `${sqlOf(column)} = any(${parameters.add(condition.uids)}::text[])`;
    case 'number':
      return `${sqlOf(column)} = ${parameters.add(condition.value)}::bigint`;
    case 'dates':
      return rangeSql(sqlOf(column), condition, parameters);
    case 'times':
      // Stored as received: HHMM, HHMMSS, HHMMSS.FF, or with the colons of old.
      return rangeSql(`rpad(translate(${sqlOf(column)}, '.: ', ''), 12, '0')`, condition, parameters);
    case 'equals':
      if (column.kind === 'name') return nameSql(column.sql, condition.value, parameters);
      return textSql(column, '=', condition.value, parameters);
    case 'wildcard':
      if (column.kind === 'name') return nameSql(column.sql, condition.pattern, parameters);
      return textSql(column, 'like', toLike(condition.pattern), parameters);
  }
}

function textSql(column: Column, operator: '=' | 'like', value: string, parameters: Parameters): string {
  const placeholder = `${parameters.add(value)}::text`;
  switch (column.kind) {
    case 'text-array':
      return operator === '='
        ? `${column.sql} @> array[${placeholder}]`
        : `exists (select from unnest(${column.sql}) element where element like ${placeholder})`;
    case 'item':
      return `case when ${isReadableJson(column.json)} then exists (
        select from json_array_elements(${column.json}::json #> '{${column.sequence},Value}') item
        where item #>> '{${column.element},Value,0}' ${operator} ${placeholder}) else false end`;
    default:
      return `${column.sql} ${operator} ${placeholder}`;
  }
}

/** PostgreSQL's JSON functions fail on the escapes of NUL and of lone surrogates, which are valid JSON, anywhere in a text. */
export function isReadableJson(sql: string): string {
  return String.raw`${sql} !~ '\\u(0000|d[89a-f])'`;
}

/**
 * A whole component group must match; delimiters of empty components at its end may be there or not. The collation is
 * spelled out because a database in the C locale knows no letters beyond ASCII.
 */
function nameSql(sql: string, pattern: string, parameters: Parameters): string {
  const group = pattern.replaceAll(/[!-/:-@[-`{-~]/g, (character) => nameCharacters[character] ?? `\\${character}`);
  const expression = parameters.add(`(^|=)${group}\\^*(=|$)`);
  return `lower(${sql} collate "und-x-icu") ~ lower(${expression}::text collate "und-x-icu")`;
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

function sqlOf(column: Column): string {
  if (column.kind === 'item') throw new Error(`Elements of sequences are matched as text only (${column.element})`);
  return column.sql;
}

/** DICOM's wildcards in LIKE's: what LIKE takes for special in the user's text is escaped. */
export function toLike(pattern: string): string {
  return pattern
    .replaceAll(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
}
