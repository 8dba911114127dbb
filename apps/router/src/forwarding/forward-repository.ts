import { type DataSource, execute, query, type Transaction } from '#libs/database';

/** 'scheduled': also between attempts. */
export type ForwardState = 'scheduled' | 'sending' | 'sent' | 'failed' | 'canceled';

/** An order to send instances of a study to a destination, and how far that has come. */
export interface Forward {
  forwardId: string;
  studyInstanceUid: string;
  destination: string;
  /** Names of the rules that asked for it. */
  rules: string[];
  /** How many suites have forwarded the study before us. */
  hops: number;
  state: ForwardState;
  scheduledStart: Date | null;
  attempts: number;
  instancesSent: number;
  instancesRefused: number;
  /** What went wrong last, without a patient's data. */
  error: string | null;
  createdAt: Date;
  updatedAt: Date;
  finishedAt: Date | null;
}

export interface NewForward {
  studyInstanceUid: string;
  destination: string;
  inputDigest: string;
  seriesInstanceUids: string[];
  rules: string[];
  hops: number;
  scheduledStart: Date | null;
}

interface ForwardRow {
  forward_id: string;
  study_instance_uid: string;
  destination: string;
  series_instance_uids: string[];
  rules: string[];
  hops: number;
  state: ForwardState;
  scheduled_start: Date | null;
  attempts: number;
  instances_sent: number;
  instances_refused: number;
  error: string | null;
  created_at: Date;
  updated_at: Date;
  finished_at: Date | null;
}

const columns = `forward_id, study_instance_uid, destination, series_instance_uids, rules, hops, state, scheduled_start,
  attempts, instances_sent, instances_refused, error, created_at, updated_at, finished_at`;

/** @returns its id, or undefined when the same instances were ordered there before */
export async function createForward(tx: Transaction, forward: NewForward): Promise<string | undefined> {
  const [row] = await query<{ forward_id: string }>(
    tx,
    `insert into forward (study_instance_uid, destination, input_digest, series_instance_uids, rules, hops, scheduled_start)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint uq_forward do nothing returning forward_id`,
    [
      forward.studyInstanceUid,
      forward.destination,
      forward.inputDigest,
      forward.seriesInstanceUids,
      forward.rules,
      forward.hops,
      forward.scheduledStart,
    ],
  );
  return row?.forward_id;
}

/** What has not begun and is about fewer instances than are there now. */
export async function cancelSupersededForwards(
  tx: Transaction,
  studyInstanceUid: string,
  digests: string[],
): Promise<void> {
  await execute(
    tx,
    `update forward set state = 'canceled', error = 'More instances arrived; a new order covers them all.',
            finished_at = now(), updated_at = now()
      where study_instance_uid = $1 and state = 'scheduled' and attempts = 0 and input_digest <> all($2)`,
    [studyInstanceUid, digests],
  );
}

export async function listForwards(
  db: DataSource,
  filter: { studyInstanceUid?: string | undefined; state?: string | undefined; limit: number },
): Promise<Forward[]> {
  const rows = await query<ForwardRow>(
    db,
    `select ${columns} from forward
      where ($1::text is null or study_instance_uid = $1) and ($2::text is null or state = $2)
      order by created_at desc, forward_id limit $3`,
    [filter.studyInstanceUid ?? null, filter.state ?? null, filter.limit],
  );
  return rows.map(toForward);
}

/** Begins an attempt. @returns undefined when there is nothing (left) to send */
export async function beginForward(
  db: DataSource,
  forwardId: string,
): Promise<(Forward & { seriesInstanceUids: string[] }) | undefined> {
  const [row] = await query<ForwardRow>(
    db,
    `update forward set state = 'sending', attempts = attempts + 1, instances_refused = 0, updated_at = now()
      where forward_id = $1 and state in ('scheduled', 'sending') returning ${columns}`,
    [forwardId],
  );
  return row && { ...toForward(row), seriesInstanceUids: row.series_instance_uids };
}

/** Its state as long as it is being sent: who canceled it meanwhile is right. @returns false then */
export async function saveProgress(
  db: DataSource | Transaction,
  forwardId: string,
  progress: { sent: number; refused: number; error?: string | null; state?: ForwardState },
): Promise<boolean> {
  const changed = await execute(
    db,
    `update forward
        set instances_sent = instances_sent + $2, instances_refused = instances_refused + $3,
            error = case when $4 then $5 else error end, state = coalesce($6, state),
            finished_at = case when $6 in ('sent', 'failed') then now() end, updated_at = now()
      where forward_id = $1 and state = 'sending'`,
    [
      forwardId,
      progress.sent,
      progress.refused,
      progress.error !== undefined,
      progress.error ?? null,
      progress.state ?? null,
    ],
  );
  return changed > 0;
}

/** The last attempt failed. */
export async function giveUpForward(db: DataSource, forwardId: string): Promise<void> {
  await execute(
    db,
    `update forward set state = 'failed', finished_at = now(), updated_at = now()
      where forward_id = $1 and state in ('scheduled', 'sending')`,
    [forwardId],
  );
}

/** @returns false when it is not failed or canceled */
export async function reopenForward(tx: Transaction, forwardId: string): Promise<boolean> {
  const changed = await execute(
    tx,
    `update forward set state = 'scheduled', scheduled_start = null, finished_at = null, updated_at = now()
      where forward_id = $1 and state in ('failed', 'canceled')`,
    [forwardId],
  );
  return changed > 0;
}

/** @returns false when it is over */
export async function cancelForward(db: DataSource, forwardId: string): Promise<boolean> {
  const changed = await execute(
    db,
    `update forward set state = 'canceled', error = 'Canceled by an administrator.', finished_at = now(), updated_at = now()
      where forward_id = $1 and state in ('scheduled', 'sending')`,
    [forwardId],
  );
  return changed > 0;
}

/** Those whose job may have been lost. */
export async function waitingForwards(db: DataSource, olderThanSeconds: number, limit: number): Promise<string[]> {
  const rows = await query<{ forward_id: string }>(
    db,
    `select forward_id from forward
      where state in ('scheduled', 'sending')
        and greatest(updated_at, scheduled_start) < clock_timestamp() - $1 * interval '1 second'
      order by updated_at limit $2`,
    [olderThanSeconds, limit],
  );
  return rows.map((row) => row.forward_id);
}

export interface ForwardedInstance {
  seriesInstanceUid: string;
  sopInstanceUid: string;
  sha256: Buffer;
}

/**
 * Instances of these series that the destination has not had from us: not this content, and no more than `timesMax`
 * contents under one UID. Whatever comes back to us changed goes out so often and no more.
 */
export async function instancesToForward(
  db: DataSource,
  forward: { studyInstanceUid: string; destination: string; seriesInstanceUids: string[] },
  timesMax: number,
): Promise<ForwardedInstance[]> {
  const rows = await query<{ series_instance_uid: string; sop_instance_uid: string; sha256: Buffer }>(
    db,
    `select e.series_instance_uid, i.sop_instance_uid, i.sha256
       from study s join series e using (study_key) join instance i using (series_key)
       left join forwarded_instance f on f.destination = $2 and f.sop_instance_uid = i.sop_instance_uid
      where s.study_instance_uid = $1 and e.series_instance_uid = any($3)
        and (f.destination is null or (f.sha256 <> i.sha256 and f.times < $4))
      order by e.series_key, i.instance_number, i.instance_key`,
    [forward.studyInstanceUid, forward.destination, forward.seriesInstanceUids, timesMax],
  );
  return rows.map((row) => ({
    seriesInstanceUid: row.series_instance_uid,
    sopInstanceUid: row.sop_instance_uid,
    sha256: row.sha256,
  }));
}

export async function recordForwarded(
  db: DataSource,
  destination: string,
  instances: readonly ForwardedInstance[],
): Promise<void> {
  if (instances.length === 0) return;
  await query(
    db,
    `insert into forwarded_instance as f (destination, sop_instance_uid, sha256)
     select $1, u, s from unnest($2::text[], $3::bytea[]) as i (u, s)
     on conflict on constraint pk_forwarded_instance do update
       set sha256 = excluded.sha256, times = f.times + (f.sha256 <> excluded.sha256)::integer, forwarded_at = now()`,
    [destination, instances.map(({ sopInstanceUid }) => sopInstanceUid), instances.map(({ sha256 }) => sha256)],
  );
}

function toForward(row: ForwardRow): Forward {
  return {
    forwardId: row.forward_id,
    studyInstanceUid: row.study_instance_uid,
    destination: row.destination,
    rules: row.rules,
    hops: row.hops,
    state: row.state,
    scheduledStart: row.scheduled_start,
    attempts: row.attempts,
    instancesSent: row.instances_sent,
    instancesRefused: row.instances_refused,
    error: row.error,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
  };
}
