import { WireError } from '../wire/wire-error.js';

export const changeLimits = { limitDefault: 100, limitMax: 1_000, waitSecondsMax: 25 } as const;

/** What is asked of the feed. */
export interface ChangeFeedQuery {
  after?: number;
  from?: Date;
  to?: Date;
  skip?: number;
  limit: number;
  includesMetadata: boolean;
  /** How long to wait when there is nothing yet. */
  waitSeconds: number;
}

/**
 * Reads the query string of the change feed, whose parameters are those of microsoft/dicom-server (any case): `offset`
 * (or `after`) is the last Sequence seen; with `startTime` and `endTime`, it is the number of changes to pass over within
 * them. `wait` is ours.
 * @throws WireError naming the parameter and what it takes
 */
export function parseChangeQuery(search: string): ChangeFeedQuery {
  const given = new Map([...new URLSearchParams(search)].map(([name, value]) => [name.toLowerCase(), value.trim()]));
  const after = readWhole(given, 'after', 0, Number.MAX_SAFE_INTEGER);
  const offset = readWhole(given, 'offset', 0, Number.MAX_SAFE_INTEGER);
  if (after !== undefined && offset !== undefined) throw new WireError('Give offset or after, not both.');
  const from = readTime(given, 'startTime');
  const to = readTime(given, 'endTime');
  const isWindow = from !== undefined || to !== undefined;
  const cursor = after ?? (isWindow ? undefined : offset);
  return {
    ...(cursor !== undefined && { after: cursor }),
    ...(isWindow && offset !== undefined && { skip: offset }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    limit: readWhole(given, 'limit', 1, changeLimits.limitMax) ?? changeLimits.limitDefault,
    includesMetadata: readFlag(given, 'includeMetadata') ?? true,
    waitSeconds: readWhole(given, 'wait', 0, changeLimits.waitSecondsMax) ?? 0,
  };
}

function readText(given: ReadonlyMap<string, string>, name: string): string | undefined {
  const text = given.get(name.toLowerCase());
  return text === '' ? undefined : text;
}

function readWhole(given: ReadonlyMap<string, string>, name: string, least: number, most: number): number | undefined {
  const text = readText(given, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new WireError(`The parameter ${name} takes a whole number from ${least} to ${most}.`);
}

function readFlag(given: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const text = readText(given, name)?.toLowerCase();
  if (text === undefined) return undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new WireError(`The parameter ${name} takes true or false.`);
}

/** ISO 8601 with a zone: what has none would mean another moment in every place. */
function readTime(given: ReadonlyMap<string, string>, name: string): Date | undefined {
  // A plus sign that was not encoded arrives as a space.
  const text = readText(given, name)?.replace(/ (?=\d\d:?\d\d$)/, '+');
  if (text === undefined) return undefined;
  const time = new Date(text);
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/i.test(text);
  if (isMoment && !Number.isNaN(time.getTime())) return time;
  throw new WireError(`The parameter ${name} takes a moment with its zone, such as 2026-01-31T12:00:00Z.`);
}
