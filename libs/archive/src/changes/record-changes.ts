import { query, type Transaction } from '#libs/database';

export type ChangeAction = 'create' | 'update' | 'delete' | 'restore';

const columns = 'action, instance_key, study_instance_uid, series_instance_uid, sop_instance_uid';

/*
 * A change is written in the transaction of what it tells, without its number (see number-changes.ts), and after that
 * transaction has taken the locks of its studies: what happens to one study later has the greater change_key.
 */

/** Tells that a pack's instances are here now. @param replaced SOP Instance UIDs of those that are new versions */
export async function recordStored(tx: Transaction, packId: string, replaced: readonly string[]): Promise<void> {
  await query(
    tx,
    `insert into change (${columns})
     select case when i.sop_instance_uid = any($2) then 'update' else 'create' end, i.instance_key,
            st.study_instance_uid, se.series_instance_uid, i.sop_instance_uid
       from instance i join series se using (series_key) join study st on st.study_key = i.study_key
      where i.pack_id = $1 order by i.instance_key`,
    [packId, replaced],
  );
}

/** Tells that what a deletion has taken is not here any more. */
export async function recordDeleted(tx: Transaction, deletionId: string): Promise<void> {
  await query(
    tx,
    `insert into change (${columns})
     select 'delete', i.instance_key, st.study_instance_uid, se.series_instance_uid, i.sop_instance_uid
       from deleted_instance i
       join deleted_series se using (deletion_id, series_key)
       join deleted_study st using (deletion_id)
      where i.deletion_id = $1 order by i.instance_key`,
    [deletionId],
  );
}

/** Tells that instances are here again. */
export async function recordRestored(tx: Transaction, instanceKeys: readonly number[]): Promise<void> {
  await query(
    tx,
    `insert into change (${columns})
     select 'restore', i.instance_key, st.study_instance_uid, se.series_instance_uid, i.sop_instance_uid
       from instance i join series se using (series_key) join study st on st.study_key = i.study_key
      where i.instance_key = any($1) order by i.instance_key`,
    [instanceKeys],
  );
}
