import { type DataSource, query } from '#libs/database';
import { type Deletion, deletionSelection, type DeletionState } from './deletion.js';

export interface ListedDeletion extends Deletion {
  /** As the study says it, while it can be brought back. */
  patientName: string | null;
  patientId: string | null;
}

/** Deletions, the newest first. @param state undefined: in whatever state */
export function listDeletions(
  db: DataSource,
  {
    state,
    studyInstanceUid,
    limit,
    offset,
  }: {
    state?: DeletionState | undefined;
    studyInstanceUid?: string | undefined;
    limit: number;
    offset: number;
  },
): Promise<ListedDeletion[]> {
  return query<ListedDeletion>(
    db,
    `select ${deletionSelection}, st.patient_name as "patientName", st.patient_id as "patientId"
       from deletion d left join deleted_study st using (deletion_id)
      where ($1::text is null or d.state = $1) and ($2::text is null or d.study_instance_uid = $2)
      order by d.deleted_at desc, d.deletion_id limit $3 offset $4`,
    [state ?? null, studyInstanceUid ?? null, limit, offset],
  );
}
