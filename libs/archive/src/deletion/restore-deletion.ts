import { Injectable } from '@nestjs/common';
import { DataSource, execute, notify, query, type Transaction, transaction } from '#libs/database';
import { ArchiveError } from '../archive-error.js';
import { recordRestored } from '../changes/record-changes.js';
import { allowLongStatements } from './delete-instances.js';
import { type Deletion, deletionSelection } from './deletion.js';
import { announceArrival, lockStudies } from '../store/index-instances.js';
import { columnsOf, reattachWorkitems, recountSeries, recountStudy } from './move-instances.js';
import { retried } from '../retried.js';

/** UIDs named in a refusal. */
const namedMax = 20;

/** Brings back what was deleted or replaced, while it is kept. */
@Injectable()
export class RestoreDeletion {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * In one transaction: rows, counts, change feed, and the study is announced as if it had arrived. An instance that was
   * stored anew meanwhile, the same to the byte of its dataset, stays as it is.
   * @throws ArchiveError 'deletion-not-found'; 'deletion-over' when it was restored or purged; 'restore-conflict' when a
   * SOP Instance UID now has other content
   */
  restore(deletionId: string): Promise<Deletion> {
    return retried(() => transaction(this.dataSource, (tx) => this.moveBack(tx, deletionId)));
  }

  private async moveBack(tx: Transaction, deletionId: string): Promise<Deletion> {
    await allowLongStatements(tx);
    const { studyInstanceUid } = await getDeletion(tx, deletionId);
    await lockStudies(tx, [studyInstanceUid]);
    await lockDeletion(tx, deletionId);
    await refuseConflicts(tx, deletionId);

    const studyKey = await restoreStudy(tx, deletionId, studyInstanceUid);
    await query(tx, 'select from study where study_key = $1 for update', [studyKey]);
    await restoreSeries(tx, deletionId, studyKey);
    const instances = await restoreInstances(tx, deletionId, studyKey);
    await recountSeries(tx, [...new Set(instances.map((instance) => instance.series_key))]);
    await recountStudy(tx, studyKey);
    await removeRows(tx, deletionId);
    await recordRestored(
      tx,
      instances.map((instance) => instance.instance_key),
    );
    await reattachWorkitems(tx, studyKey, studyInstanceUid);
    await announceArrival(tx, [studyInstanceUid]);
    await notify(tx, 'worklist', studyInstanceUid);
    return endDeletion(tx, deletionId, 'restored');
  }
}

/** @throws ArchiveError 'deletion-not-found' */
export async function getDeletion(db: DataSource | Transaction, deletionId: string): Promise<Deletion> {
  const [deletion] = await query<Deletion>(db, `select ${deletionSelection} from deletion d where d.deletion_id = $1`, [
    deletionId,
  ]);
  if (deletion === undefined) throw new ArchiveError('deletion-not-found', `There is no deletion ${deletionId}`);
  return deletion;
}

/** One who ends it at a time. @throws ArchiveError 'deletion-not-found', 'deletion-over' */
export async function lockDeletion(tx: Transaction, deletionId: string): Promise<void> {
  await query(tx, 'select from deletion where deletion_id = $1 for update', [deletionId]);
  const { state, endedAt } = await getDeletion(tx, deletionId);
  if (state === 'recoverable') return;
  throw new ArchiveError(
    'deletion-over',
    `Deletion ${deletionId} was ${state} at ${endedAt?.toISOString() ?? 'some time'}; there is nothing left to do with it`,
  );
}

export async function endDeletion(
  tx: Transaction,
  deletionId: string,
  state: 'restored' | 'purged',
): Promise<Deletion> {
  const [deletion] = await query<Deletion>(
    tx,
    `update deletion d set state = $2, ended_at = now() where deletion_id = $1 returning ${deletionSelection}`,
    [deletionId, state],
  );
  return deletion!;
}

/** The rows that were kept for it. */
export async function removeRows(tx: Transaction, deletionId: string): Promise<void> {
  for (const table of ['deleted_instance', 'deleted_series', 'deleted_study']) {
    await execute(tx, `delete from ${table} where deletion_id = $1`, [deletionId]);
  }
}

async function refuseConflicts(tx: Transaction, deletionId: string): Promise<void> {
  const rows = await query<{ sop_instance_uid: string; n: number }>(
    tx,
    `select d.sop_instance_uid, (count(*) over ())::integer as n
       from deleted_instance d
       join deleted_series ds using (deletion_id, series_key)
       join deleted_study dst using (deletion_id)
       join instance i using (sop_instance_uid)
       join series se on se.series_key = i.series_key
       join study st on st.study_key = i.study_key
      where d.deletion_id = $1
        and (i.dataset_sha256, se.series_instance_uid, st.study_instance_uid)
            is distinct from (d.dataset_sha256, ds.series_instance_uid, dst.study_instance_uid)
      order by d.sop_instance_uid limit $2`,
    [deletionId, namedMax],
  );
  if (rows[0] === undefined) return;
  const named = rows.map((row) => row.sop_instance_uid).join(', ');
  const more = rows[0].n > rows.length ? ` and ${rows[0].n - rows.length} more` : '';
  throw new ArchiveError(
    'restore-conflict',
    `Nothing was restored: under ${named}${more} other content is stored now; delete that first to have the former version back`,
  );
}

/** Keys are new where rows are: what clients have cached under the old ones (ETags) must not seem current. */
async function restoreStudy(tx: Transaction, deletionId: string, studyInstanceUid: string): Promise<number> {
  const columns = (await columnsOf(tx, 'study', ['study_key'])).join(', ');
  await query(
    tx,
    `insert into study (${columns}) select ${columns} from deleted_study where deletion_id = $1
     on conflict on constraint uq_study_instance_uid do nothing`,
    [deletionId],
  );
  const [row] = await query<{ study_key: number }>(tx, 'select study_key from study where study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  return row!.study_key;
}

async function restoreSeries(tx: Transaction, deletionId: string, studyKey: number): Promise<void> {
  const columns = (await columnsOf(tx, 'series', ['series_key', 'study_key'])).join(', ');
  await query(
    tx,
    `insert into series (study_key, ${columns}) select $2, ${columns} from deleted_series where deletion_id = $1
     on conflict on constraint uq_series_instance_uid do nothing`,
    [deletionId, studyKey],
  );
}

/** Their keys are the old ones: by them the change feed knows that this is the version it told of. */
async function restoreInstances(
  tx: Transaction,
  deletionId: string,
  studyKey: number,
): Promise<{ instance_key: number; series_key: number }[]> {
  const columns = await columnsOf(tx, 'instance', ['study_key', 'series_key']);
  return query(
    tx,
    `insert into instance (study_key, series_key, ${columns.join(', ')})
     overriding system value
     select $2, se.series_key, ${columns.map((column) => `d.${column}`).join(', ')}
       from deleted_instance d
       join deleted_series ds using (deletion_id, series_key)
       join series se on se.study_key = $2 and se.series_instance_uid = ds.series_instance_uid
      where d.deletion_id = $1
        and not exists (select from instance i where i.sop_instance_uid = d.sop_instance_uid)
     returning instance_key, series_key`,
    [deletionId, studyKey],
  );
}
