import { type DataSource, query, type Transaction } from '#libs/database';
import { ArchiveError } from './archive-error.js';
import { type DeletionState, endOf } from './deletion.js';

/** A study, one of its series, or one of its instances. */
export interface ResourceUids {
  studyInstanceUid: string;
  seriesInstanceUid?: string;
  sopInstanceUid?: string;
}

interface DeletionRow {
  deleted_at: Date;
  recoverable_until: Date;
  state: DeletionState;
}

/**
 * Says why something is not here; call it when nothing was found, and only then.
 * @throws ArchiveError 'gone' when it was deleted (PS3.18 10.4.3.3: 410), else 'study-not-found', 'series-not-found' or
 * 'instance-not-found'
 */
export async function missing(db: DataSource | Transaction, uids: ResourceUids): Promise<never> {
  await refuseGone(db, uids);
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = uids;
  if (sopInstanceUid !== undefined) {
    throw new ArchiveError('instance-not-found', `There is no instance ${sopInstanceUid} in that series and study`);
  }
  if (seriesInstanceUid !== undefined) {
    throw new ArchiveError('series-not-found', `There is no series ${seriesInstanceUid} in study ${studyInstanceUid}`);
  }
  throw new ArchiveError('study-not-found', `There is no study ${studyInstanceUid}`);
}

/** @throws ArchiveError 'gone' when what is not here was deleted, by itself or with what held it */
export async function refuseGone(db: DataSource | Transaction, uids: ResourceUids): Promise<void> {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = uids;
  // What went with its study or series is told from what never was by its row, or, once that is purged, by the absence
  // of the study: had it been stored anew, nobody could say any more what was in it.
  const [row] = await query<DeletionRow>(
    db,
    `select d.deleted_at, d.recoverable_until, d.state
       from deletion d
      where d.study_instance_uid = $1 and d.cause = 'deleted' and d.state <> 'restored'
        and (($2::text is null and d.takes_study)
          or ($3::text is null and d.series_instance_uid = $2 and d.takes_series)
          or (d.series_instance_uid = $2 and d.sop_instance_uid = $3)
          or ($2 is not null and (d.level = 'study' or (d.level = 'series' and d.series_instance_uid = $2))
              and (not exists (select from study st where st.study_instance_uid = $1)
                or exists (select from deleted_instance i join deleted_series se using (deletion_id, series_key)
                            where i.deletion_id = d.deletion_id and se.series_instance_uid = $2
                              and ($3 is null or i.sop_instance_uid = $3)))))
      order by d.deleted_at desc limit 1`,
    [studyInstanceUid, seriesInstanceUid ?? null, sopInstanceUid ?? null],
  );
  if (row === undefined) return;
  const what =
    sopInstanceUid !== undefined
      ? `Instance ${sopInstanceUid}`
      : seriesInstanceUid !== undefined
        ? `Series ${seriesInstanceUid}`
        : `Study ${studyInstanceUid}`;
  throw new ArchiveError('gone', `${what} was deleted at ${row.deleted_at.toISOString()}; ${endOf(row)}`);
}
