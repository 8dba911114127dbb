import { execute, notify, queryPreparedIn, type Transaction } from '#libs/database';
import type { Priority } from '#libs/workitems';
import { prioritise, type PrioritisedResult, type ReadingPriority } from './prioritise.js';
import { readingDeadline } from './reading-deadline.js';

interface ReadingRow {
  workitem_uid: string;
  priority: Priority;
  priority_reason: string;
  deadline: Date | null;
  study_instance_uid: string;
  arrived_at: Date;
  specialty: string | null;
  base: ReadingPriority | null;
  deadline_minutes: number | null;
  reader: string | null;
  reader_priority: Priority | null;
  reader_reason: string | null;
  reader_at: Date | null;
}

/**
 * Gives a study's open reading task the priority that its order, rules, results and readers make together, and tells the
 * worklist. The lock on the task makes the later of two results see the earlier one.
 *
 * @returns whether that is another priority than before
 */
export async function prioritiseStudy(tx: Transaction, studyKey: number): Promise<boolean> {
  // Locked first and read then: a statement that waits for the lock goes on with what it saw before it waited, and what a
  // reader just said would be lost.
  const locked = await queryPreparedIn(
    tx,
    'lock reading',
    `select 1 from workitem where study_key = $1 and kind = 'reading' and state in ('SCHEDULED', 'IN PROGRESS') for update`,
    [studyKey],
  );
  if (locked.length === 0) return false;
  const [reading] = await queryPreparedIn<ReadingRow>(
    tx,
    'reading to prioritise',
    `select w.workitem_uid, w.priority, w.priority_reason, w.deadline, s.study_instance_uid, s.created_at as arrived_at,
            r.specialty, r.decision -> 'basePriority' as base,
            (r.decision ->> 'deadlineMinutes')::float8 as deadline_minutes,
            c.reader, c.to_priority as reader_priority, c.reason as reader_reason, c.created_at as reader_at
       from workitem w join study s using (study_key) left join study_routing r using (study_key)
       left join lateral (
         select * from priority_change p where p.workitem_uid = w.workitem_uid order by p.change_key desc limit 1) c on true
      where w.study_key = $1 and w.kind = 'reading' and w.state in ('SCHEDULED', 'IN PROGRESS')`,
    [studyKey],
  );
  if (reading === undefined) return false;
  const base = readerPriority(reading) ??
    reading.base ?? { priority: 'MEDIUM', reason: 'The order names no priority.' };
  const { priority, reason } = prioritise(base, await readResults(tx, studyKey, reading));
  const deadline = await readingDeadline(tx, {
    arrivedAt: reading.arrived_at,
    specialty: reading.specialty,
    priority,
    ruleMinutes: reading.deadline_minutes,
  });
  const isSame =
    priority === reading.priority &&
    reason === reading.priority_reason &&
    deadline.getTime() === reading.deadline?.getTime();
  if (!isSame) {
    const changed = await execute(
      tx,
      `update workitem set priority = $2, priority_reason = $3, deadline = $4, updated_at = now()
        where workitem_uid = $1 and priority = $5 and state in ('SCHEDULED', 'IN PROGRESS')`,
      [reading.workitem_uid, priority, reason, deadline, reading.priority],
    );
    if (changed !== 1) throw new Error(`Reading task ${reading.workitem_uid} changed although it is locked`);
  }
  await notify(tx, 'worklist', reading.study_instance_uid);
  return priority !== reading.priority;
}

/** What a reader set stands in place of the order's word, also where it is less. */
function readerPriority(reading: ReadingRow): ReadingPriority | undefined {
  if (reading.reader_priority === null) return undefined;
  return { priority: reading.reader_priority, reason: `${reading.reader}: ${reading.reader_reason}` };
}

/** Without those a reader refuted, and without what was known when a reader set the priority. */
async function readResults(tx: Transaction, studyKey: number, reading: ReadingRow): Promise<PrioritisedResult[]> {
  const rows = await queryPreparedIn<{ model_id: string; model_version: string; priority: Priority; summary: string }>(
    tx,
    'results to prioritise by',
    `select t.model_id, t.model_version, t.priority, t.summary from result t
      where t.study_key = $1 and ($2::timestamptz is null or t.created_at > $2)
        and coalesce((select v.verdict from finding_review v
                       where v.workitem_uid = t.workitem_uid and v.finding is null
                       order by v.review_key desc limit 1), 'agree') <> 'disagree'
      order by t.created_at, t.result_id`,
    [studyKey, reading.reader_priority === null ? null : reading.reader_at],
  );
  return rows.map((row) => ({
    modelId: row.model_id,
    modelVersion: row.model_version,
    priority: row.priority,
    summary: row.summary,
  }));
}
