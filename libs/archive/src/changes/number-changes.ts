import { type DataSource, query, transaction } from '#libs/database';

/** Changes numbered in one transaction: a feed that nobody read for a year is numbered in steps. */
const numberedMax = 10_000;

/**
 * Gives the changes that are committed their numbers, without a gap and for good.
 *
 * Numbers drawn while changes are written would not do: transactions end in another order than they drew, so that a
 * reader who has seen 7 would never ask for the 6 that is committed after it; and what rolls back would leave a hole. So
 * changes are numbered by who reads them, one at a time: the lock on the feed's row is held until the numbers are
 * committed, and the statement that gives them begins after the lock was got. It sees every number given before, and all
 * that is committed by then; what is committed later gets greater numbers. A number, once visible, thus has all the
 * smaller ones visible before it.
 *
 * Nor is the order an accident. Two changes of one study are written one after the other, under its lock: whoever sees
 * the later one sees the earlier one, too, and within one step the order is that in which the rows were written.
 */
export async function numberChanges(dataSource: DataSource): Promise<void> {
  while ((await hasUnnumbered(dataSource)) && (await numberSome(dataSource)) === numberedMax);
}

async function hasUnnumbered(dataSource: DataSource): Promise<boolean> {
  const rows = await query(dataSource, 'select from change where sequence is null limit 1');
  return rows.length > 0;
}

function numberSome(dataSource: DataSource): Promise<number> {
  return transaction(dataSource, async (tx) => {
    await query(tx, 'select from change_feed for update');
    const [row] = await query<{ numbered: number }>(
      tx,
      `with unnumbered as (
         select change_key, row_number() over (order by change_key) as position
           from (select change_key from change where sequence is null order by change_key limit $1) oldest),
       feed as (
         update change_feed set last_sequence = last_sequence + (select count(*) from unnumbered)
          returning last_sequence - (select count(*) from unnumbered) as before),
       numbered as (
         update change c set sequence = feed.before + unnumbered.position
           from unnumbered cross join feed where c.change_key = unnumbered.change_key
          returning c.change_key)
       select count(*)::integer as numbered from numbered`,
      [numberedMax],
    );
    return row!.numbered;
  });
}
