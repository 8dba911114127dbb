import { keywordToTag } from '#libs/dicom';
import { type Condition, parseMatch } from './parse-match.js';
import { findSearchAttribute, type SearchAttribute, type SearchLevel } from './search-attributes.js';
import { WireError } from './wire-error.js';

export interface Match {
  attribute: SearchAttribute;
  condition: Condition;
}

/** A search, read and checked. */
export interface QidoQuery {
  level: SearchLevel;
  /** All must hold. */
  matches: Match[];
  /** Tags (GGGGEEEE) to return besides the usual ones: includefield, and every matching key (PS3.18 10.6.3.3). */
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

/**
 * Reads the query string of a search (PS3.18 8.3.4 and 10.6.1.2). What the server does not support is left out and said
 * in a warning; what nobody could understand is an error.
 * @param search as it stands in the URL, without the question mark
 * @param limitMax the most results the server gives in one answer
 * @throws WireError for malformed values
 */
export function parseQido(level: SearchLevel, search: string, limitMax: number): QidoQuery {
  const query = new QueryReader(level);
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
  warnOfUnsupportedMatching(options, query.warnings);
  const limit = readCount(options, 'limit');
  return {
    level,
    matches: query.finish(),
    includeFields: query.fields,
    isAllIncluded: query.isAllIncluded,
    offset: readCount(options, 'offset') ?? 0,
    limit: Math.min(limit ?? limitMax, limitMax),
    isServerLimit: limit === undefined || limit > limitMax,
    warnings: query.warnings,
  };
}

const optionNames = new Set(['limit', 'offset', 'fuzzymatching', 'emptyvaluematching', 'multiplevaluematching']);

/** PS3.18 8.3.4.2, 8.3.4.5, 8.3.4.6: a server without these says so and does what it can. */
const unsupportedMatching = {
  fuzzymatching: 'The fuzzymatching parameter is not supported. Only literal matching has been performed.',
  emptyvaluematching:
    'The emptyvaluematching parameter is not supported. Only universal matching of empty values has been performed.',
  multiplevaluematching:
    'The multiplevaluematching parameter is not supported. Only single value matching has been performed.',
};

function warnOfUnsupportedMatching(options: ReadonlyMap<string, string>, warnings: string[]): void {
  for (const [name, warning] of Object.entries(unsupportedMatching)) {
    const value = options.get(name)?.toLowerCase();
    if (value === undefined || value === '' || value === 'false') continue;
    if (value !== 'true') throw new WireError(`The parameter ${name} takes true or false.`);
    warnings.push(warning);
  }
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
  private readonly values = new Map<SearchAttribute, string[]>();

  constructor(private readonly level: SearchLevel) {}

  include(value: string): void {
    for (const field of value.split(',')) {
      const name = field.trim();
      if (name === '') continue;
      if (name.toLowerCase() === 'all') {
        this.isAllIncluded = true;
        continue;
      }
      // A path into a sequence brings the whole sequence.
      const tag = tagOf(name.split('.')[0]!);
      if (tag === undefined) this.warn(`The includefield ${nameable(name)} is not known and has been ignored.`);
      else this.fields.add(tag);
    }
  }

  match(name: string, value: string): void {
    const attribute = findSearchAttribute(name, this.level);
    if (attribute === undefined) {
      this.warn(
        `Matching on ${nameable(name)} is not supported at the ${this.level} level and has not been performed.`,
      );
      return;
    }
    this.values.set(attribute, [...(this.values.get(attribute) ?? []), value]);
    this.fields.add(attribute.path.split('.')[0]!);
  }

  finish(): Match[] {
    const matches: Match[] = [];
    for (const [attribute, values] of this.values) {
      const isList = attribute.vr === 'UI' || attribute.isAnyOf === true;
      if (values.length > 1 && !isList)
        throw new WireError(`${attribute.keyword} is given more than once; only lists of UIDs and modalities can be.`);
      const condition = parseMatch(attribute, values.join(','));
      if (condition !== undefined) matches.push({ attribute, condition });
    }
    return matches;
  }

  /** A URL may hold thousands of unknown names; the answer's header must stay small. */
  private warn(text: string): void {
    if (this.warnings.length < 8 && !this.warnings.includes(text)) this.warnings.push(text);
  }
}

function tagOf(name: string): string | undefined {
  if (/^[0-9a-f]{8}$/i.test(name)) return name.toUpperCase();
  return findSearchAttribute(name, 'instance')?.path.split('.')[0] ?? keywordToTag(name);
}

/** Header fields are plain ASCII, and what the client wrote may be anything. */
function nameable(name: string): string {
  return /^[A-Za-z0-9_.]{1,64}$/.test(name) ? `'${name}'` : 'an attribute';
}
