import { hash } from 'node:crypto';
import type { DicomJson } from '#libs/dicom';
import { type DataSource, notifyAll, query, queryPreparedIn, type Transaction } from '#libs/database';
import { subscribeByFilters } from './filtered-subscriptions.js';
import { performedProcedure } from './performed-procedure.js';
import type { NewWorkitem, Priority, Workitem, WorkitemKind, WorkitemOutput, WorkitemState } from './workitem.js';

/*
 * Every change of state is a compare-and-set: who comes second gets `undefined` or `false` and must write nothing more.
 * Whatever the worklist shows of a study is announced to the listeners of 'worklist' in the same transaction.
 */

interface WorkitemRow {
  workitem_uid: string;
  kind: WorkitemKind;
  study_instance_uid: string | null;
  state: WorkitemState;
  priority: Priority;
  priority_reason: string;
  deadline: Date | null;
  model_id: string | null;
  model_version: string | null;
  model_sha256: string | null;
  input_digest: string | null;
  performer: string | null;
  attempts: number;
  claimed_at: Date | null;
  heartbeat_at: Date | null;
  finished_at: Date | null;
  discontinuation_reason: string | null;
  dataset: DicomJson;
  created_at: Date;
  updated_at: Date;
}

/**
 * transaction_uid is not among them: nobody who reads a workitem needs it. The study is named by its row, or, when that
 * was deleted, by what it was.
 */
const columns = `
  w.workitem_uid, w.kind,
  coalesce(s.study_instance_uid, w.former_study_uid, w.dataset #>> '{0020000D,Value,0}') as study_instance_uid,
  w.state, w.priority, w.priority_reason, w.deadline, w.model_id, w.model_version, w.model_sha256, w.input_digest, w.performer, w.attempts, w.claimed_at, w.heartbeat_at, w.finished_at,
  w.discontinuation_reason, w.dataset, w.created_at, w.updated_at`;

/**
 * Creates a SCHEDULED workitem.
 * @returns false when this very task exists already (the same reading task, or the same model on the same input), in
 * whatever state: nothing was written then.
 */
export async function createWorkitem(tx: Transaction, workitem: NewWorkitem): Promise<boolean> {
  return (await createWorkitems(tx, [workitem])).has(workitem.uid);
}

/** The same for many at once. @returns the UIDs of those that did not exist */
export async function createWorkitems(tx: Transaction, workitems: readonly NewWorkitem[]): Promise<Set<string>> {
  if (workitems.length === 0) return new Set();
  const rows = await queryPreparedIn<{ workitem_uid: string; study_instance_uid: string | null }>(
    tx,
    'create-workitems',
    `with w as (
       insert into workitem (workitem_uid, kind, study_key, priority, priority_reason, deadline, dataset,
                             model_id, model_version, model_sha256, input_digest, scheduled_start)
       select n.*
         from json_to_recordset($1::json) as n (workitem_uid text, kind text, study_key bigint, priority text,
              priority_reason text, deadline timestamptz, dataset jsonb, model_id text, model_version text,
              model_sha256 text, input_digest text, scheduled_start timestamptz)
       on conflict do nothing
       returning workitem_uid, study_key)
     select w.workitem_uid, (select s.study_instance_uid from study s where s.study_key = w.study_key) from w`,
    [JSON.stringify(workitems.map(workitemRow))],
  );
  await subscribeByFilters(
    tx,
    rows.map((row) => row.workitem_uid),
  );
  await notifyAll(
    tx,
    'worklist',
    rows.flatMap((row) => row.study_instance_uid ?? []),
  );
  return new Set(rows.map((row) => row.workitem_uid));
}

function workitemRow(workitem: NewWorkitem) {
  return {
    workitem_uid: workitem.uid,
    kind: workitem.kind,
    study_key: workitem.studyKey,
    priority: workitem.priority,
    priority_reason: workitem.priorityReason,
    deadline: workitem.deadline,
    dataset: workitem.dataset,
    ...(workitem.kind === 'ai' && {
      model_id: workitem.modelId,
      model_version: workitem.modelVersion,
      model_sha256: workitem.modelSha256,
      input_digest: workitem.inputDigest,
      scheduled_start: workitem.scheduledStart ?? null,
    }),
  };
}

/** @returns undefined when there is none */
export async function getWorkitem(db: DataSource | Transaction, workitemUid: string): Promise<Workitem | undefined> {
  return (await getWorkitems(db, [workitemUid]))[0];
}

/** Those that exist, in the order they were created. */
export async function getWorkitems(db: DataSource | Transaction, workitemUids: readonly string[]): Promise<Workitem[]> {
  const rows = await query<WorkitemRow>(
    db,
    `select ${columns} from workitem w left join study s using (study_key)
      where w.workitem_uid = any($1) order by w.workitem_key`,
    [workitemUids],
  );
  return rows.map(toWorkitem);
}

/**
 * SCHEDULED -> IN PROGRESS (PS3.4 CC.2.1). Of many who try, one gets it.
 * @param claim.transactionUid a fresh UID of the attempt's own; it fences every later write of this attempt
 * @param claim.performer who: a worker's or a reader's name
 * @param claim.silentSecondsMax how long this performer may say nothing before an AI task is offered to others again;
 * undefined: as long as a worker of the suite
 * @returns the workitem, or undefined when it is not there or not SCHEDULED any more
 */
export function claimWorkitem(
  tx: Transaction,
  workitemUid: string,
  claim: { transactionUid: string; performer: string; silentSecondsMax?: number },
): Promise<Workitem | undefined> {
  return change(
    tx,
    `state = 'IN PROGRESS', transaction_uid = $2, performer = $3, claimed_at = now(), heartbeat_at = now(),
     silent_seconds_max = $4`,
    `workitem_uid = $1 and state = 'SCHEDULED'`,
    [workitemUid, claim.transactionUid, claim.performer, claim.silentSecondsMax ?? null],
  );
}

/** A workitem that nobody else can change until the transaction ends, and who may. */
export interface LockedWorkitem {
  workitem: Workitem;
  /** Whether this is the Transaction UID of the attempt that holds it, or that ended it. */
  isHeldWith(transactionUid: string): boolean;
  /** Whether an attempt holds it or ended it. */
  wasClaimed: boolean;
  /** Whether a worker of the suite holds it, which gives up when the workitem is taken from it. */
  isOfWorker: boolean;
}

/** @returns undefined when there is none */
export async function lockWorkitem(tx: Transaction, workitemUid: string): Promise<LockedWorkitem | undefined> {
  const [row] = await query<WorkitemRow & { transaction_uid: string | null; silent_seconds_max: number | null }>(
    tx,
    `select ${columns}, w.transaction_uid, w.silent_seconds_max from workitem w left join study s using (study_key)
      where w.workitem_uid = $1 for update of w`,
    [workitemUid],
  );
  return (
    row && {
      workitem: toWorkitem(row),
      isHeldWith: (transactionUid) => row.transaction_uid === transactionUid,
      wasClaimed: row.transaction_uid !== null,
      isOfWorker: row.kind === 'ai' && row.state === 'IN PROGRESS' && row.silent_seconds_max === null,
    }
  );
}

/**
 * Changes what a workitem that is not over says (N-SET, PS3.4 CC.2.6); whoever performs it has given a sign of life by
 * that. Ask {@link lockWorkitem} first whether the sender may.
 * @param changes.dataset replaces the attributes it names, whole; none that are columns of the row
 * @returns undefined when it is over
 */
export function updateWorkitem(
  tx: Transaction,
  workitemUid: string,
  changes: { dataset: DicomJson; priority?: Priority; priorityReason?: string; deadline?: Date },
): Promise<Workitem | undefined> {
  return change(
    tx,
    `dataset = dataset || $2::jsonb, priority = coalesce($3, priority), priority_reason = coalesce($4, priority_reason),
     deadline = coalesce($5, deadline),
     heartbeat_at = case when state = 'IN PROGRESS' then clock_timestamp() else heartbeat_at end`,
    `workitem_uid = $1 and state in ('SCHEDULED', 'IN PROGRESS')`,
    [
      workitemUid,
      JSON.stringify(changes.dataset),
      changes.priority ?? null,
      changes.priorityReason ?? null,
      changes.deadline ?? null,
    ],
  );
}

/**
 * Says the attempt is alive; without it for 60 s (by the database's clock) the workitem goes to another worker.
 * @param progress percent done and what is being done, for UPS-RS (Procedure Step Progress Information Sequence)
 * @returns false when the attempt has lost the workitem: stop, and store nothing
 */
export async function heartbeatWorkitem(
  tx: DataSource | Transaction,
  workitemUid: string,
  transactionUid: string,
  progress?: { percent: number; description: string },
): Promise<boolean> {
  const said = progress && {
    '00741002': {
      vr: 'SQ',
      Value: [
        {
          '00741004': { vr: 'DS', Value: [Math.round(progress.percent)] },
          '00741006': { vr: 'ST', Value: [progress.description] },
        },
      ],
    },
  };
  const rows = await query<{ workitem_uid: string }>(
    tx,
    `update workitem
        set heartbeat_at = clock_timestamp(), dataset = case when $3::jsonb = '{}' then dataset else dataset || $3::jsonb end,
            updated_at = case when $3::jsonb = '{}' then updated_at else clock_timestamp() end
      where workitem_uid = $1 and state = 'IN PROGRESS' and transaction_uid = $2
      returning workitem_uid`,
    [workitemUid, transactionUid, JSON.stringify(said ?? {})],
  );
  return rows.length > 0;
}

/**
 * IN PROGRESS -> COMPLETED, with what was made. Write result rows and send jobs in the same transaction, after this.
 * @returns false when the attempt has lost the workitem: roll back
 */
export async function completeWorkitem(
  tx: Transaction,
  workitemUid: string,
  transactionUid: string,
  outputs: WorkitemOutput[],
): Promise<boolean> {
  const rows = await queryPreparedIn<WorkitemRow & { ended_at: Date }>(
    tx,
    'workitem to complete',
    `select ${columns}, clock_timestamp() as ended_at from workitem w left join study s using (study_key)
      where w.workitem_uid = $1 and w.state = 'IN PROGRESS' and w.transaction_uid = $2
        for update of w`,
    [workitemUid, transactionUid],
  );
  if (rows[0] === undefined) return false;
  const performed = { '00741216': performedProcedure(toWorkitem(rows[0]), outputs, rows[0].ended_at) };
  const done = await change(
    tx,
    `state = 'COMPLETED', finished_at = $3, discontinuation_reason = null, dataset = dataset || $4::jsonb`,
    `workitem_uid = $1 and state = 'IN PROGRESS' and transaction_uid = $2`,
    [workitemUid, transactionUid, rows[0].ended_at, JSON.stringify(performed)],
  );
  return done !== undefined;
}

/**
 * IN PROGRESS -> COMPLETED by a performer that has described what it did itself, by {@link updateWorkitem}.
 * @returns undefined when the attempt has lost the workitem: roll back
 */
export function completeDescribedWorkitem(
  tx: Transaction,
  workitemUid: string,
  transactionUid: string,
): Promise<Workitem | undefined> {
  return change(
    tx,
    `state = 'COMPLETED', finished_at = clock_timestamp(), discontinuation_reason = null`,
    `workitem_uid = $1 and state = 'IN PROGRESS' and transaction_uid = $2`,
    [workitemUid, transactionUid],
  );
}

/**
 * SCHEDULED or IN PROGRESS -> CANCELED, for good.
 * @param transactionUid the attempt that gives up; undefined: the suite's own decision, whoever holds it
 * @param reason for people: what went wrong with which part, without a patient's data
 * @returns false when it was over already, or the attempt has lost the workitem
 */
export async function cancelWorkitem(
  tx: Transaction,
  workitemUid: string,
  transactionUid: string | undefined,
  reason: string,
): Promise<boolean> {
  const canceled = await change(
    tx,
    `state = 'CANCELED', finished_at = now(), discontinuation_reason = $3`,
    `workitem_uid = $1
       and (case when $2::text is null then state in ('SCHEDULED', 'IN PROGRESS')
                 else state = 'IN PROGRESS' and transaction_uid = $2 end)`,
    [workitemUid, transactionUid ?? null, reason],
  );
  return canceled !== undefined;
}

/**
 * Gives an AI task up after its last attempt: it is canceled, and listed as failed until an administrator has decided.
 * @returns false when it was over already
 */
export async function failWorkitem(tx: Transaction, workitemUid: string, reason: string): Promise<boolean> {
  if (!(await cancelWorkitem(tx, workitemUid, undefined, reason))) return false;
  await query(
    tx,
    `insert into inference_failure (workitem_uid, attempts, reason)
     select workitem_uid, attempts, $2 from workitem where workitem_uid = $1
     on conflict on constraint pk_inference_failure
       do update set attempts = excluded.attempts, reason = excluded.reason, state = 'failed',
                     failed_at = clock_timestamp(), decided_by = null, decided_at = null`,
    [workitemUid, reason],
  );
  return true;
}

/**
 * CANCELED -> SCHEDULED of an AI task that was given up, with all its attempts before it. The standard knows no way back (PS3.4
 * CC.1.1); the task is the same one, so that there is never a second result of it.
 * @returns the workitem, or undefined when it is not one that was given up
 */
export function reopenWorkitem(tx: Transaction, workitemUid: string): Promise<Workitem | undefined> {
  return change(
    tx,
    `state = 'SCHEDULED', transaction_uid = null, performer = null, claimed_at = null, heartbeat_at = null,
     silent_seconds_max = null, finished_at = null, discontinuation_reason = null, attempts = 0`,
    `workitem_uid = $1 and state = 'CANCELED' and kind = 'ai' and study_key is not null`,
    [workitemUid],
  );
}

/**
 * Cancels whatever still waits for somebody on a study, whoever holds it: call it in the transaction that takes the study
 * away, before its row goes. Performers see it at their next word; late results are refused.
 * @param reason for people, e.g. `The study was deleted.`
 * @returns how many were open
 */
export async function cancelForStudy(tx: Transaction, studyKey: number, reason: string): Promise<number> {
  const open = await query<{ workitem_uid: string }>(
    tx,
    `select workitem_uid from workitem where study_key = $1 and state in ('SCHEDULED', 'IN PROGRESS')
      order by workitem_key for update`,
    [studyKey],
  );
  for (const { workitem_uid: uid } of open) await cancelWorkitem(tx, uid, undefined, reason);
  return open.length;
}

/**
 * IN PROGRESS -> SCHEDULED, for another attempt. The standard knows no way back (PS3.4 CC.1.1): to the outside it is as
 * if the failed attempt had never claimed it, and what that attempt still writes is fenced off.
 * @param transactionUid the attempt that gives up; undefined: whoever holds it is taken for dead
 * @param reason what went wrong, kept as the discontinuation reason until an attempt succeeds
 * @returns the workitem with its attempt counted, or undefined when there was nothing to release
 */
export function releaseWorkitem(
  tx: Transaction,
  workitemUid: string,
  transactionUid: string | undefined,
  reason?: string,
): Promise<Workitem | undefined> {
  return change(
    tx,
    `${released}, discontinuation_reason = coalesce($3, discontinuation_reason)`,
    `workitem_uid = $1 and state = 'IN PROGRESS' and ($2::text is null or transaction_uid = $2)`,
    [workitemUid, transactionUid ?? null, reason ?? null],
  );
}

/**
 * IN PROGRESS -> SCHEDULED when its performer gave no sign for so many seconds, by the database's clock; one from outside
 * has the time it was given when it claimed.
 * @returns the workitem, or undefined when its performer is alive or it is not IN PROGRESS
 */
export function releaseSilentWorkitem(
  tx: Transaction,
  workitemUid: string,
  silentSeconds: number,
): Promise<Workitem | undefined> {
  return change(
    tx,
    released,
    `workitem_uid = $1 and state = 'IN PROGRESS'
       and coalesce(heartbeat_at, claimed_at) < now() - make_interval(secs => coalesce(silent_seconds_max, $2))`,
    [workitemUid, silentSeconds],
  );
}

const released = `state = 'SCHEDULED', transaction_uid = null, performer = null, claimed_at = null, heartbeat_at = null,
     silent_seconds_max = null, attempts = attempts + 1`;

async function change(
  tx: Transaction,
  set: string,
  where: string,
  parameters: unknown[],
): Promise<Workitem | undefined> {
  const text = `with w as (update workitem set ${set}, updated_at = now() where ${where} returning *),
           changed as (select ${columns} from w left join study s using (study_key))
     select changed.*, ${announced} from changed`;
  // A handful of texts, and several for each study that is analysed.
  const rows = await queryPreparedIn<WorkitemRow>(tx, `workitem ${hash('sha1', text)}`, text, parameters);
  return rows[0] && toWorkitem(rows[0]);
}

/** As notify() does, in the same statement: the worklist is told when the transaction commits. */
const announced = `case when study_instance_uid is not null then pg_notify('isocenter_worklist', study_instance_uid) end`;

function toWorkitem(row: WorkitemRow): Workitem {
  const common = {
    uid: row.workitem_uid,
    state: row.state,
    priority: row.priority,
    priorityReason: row.priority_reason,
    deadline: row.deadline,
    performer: row.performer,
    attempts: row.attempts,
    claimedAt: row.claimed_at,
    heartbeatAt: row.heartbeat_at,
    finishedAt: row.finished_at,
    discontinuationReason: row.discontinuation_reason,
    dataset: row.dataset,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
  const known = (value: string | null, name: string): string => {
    if (value === null) throw new Error(`Workitem ${row.workitem_uid} of kind ${row.kind} has no ${name}`);
    return value;
  };
  switch (row.kind) {
    case 'ai':
      return {
        ...common,
        kind: 'ai',
        studyInstanceUid: known(row.study_instance_uid, 'study'),
        modelId: known(row.model_id, 'model'),
        modelVersion: known(row.model_version, 'model version'),
        modelSha256: known(row.model_sha256, 'model digest'),
        inputDigest: known(row.input_digest, 'input digest'),
      };
    case 'reading':
      return { ...common, kind: 'reading', studyInstanceUid: known(row.study_instance_uid, 'study') };
    case 'other':
      return { ...common, kind: 'other', studyInstanceUid: row.study_instance_uid };
  }
}
