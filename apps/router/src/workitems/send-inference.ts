import type { Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import type { Priority } from '#libs/workitems';
import { urgency } from '../routing/evaluate-rules.js';

/** Orders a worker to perform an AI workitem, the urgent ones first. A second order while the first waits changes nothing. */
export function sendInference(jobs: JobQueue, tx: Transaction, workitemUid: string, priority: Priority): Promise<void> {
  return jobs.send(tx, 'run-inference', { workitemUid }, { priority: urgency[priority] });
}
