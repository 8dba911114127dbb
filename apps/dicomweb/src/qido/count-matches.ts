import type { DataSource } from '#libs/database';
import type { QidoQuery } from '../wire/parse-qido.js';
import { runSearch } from './run-search.js';

/**
 * How many things match: counted where the server's own limit ends the list, because then the client wants to know; else
 * those seen up to the end of the page.
 * @param found rows of the page, and one more where there are more
 * @param counting a statement whose one row has the `total`
 * @param isCut the page holds fewer than asked for
 */
export async function countMatches(
  db: DataSource,
  query: QidoQuery,
  found: number,
  counting: string,
  values: unknown[],
  isCut = false,
): Promise<number> {
  const hasMore = found > query.limit;
  if (!isCut && !(query.isServerLimit && hasMore)) return query.offset + Math.min(found, query.limit);
  const rows = await runSearch<{ total: number }>(db, counting, values);
  return rows[0]!.total;
}
