import { query, type Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import type { Priority } from '#libs/workitems';
import { urgency } from '../routing/evaluate-rules.js';

/** What waits to be done for a model takes the place that its priority gives it now; what was put off and is urgent is due. */
export function rankTask(jobs: JobQueue, tx: Transaction, workitemUid: string, priority: Priority): Promise<void> {
  const isDue = priority === 'HIGH';
  return jobs.rank(
    tx,
    'run-inference',
    { workitemUid },
    { priority: urgency[priority], ...(isDue && { startAfterSeconds: 0 }) },
  );
}

/** A study that has become more urgent takes the tasks that nobody has begun along; none is made less urgent by it. */
export async function raiseTasks(jobs: JobQueue, tx: Transaction, studyKey: number): Promise<void> {
  const raised = await query<{ workitem_uid: string; priority: Priority }>(
    tx,
    `update workitem t set priority = r.priority, priority_reason = 'As urgent as its study became.', updated_at = now()
       from workitem r
      where r.study_key = $1 and r.kind = 'reading' and r.state in ('SCHEDULED', 'IN PROGRESS')
        and t.study_key = $1 and t.kind = 'ai' and t.state = 'SCHEDULED'
        and array_position(array['LOW', 'MEDIUM', 'HIGH'], t.priority) < array_position(array['LOW', 'MEDIUM', 'HIGH'], r.priority)
      returning t.workitem_uid, t.priority`,
    [studyKey],
  );
  for (const { workitem_uid: uid, priority } of raised) await rankTask(jobs, tx, uid, priority);
}
