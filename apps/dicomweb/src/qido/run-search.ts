import { createHash } from 'node:crypto';
import { DataSource, query as runQuery, queryPrepared } from '#libs/database';
import type { QidoQuery } from '../wire/parse-qido.js';

/**
 * Runs a statement of a search.
 * @param isPlanKept one plan suits all values, such as for UIDs. Elsewhere the best plan depends on them: a name that
 * half of the patients have is found in the order of the results, a rare one by its index.
 */
export async function runSearch<Row>(
  db: DataSource,
  sql: string,
  values: unknown[],
  isPlanKept = false,
): Promise<Row[]> {
  // Within a transaction there is one connection, which only TypeORM knows.
  if (!(db instanceof DataSource)) return runQuery<Row>(db, sql, values);
  // Without a name, PostgreSQL keeps nothing of it.
  return queryPrepared<Row>(db, isPlanKept ? nameOf(sql) : '', sql, values);
}

/** Of statements that keep their plan; each connection holds as many. Far more than clients have kinds of searches. */
const namesMax = 200;
const names = new Map<string, string>();

/** The same in every process: what a connection pool in between keeps by name is then the same statement. */
function nameOf(sql: string): string {
  let name = names.get(sql);
  if (name === undefined) {
    if (names.size >= namesMax) return '';
    name = `search-${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`;
    names.set(sql, name);
  }
  return name;
}

/**
 * Whether one plan is the best for all values of such a search: it asks for something by a key that few have, for studies
 * in the order of their dates, or for everything.
 */
export function hasStablePlan({ level, matches, isAllIncluded }: QidoQuery): boolean {
  if (isAllIncluded) return false;
  const isAnyKey = matches.some(({ attribute, condition }) => {
    if (condition.kind === 'uids') return uidKeys.has(attribute.path);
    return level === 'study' && condition.kind === 'equals' && textKeys.has(attribute.path);
  });
  if (isAnyKey) return matches.length <= keysMax;
  return (
    level === 'study' && matches.every(({ attribute, time }) => attribute.path === studyDate && time === undefined)
  );
}

/** With more keys than one and the two of a path, shapes are too many to keep a plan of each. */
const keysMax = 3;
const uidKeys: ReadonlySet<string> = new Set(['0020000D', '0020000E', '00080018']);
const textKeys: ReadonlySet<string> = new Set(['00100020', '00080050']);
const studyDate = '00080020';
