import { type DataSource, execute, query, type Transaction } from '#libs/database';
import type { Recompression, Tier } from './tiers.js';

export type MoveState = 'waiting' | 'copying' | 'verifying' | 'done' | 'failed' | 'superseded';

/** A series on its way, as the job reads it. */
export interface SeriesMove {
  moveId: string;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  tier: Tier;
  state: MoveState;
  /** How frames are compressed on the way; null: they are not. */
  recompress: Recompression | null;
  /** What an earlier run copied and did not switch to. */
  store: string | null;
  key: string | null;
  layoutDigest: Buffer | null;
}

export async function readMove(db: DataSource, moveId: string): Promise<SeriesMove | undefined> {
  const [row] = await query<SeriesMove>(
    db,
    `select move_id as "moveId", study_instance_uid as "studyInstanceUid", series_instance_uid as "seriesInstanceUid",
            tier, state, recompress, store, key, layout_digest as "layoutDigest"
       from series_move where move_id = $1`,
    [moveId],
  );
  return row;
}

export async function beginMove(db: DataSource, moveId: string, bytes: number): Promise<void> {
  await execute(
    db,
    `update series_move set state = 'copying', bytes = $2, bytes_done = 0, error = null,
            started_at = coalesce(started_at, now()), updated_at = now() where move_id = $1`,
    [moveId, bytes],
  );
}

/** What was copied: a run after this one is cut off goes on from here. */
export async function recordCopy(
  db: DataSource,
  moveId: string,
  copy: { store: string; key: string; layoutDigest: Buffer | null },
): Promise<void> {
  await execute(
    db,
    `update series_move set store = $2, key = $3, layout_digest = $4, updated_at = now() where move_id = $1`,
    [moveId, copy.store, copy.key, copy.layoutDigest],
  );
}

/** What was stored of the bytes that came, and why of how many instances frames were left as they are. */
export async function recordRecompression(
  db: DataSource,
  moveId: string,
  { bytes, keptAsIs }: { bytes: number; keptAsIs: Readonly<Record<string, number>> },
): Promise<void> {
  await execute(db, `update series_move set stored_bytes = $2, kept_as_is = $3 where move_id = $1`, [
    moveId,
    bytes,
    JSON.stringify(keptAsIs),
  ]);
}

/** The series is moved as it is, after all. */
export async function leaveAsItIs(db: DataSource, moveId: string): Promise<void> {
  await execute(db, `update series_move set recompress = null where move_id = $1`, [moveId]);
}

/** @param error why, where it failed for now or for good */
export async function endMove(
  db: DataSource | Transaction,
  moveId: string,
  state: MoveState,
  error?: string,
): Promise<void> {
  await execute(
    db,
    `update series_move
        set state = $2, error = $3, updated_at = now(),
            bytes_done = case when $2 = 'done' then bytes else bytes_done end,
            finished_at = case when $2 in ('done', 'failed', 'superseded') then now() end,
            store = case when $2 in ('done', 'failed', 'superseded') then null else store end,
            key = case when $2 in ('done', 'failed', 'superseded') then null else key end
      where move_id = $1`,
    [moveId, state, error ?? null],
  );
}
