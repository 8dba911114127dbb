import { type DataSource, query, type Transaction } from '#libs/database';
import { ArchiveError } from '../archive-error.js';

/** @throws ArchiveError 'on-legal-hold' when the study, or anything of it, must not be deleted or purged */
export async function refuseOnLegalHold(db: DataSource | Transaction, studyInstanceUid: string): Promise<void> {
  const [hold] = await query<{ reason: string }>(
    db,
    `select reason from study_hold where study_instance_uid = $1 and kind = 'legal-hold'`,
    [studyInstanceUid],
  );
  if (hold === undefined) return;
  const why = hold.reason === '' ? '' : `: ${hold.reason}`;
  throw new ArchiveError('on-legal-hold', `Study ${studyInstanceUid} is on legal hold${why}`);
}
