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

const names = new Map<string, string>();

/** The same in every process: what a connection pool in between keeps by name is then the same statement. */
function nameOf(sql: string): string {
  let name = names.get(sql);
  if (name === undefined) {
    name = `search-${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`;
    names.set(sql, name);
  }
  return name;
}

/** Whether the URL's path says all there is to match. Few statements are of this kind, each of them asked often. */
export function isPlaceAlone(query: QidoQuery): boolean {
  return query.matches.length > 0 && query.includeFields.size === 0 && !query.isAllIncluded;
}
