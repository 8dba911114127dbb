import { randomUUID } from 'node:crypto';
import { query, type Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import type { Move } from './choose-moves.js';

/** Orders a series to a tier. @returns false when it is on its way already; nothing was ordered */
export async function orderMove(
  tx: Transaction,
  jobs: JobQueue,
  { studyInstanceUid, seriesInstanceUid, to, bytes, reason, recompress }: Omit<Move, 'from'>,
): Promise<boolean> {
  const rows = await query<{ moveId: string }>(
    tx,
    `insert into series_move (move_id, study_instance_uid, series_instance_uid, tier, bytes, reason, recompress)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (study_instance_uid, series_instance_uid) where state in ('waiting', 'copying', 'verifying') do nothing
     returning move_id as "moveId"`,
    [randomUUID(), studyInstanceUid, seriesInstanceUid, to, bytes, reason, recompress ?? null],
  );
  if (rows.length === 0) return false;
  await jobs.send(tx, 'move-series', { moveId: rows[0]!.moveId });
  return true;
}
