import { type DataSource, query } from '#libs/database';
import { type Progress, progressOf } from './progress.js';

export interface MoveInProgress extends Progress {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  tier: string;
  reason: string;
  state: string;
  error: string | null;
  /** How frames were compressed on the way. */
  recompress: string | null;
  /** What is stored of `bytes`; null where nothing was to be compressed. */
  storedBytes: number | null;
  /** Why frames were left as they are, and of how many instances. */
  keptAsIs: Record<string, number> | null;
  orderedAt: string;
  startedAt: string | null;
  updatedAt: string;
  finishedAt: string | null;
}

export interface MovesReport {
  /** What waits or is under way; its bytes with those that ended since the first of these was ordered. */
  open: Progress & { series: number; copying: number };
  /** Of the last day. */
  lastDay: { done: number; failed: number; superseded: number; bytes: number; bytesSaved: number };
  /** Those under way, then those that wait, then those that ended last. */
  moves: MoveInProgress[];
}

export interface RecallInProgress {
  packId: string;
  state: string;
  bytes: number;
  reason: string;
  error: string | null;
  requestedAt: string;
  finishedAt: string | null;
}

// Copying and reading back each pass all bytes.
const doneBytes = `case state when 'copying' then bytes_done / 2 when 'verifying' then (bytes + bytes_done) / 2
                              when 'done' then bytes else 0 end`;

/** How far moves have come. @param limit how many are listed */
export async function readMoves(db: DataSource, limit: number): Promise<MovesReport> {
  const [open] = await query<{ series: number; copying: number; bytes: number; done: number }>(
    db,
    `with still_open as (select * from series_move where state in ('waiting', 'copying', 'verifying')),
          both_kinds as (
            select state, bytes, bytes_done from still_open
            union all
            select state, bytes, bytes_done from series_move
             where state = 'done' and updated_at >= (select min(ordered_at) from still_open))
     select count(*) filter (where state <> 'done') as series,
            count(*) filter (where state in ('copying', 'verifying')) as copying,
            coalesce(sum(bytes), 0)::bigint as bytes, coalesce(sum(${doneBytes}), 0)::bigint as done
       from both_kinds`,
  );
  const [lastDay] = await query<MovesReport['lastDay']>(
    db,
    `select count(*) filter (where state = 'done') as done, count(*) filter (where state = 'failed') as failed,
            count(*) filter (where state = 'superseded') as superseded,
            coalesce(sum(bytes) filter (where state = 'done'), 0)::bigint as bytes,
            coalesce(sum(bytes - stored_bytes) filter (where state = 'done'), 0)::bigint as "bytesSaved"
       from series_move where finished_at > now() - interval '1 day'`,
  );
  const rows = await query<Omit<MoveInProgress, keyof Progress> & { bytes: number; done: number }>(
    db,
    `select study_instance_uid as "studyInstanceUid", series_instance_uid as "seriesInstanceUid", tier, reason, state,
            error, recompress, stored_bytes as "storedBytes", kept_as_is as "keptAsIs", bytes, ${doneBytes} as done, ordered_at as "orderedAt", started_at as "startedAt",
            updated_at as "updatedAt", finished_at as "finishedAt"
       from series_move
      order by case when state in ('copying', 'verifying') then 0 when state = 'waiting' then 1 else 2 end,
               updated_at desc, move_id limit $1`,
    [limit],
  );
  return {
    open: { series: open!.series, copying: open!.copying, ...progressOf(open!.bytes, open!.done) },
    lastDay: lastDay!,
    moves: rows.map(({ bytes, done, ...row }) => ({ ...row, ...progressOf(bytes, done) })),
  };
}

/** What is being brought back, the latest first. */
export async function readRecalls(
  db: DataSource,
  limit: number,
): Promise<{ open: Progress & { packs: number }; recalls: RecallInProgress[] }> {
  // With those that came since the first of what is still under way was asked for.
  const [open] = await query<{ packs: number; bytes: number; done: number }>(
    db,
    `select count(*) filter (where state not in ('done', 'failed')) as packs,
            coalesce(sum(bytes), 0)::bigint as bytes,
            coalesce(sum(bytes) filter (where state = 'done'), 0)::bigint as done
       from pack_recall
      where state not in ('done', 'failed') or (state = 'done' and finished_at >= (
        select min(requested_at) from pack_recall where state not in ('done', 'failed')))`,
  );
  const recalls = await query<RecallInProgress>(
    db,
    `select pack_id as "packId", state, bytes, reason, error, requested_at as "requestedAt", finished_at as "finishedAt"
       from pack_recall order by finished_at is not null, requested_at desc, pack_id limit $1`,
    [limit],
  );
  return { open: { packs: open!.packs, ...progressOf(open!.bytes, open!.done) }, recalls };
}
