import { type DataSource, query, transaction } from '#libs/database';

/** Changes numbered in one transaction: a feed that nobody read for a year is numbered in steps. */
const numberedMax = 10_000;

/**
 * Gives the changes that are over their numbers, without a gap and for good.
 *
 * Numbers drawn while changes are written would not do: transactions end in another order than they drew, so that a
 * reader who has seen 7 would never ask for the 6 that is committed after it; and what rolls back would leave a hole. So a
 * change is numbered only once nothing can come before it. pg_snapshot_xmin is the oldest transaction that still runs;
 * whatever has an older id has ended, and is either visible in that very snapshot or rolled back and never will be. All
 * later transactions have greater ids. Those are left for the next time, so that a number, once visible, has all the
 * smaller ones visible before it. Within one step the order is that in which the rows were written.
 *
 * One at a time, by the lock on the feed's row: the statement that numbers begins after the lock is held and therefore
 * sees what the one before has numbered. A transaction that runs for long, in whatever database of the server, makes the
 * feed late and never wrong.
 */
export async function numberChanges(dataSource: DataSource): Promise<void> {
  while ((await hasUnnumbered(dataSource)) && (await numberSome(dataSource)) === numberedMax);
}

async function hasUnnumbered(dataSource: DataSource): Promise<boolean> {
  const rows = await query(
    dataSource,
    `select from change
      where sequence is null and transaction_id < pg_snapshot_xmin(pg_current_snapshot()) limit 1`,
  );
  return rows.length > 0;
}

function numberSome(dataSource: DataSource): Promise<number> {
  return transaction(dataSource, async (tx) => {
    await query(tx, 'select from change_feed for update');
    const [row] = await query<{ numbered: number }>(
      tx,
      `with settled as (
         select change_key, row_number() over (order by change_key) as position
           from (select change_key from change
                  where sequence is null and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
                  order by change_key limit $1) oldest),
       feed as (
         update change_feed set last_sequence = last_sequence + (select count(*) from settled)
          returning last_sequence - (select count(*) from settled) as before),
       numbered as (
         update change c set sequence = feed.before + settled.position
           from settled cross join feed where c.change_key = settled.change_key
          returning c.change_key)
       select count(*)::integer as numbered from numbered`,
      [numberedMax],
    );
    return row!.numbered;
  });
}
