import { notify, query, type Transaction } from '#libs/database';

/*
 * Studies that the router is to look at: rows of `study_arrival`, written in the transaction of what there is to see and
 * taken in the one that looks. No job each: a job costs several statements, and what comes within a moment is one look.
 * What stores instances announces them itself (the function `store_packs`).
 */

/** @param afterSeconds not before so many seconds from now */
export async function announceArrivals(
  tx: Transaction,
  studyInstanceUids: readonly string[],
  afterSeconds = 0,
): Promise<void> {
  await query(
    tx,
    `insert into study_arrival (study_key, look_at)
     select study_key, now() + $2 * interval '1 second' from study where study_instance_uid = any($1)`,
    [studyInstanceUids, afterSeconds],
  );
  if (afterSeconds === 0) await notify(tx, 'arrivals', '');
}
