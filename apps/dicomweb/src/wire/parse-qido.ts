import { type Condition, type MatchOptions, parseMatch } from './parse-match.js';
import {
  findSearchAttribute,
  privateCreatorOf,
  type SearchAttribute,
  type SearchLevel,
  timeOfDate,
} from './search-attributes.js';
import { WireError } from './wire-error.js';

export interface Match {
  attribute: SearchAttribute;
  condition: Condition;
  /** The range of dates begins or ends at a time of its day: both are one range (PS3.4 C.2.2.2.5). */
  time?: { attribute: SearchAttribute; from: string | undefined; to: string | undefined };
}

/** A search, read and checked. */
export interface QidoQuery {
  level: SearchLevel;
  /** All must hold. */
  matches: Match[];
  /**
   * Paths (as {@link SearchAttribute.path}) to return besides the usual attributes: includefield, and every matching key
   * (PS3.18 10.6.3.3).
   */
  includeFields: ReadonlySet<string>;
  isAllIncluded: boolean;
  offset: number;
  /** Never above the server's own limit. */
  limit: number;
  /** The client's own limit is not what ends the list: if there are more results, it wants to be told. */
  isServerLimit: boolean;
  /** What was not done as asked, one sentence each, plain ASCII. */
  warnings: string[];
}

const ignoredParameters = new Set(['accept', 'charset']);

/** A search of more is not one that a person means, and each is work. */
const matchesMax = 64;

/**
 * Reads the query string of a search (PS3.18 8.3.4 and 10.6.1.2). What the server does not know is left out and said in
 * a warning; what nobody could understand is an error.
 * @param search as it stands in the URL, without the question mark
 * @param limitMax the most results the server gives in one answer
 * @throws WireError for malformed values
 */
export function parseQido(level: SearchLevel, search: string, limitMax: number): QidoQuery {
  const query = new QueryReader();
  const options = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(search)) {
    const option = name.trim().toLowerCase();
    // Weasis writes `?&includefield=…`: an empty parameter is none.
    if (option === '' || ignoredParameters.has(option)) continue;
    if (option === 'includefield') query.include(value);
    else if (optionNames.has(option)) {
      if (options.has(option)) throw new WireError(`The parameter ${option} is given more than once.`);
      options.set(option, value.trim());
    } else query.match(name.trim(), value);
  }
  const limit = readCount(options, 'limit');
  return {
    level,
    matches: query.finish({
      isFuzzy: readFlag(options, 'fuzzymatching'),
      isEmptyMatching: readFlag(options, 'emptyvaluematching'),
      isMultipleMatching: readFlag(options, 'multiplevaluematching'),
    }),
    includeFields: query.fields,
    isAllIncluded: query.isAllIncluded,
    offset: readCount(options, 'offset') ?? 0,
    limit: Math.min(limit ?? limitMax, limitMax),
    isServerLimit: limit === undefined || limit > limitMax,
    warnings: query.warnings,
  };
}

const optionNames = new Set(['limit', 'offset', 'fuzzymatching', 'emptyvaluematching', 'multiplevaluematching']);

function readFlag(options: ReadonlyMap<string, string>, name: string): boolean {
  const value = options.get(name)?.toLowerCase() ?? '';
  if (value !== '' && value !== 'true' && value !== 'false')
    throw new WireError(`The parameter ${name} takes true or false.`);
  return value === 'true';
}

function readCount(options: ReadonlyMap<string, string>, name: 'limit' | 'offset'): number | undefined {
  const text = options.get(name);
  if (text === undefined || text === '') return undefined;
  const count = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(count)) {
    throw new WireError(`The parameter ${name} takes a whole number from 0 up.`);
  }
  return count;
}

class QueryReader {
  readonly fields = new Set<string>();
  readonly warnings: string[] = [];
  isAllIncluded = false;
  private readonly keys = new Map<string, { attribute: SearchAttribute; values: string[] }>();

  include(value: string): void {
    for (const field of value.split(',')) {
      const name = field.trim();
      if (name === '') continue;
      if (name.toLowerCase() === 'all') {
        this.isAllIncluded = true;
        continue;
      }
      const attribute = findSearchAttribute(name);
      if (attribute === undefined) this.warn(`The includefield ${nameable(name)} is not known and has been ignored.`);
      else this.return(attribute);
    }
  }

  match(name: string, value: string): void {
    const attribute = findSearchAttribute(name);
    if (attribute === undefined) {
      this.warn(`${nameable(name, true)} is not known and has not been matched.`);
      return;
    }
    this.return(attribute);
    const reason = value.trim() === '' ? undefined : unmatchable(attribute, value);
    if (reason !== undefined) {
      this.warn(`${nameable(name, true)} has not been matched: ${reason}.`);
      return;
    }
    const key = this.keys.get(attribute.path);
    if (key === undefined) this.keys.set(attribute.path, { attribute, values: [value] });
    else key.values.push(value);
    if (this.keys.size > matchesMax) throw new WireError(`More than ${matchesMax} attributes to match.`);
  }

  finish(options: MatchOptions): Match[] {
    const matches: Match[] = [];
    for (const { attribute, values } of this.keys.values()) {
      const isList = attribute.vr === 'UI' || attribute.vr === 'CS' || options.isMultipleMatching;
      if (values.length > 1 && !isList)
        throw new WireError(
          `${attribute.keyword} is given more than once; only UIDs and codes are matched as lists, and other attributes with multiplevaluematching=true.`,
        );
      const separator = options.isMultipleMatching && attribute.vr !== 'UI' ? '\\' : ',';
      const condition = parseMatch(attribute, values.join(separator), options);
      if (attribute.vr === 'SQ' && condition !== undefined && condition.kind !== 'empty') {
        this.warn(`${attribute.keyword} has not been matched: a sequence is matched by the attributes in its items.`);
      } else if (condition !== undefined) matches.push({ attribute, condition });
    }
    return joinDatesAndTimes(matches);
  }

  private return(attribute: SearchAttribute): void {
    this.fields.add(attribute.path);
    const creator = privateCreatorOf(attribute.path);
    if (creator !== undefined) this.fields.add(creator);
  }

  /** A URL may hold thousands of unknown names; the answer's header must stay small. */
  private warn(text: string): void {
    if (this.warnings.length < 8 && !this.warnings.includes(text)) this.warnings.push(text);
  }
}

const binaryVrs = new Set<string | undefined>(['OB', 'OD', 'OF', 'OL', 'OV', 'OW']);

/** @returns why nothing could match, undefined when something can */
function unmatchable({ path, vr }: SearchAttribute, value: string): string | undefined {
  // PS3.4 C.2.2.2: it says how a request is encoded, and ours are in UTF-8.
  if (path === '00080005') return 'a character set is not a key';
  if (path === '00080201') return 'dates and times match as they are stored, in their own time zone';
  if (path === '00080056' || path === '00081190') return 'it is made for each answer';
  if (path.startsWith('0002')) return 'file meta information is not part of a data set';
  if (binaryVrs.has(vr) && value.trim() !== '""') return 'it is binary';
  return undefined;
}

/** Ranges of a date and its time are one range, from a moment to a moment, where their ends go together. */
function joinDatesAndTimes(matches: Match[]): Match[] {
  const joined = new Set<Match>();
  for (const match of matches) {
    const { attribute, condition } = match;
    if (condition.kind !== 'dates') continue;
    const tags = attribute.path.split('.');
    const timePath = [...tags.slice(0, -1), timeOfDate.get(tags.at(-1)!)].join('.');
    const time = matches.find((other) => other.attribute.path === timePath);
    if (time?.condition.kind !== 'times' || !time.condition.isRange) continue;
    const { from, to } = time.condition;
    if ((from !== undefined && condition.from === undefined) || (to !== undefined && condition.to === undefined))
      continue;
    match.time = { attribute: time.attribute, from, to };
    joined.add(time);
  }
  return matches.filter((match) => !joined.has(match));
}

/** Header fields are plain ASCII, and what the client wrote may be anything. */
function nameable(name: string, isSubject = false): string {
  if (/^[A-Za-z0-9_.]{1,64}$/.test(name)) return `'${name}'`;
  return isSubject ? 'An attribute' : 'an attribute';
}
