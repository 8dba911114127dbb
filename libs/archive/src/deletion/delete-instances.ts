import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, notify, query, type Transaction, transaction } from '#libs/database';
import { recordDeleted } from '../changes/record-changes.js';
import { type Deletion, deletionSelection } from './deletion.js';
import { announceArrival, lockStudies } from '../store/index-instances.js';
import { refuseOnLegalHold } from './legal-holds.js';
import { missing, type ResourceUids } from './missing.js';
import { moveInstances, recountSeries, recountStudy, removeEmptySeries, removeStudy } from './move-instances.js';
import { retried } from '../retried.js';

/** Ten thousand instances with their metadata take seconds to move; a study of a hundred thousand must go, too. */
const statementMillisecondsMax = 15 * 60_000;

/** Takes studies, series and instances out of the archive, so that they can be brought back while the grace lasts. */
@Injectable()
export class DeleteInstances {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * In one transaction: rows moved, counts, change feed, worklist. The bytes stay where they are.
   * @param reason for people: why; without a patient's data
   * @throws ArchiveError 'study-not-found', 'series-not-found', 'instance-not-found'; 'gone' when it is deleted already;
   * 'on-legal-hold'
   */
  delete(uids: ResourceUids, reason?: string): Promise<Deletion> {
    return retried(() => transaction(this.dataSource, (tx) => this.move(tx, uids, reason)));
  }

  private async move(tx: Transaction, uids: ResourceUids, reason: string | undefined): Promise<Deletion> {
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = uids;
    await allowLongStatements(tx);
    await lockStudies(tx, [studyInstanceUid]);
    await refuseOnLegalHold(tx, studyInstanceUid);
    const instances = await findInstances(tx, uids);
    const studyKey = instances[0]?.study_key;
    if (studyKey === undefined) return missing(tx, uids);
    // Routing writes of studies without their lock: it is kept off until the end, and finds the study gone then.
    await query(tx, 'select from study where study_key = $1 for update', [studyKey]);

    const deletionId = randomUUID();
    const level = sopInstanceUid !== undefined ? 'instance' : seriesInstanceUid !== undefined ? 'series' : 'study';
    await insertDeletion(tx, { ...uids, deletionId, cause: 'deleted', level, reason }, this.config.graceHours);
    const { seriesKeys } = await moveInstances(
      tx,
      deletionId,
      studyKey,
      instances.map((instance) => instance.instance_key),
    );
    await recordDeleted(tx, deletionId);
    await recountSeries(tx, seriesKeys);
    const emptied = await removeEmptySeries(tx, seriesKeys);
    await recountStudy(tx, studyKey);
    const isEmpty = (await query(tx, 'select from instance where study_key = $1 limit 1', [studyKey])).length === 0;
    if (isEmpty) await removeStudy(tx, studyKey);
    else await announceArrival(tx, [studyInstanceUid]);
    await notify(tx, 'worklist', studyInstanceUid);
    return completeDeletion(tx, deletionId, { takesStudy: isEmpty, takesSeries: emptied > 0 });
  }
}

/** Within a transaction that moves whole studies. */
export async function allowLongStatements(tx: Transaction): Promise<void> {
  await query(tx, `set local statement_timeout = ${statementMillisecondsMax}`);
}

function findInstances(
  tx: Transaction,
  { studyInstanceUid, seriesInstanceUid, sopInstanceUid }: ResourceUids,
): Promise<{ instance_key: number; study_key: number }[]> {
  return query(
    tx,
    `select i.instance_key, i.study_key
       from instance i join series se using (series_key) join study st on st.study_key = i.study_key
      where st.study_instance_uid = $1 and ($2::text is null or se.series_instance_uid = $2)
        and ($3::text is null or i.sop_instance_uid = $3)`,
    [studyInstanceUid, seriesInstanceUid ?? null, sopInstanceUid ?? null],
  );
}

export interface NewDeletion extends ResourceUids, Pick<Deletion, 'deletionId' | 'cause' | 'level'> {
  reason?: string | undefined;
}

/** What it takes is not known yet: {@link completeDeletion} says it. */
export async function insertDeletion(tx: Transaction, deletion: NewDeletion, graceHours: number): Promise<void> {
  await query(
    tx,
    `insert into deletion (deletion_id, cause, level, study_instance_uid, series_instance_uid, sop_instance_uid, reason,
                           takes_study, takes_series, instances, bytes, recoverable_until)
     values ($1, $2, $3, $4, $5, $6, $7, false, false, 0, 0, now() + $8::float8 * interval '1 hour')`,
    [
      deletion.deletionId,
      deletion.cause,
      deletion.level,
      deletion.studyInstanceUid,
      deletion.seriesInstanceUid ?? null,
      deletion.sopInstanceUid ?? null,
      deletion.reason ?? null,
      graceHours,
    ],
  );
}

export async function completeDeletion(
  tx: Transaction,
  deletionId: string,
  { takesStudy, takesSeries }: { takesStudy: boolean; takesSeries: boolean },
): Promise<Deletion> {
  const [deletion] = await query<Deletion>(
    tx,
    `update deletion d
        set takes_study = $2, takes_series = $3, instances = i.instances, bytes = i.bytes
       from (select count(*)::integer as instances, coalesce(sum(length), 0)::bigint as bytes
               from deleted_instance where deletion_id = $1) i
      where d.deletion_id = $1
      returning ${deletionSelection}`,
    [deletionId, takesStudy, takesSeries],
  );
  return deletion!;
}
