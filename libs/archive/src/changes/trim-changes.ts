import { type DataSource, query, transaction } from '#libs/database';
import { numberChanges } from './number-changes.js';

const trimmedMax = 10_000;

/**
 * Takes changes older than so many days out of the feed, from its beginning on, so that it never has a hole.
 * @returns how many
 */
export async function trimChanges(dataSource: DataSource, days: number, signal: AbortSignal): Promise<number> {
  await numberChanges(dataSource);
  let trimmed = 0;
  for (let isMore = true; isMore;) {
    signal.throwIfAborted();
    const count = await transaction(dataSource, async (tx) => {
      await query(tx, 'select from change_feed for update');
      const [row] = await query<{ trimmed: number }>(
        tx,
        `with young as (
           select min(sequence) as first from change
            where sequence is not null and changed_at > now() - $1::float8 * interval '1 day'),
         gone as (
           delete from change where change_key in (
             select c.change_key from change c cross join young
              where c.sequence is not null and (young.first is null or c.sequence < young.first)
              order by c.sequence limit $2)
           returning sequence),
         feed as (
           update change_feed set trimmed_through = greatest(trimmed_through, (select max(sequence) from gone))
            where exists (select from gone))
         select count(*)::integer as trimmed from gone`,
        [days, trimmedMax],
      );
      return row!.trimmed;
    });
    trimmed += count;
    isMore = count === trimmedMax;
  }
  return trimmed;
}
