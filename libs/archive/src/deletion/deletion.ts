/** recoverable: every byte and row is kept; restored: it is back; purged: what is left is this record. */
export type DeletionState = 'recoverable' | 'restored' | 'purged';

/** deleted: somebody asked for it; replaced: a newer version of the same SOP Instance UID came. */
export type DeletionCause = 'deleted' | 'replaced';

/** What was taken away together, and comes back together. */
export interface Deletion {
  deletionId: string;
  cause: DeletionCause;
  level: 'study' | 'series' | 'instance';
  studyInstanceUid: string;
  seriesInstanceUid: string | null;
  /** null also when several instances of a study were replaced together. */
  sopInstanceUid: string | null;
  reason: string | null;
  instances: number;
  /** Of the Part 10 objects. */
  bytes: number;
  deletedAt: Date;
  recoverableUntil: Date;
  state: DeletionState;
  /** When it was restored or purged. */
  endedAt: Date | null;
}

/** The columns of a {@link Deletion}, from deletion d. */
export const deletionSelection = `
  d.deletion_id as "deletionId", d.cause, d.level, d.study_instance_uid as "studyInstanceUid",
  d.series_instance_uid as "seriesInstanceUid", d.sop_instance_uid as "sopInstanceUid", d.reason, d.instances, d.bytes,
  d.deleted_at as "deletedAt", d.recoverable_until as "recoverableUntil", d.state, d.ended_at as "endedAt"`;

/** How a deletion ends, in words for people. */
export function endOf({ state, recoverableUntil }: Pick<Deletion, 'state' | 'recoverableUntil'>): string {
  return state === 'purged'
    ? 'it cannot be brought back any more'
    : `an administrator can bring it back until ${recoverableUntil.toISOString()}`;
}
