import { type DataSource, query, type Transaction } from '#libs/database';
import { ArchiveError } from '../archive-error.js';
import { type Deletion, endOf } from './deletion.js';

/** A study, one of its series, or one of its instances. */
export interface ResourceUids {
  studyInstanceUid: string;
  seriesInstanceUid?: string;
  sopInstanceUid?: string;
}

/**
 * Says why something is not here; call it when nothing was found.
 * @throws ArchiveError 'gone' when it was deleted (410, PS3.18 table 8.5-2), else 'study-not-found', 'series-not-found' or
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

/**
 * What went with its study or series is told from what never was by its row, or, once that is purged, by the absence of
 * the study: had that been stored anew, nobody could say any more what was in it.
 * @throws ArchiveError 'gone' when it is not here and was deleted, by itself or with what held it
 */
export async function refuseGone(db: DataSource | Transaction, uids: ResourceUids): Promise<void> {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = uids;
  const [deletion] = await query<Pick<Deletion, 'deletedAt' | 'recoverableUntil' | 'state'>>(
    db,
    `select d.deleted_at as "deletedAt", d.recoverable_until as "recoverableUntil", d.state
       from deletion d
       left join study st on st.study_instance_uid = d.study_instance_uid
       left join series se on se.study_key = st.study_key and se.series_instance_uid = $2::text
       left join instance i on i.series_key = se.series_key and i.sop_instance_uid = $3::text
      where d.study_instance_uid = $1 and d.cause = 'deleted' and d.state <> 'restored'
        and case when $2::text is null then st.study_key is null
                 when $3::text is null then se.series_key is null
                 else i.instance_key is null end
        and (($2::text is null and d.takes_study)
          or ($3::text is null and d.series_instance_uid = $2 and d.takes_series)
          or (d.series_instance_uid = $2 and d.sop_instance_uid = $3)
          or ($2::text is not null and (d.level = 'study' or (d.level = 'series' and d.series_instance_uid = $2))
              and (st.study_key is null
                or exists (select from deleted_instance di join deleted_series ds using (deletion_id, series_key)
                            where di.deletion_id = d.deletion_id and ds.series_instance_uid = $2
                              and ($3::text is null or di.sop_instance_uid = $3)))))
      order by d.deleted_at desc limit 1`,
    [studyInstanceUid, seriesInstanceUid ?? null, sopInstanceUid ?? null],
  );
  if (deletion === undefined) return;
  throw new ArchiveError(
    'gone',
    `${nameOf(uids)} was deleted at ${deletion.deletedAt.toISOString()}; ${endOf(deletion)}`,
  );
}

function nameOf({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: ResourceUids): string {
  if (sopInstanceUid !== undefined) return `Instance ${sopInstanceUid}`;
  return seriesInstanceUid !== undefined ? `Series ${seriesInstanceUid}` : `Study ${studyInstanceUid}`;
}
