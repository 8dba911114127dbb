import { execute, notify, query, type Transaction } from '#libs/database';
import type { Priority } from '#libs/workitems';
import { readingDeadline } from './deadlines.js';
import { prioritise, type PrioritisedResult, type ReadingPriority } from './prioritise.js';

interface ReadingRow {
  workitem_uid: string;
  priority: Priority;
  priority_reason: string;
  deadline: Date | null;
  study_instance_uid: string;
  arrived_at: Date;
  base: ReadingPriority | null;
  deadline_minutes: number | null;
}

/**
 * Gives a study's open reading task the priority that its order, rules and results make together, and tells the worklist.
 * The lock on the task makes the later of two results see the earlier one.
 */
export async function prioritiseStudy(tx: Transaction, studyKey: number): Promise<void> {
  const [reading] = await query<ReadingRow>(
    tx,
    `select w.workitem_uid, w.priority, w.priority_reason, w.deadline, s.study_instance_uid, s.created_at as arrived_at,
            r.decision -> 'basePriority' as base, (r.decision ->> 'deadlineMinutes')::float8 as deadline_minutes
       from workitem w join study s using (study_key) left join study_routing r using (study_key)
      where w.study_key = $1 and w.kind = 'reading' and w.state in ('SCHEDULED', 'IN PROGRESS')
        for update of w`,
    [studyKey],
  );
  if (reading === undefined) return;
  const base = reading.base ?? { priority: 'MEDIUM', reason: 'The order names no priority.' };
  const { priority, reason } = prioritise(base, await readResults(tx, studyKey));
  const deadline = readingDeadline(reading.arrived_at, priority, reading.deadline_minutes);
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
}

async function readResults(tx: Transaction, studyKey: number): Promise<PrioritisedResult[]> {
  const rows = await query<{ model_id: string; model_version: string; priority: Priority; summary: string }>(
    tx,
    'select model_id, model_version, priority, summary from result where study_key = $1 order by created_at, result_id',
    [studyKey],
  );
  return rows.map((row) => ({
    modelId: row.model_id,
    modelVersion: row.model_version,
    priority: row.priority,
    summary: row.summary,
  }));
}
