import type { Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import type { Priority } from '#libs/workitems';
import { urgency } from '../routing/evaluate-rules.js';

/**
 * Orders a worker to perform an AI workitem, the urgent ones first. A second order while the first waits changes nothing.
 * @param scheduledStart not before; null: at once
 */
export function sendInference(
  jobs: JobQueue,
  tx: Transaction,
  workitemUid: string,
  priority: Priority,
  scheduledStart: Date | null,
): Promise<void> {
  const seconds = scheduledStart === null ? 0 : Math.ceil((scheduledStart.getTime() - Date.now()) / 1000);
  return jobs.send(
    tx,
    'run-inference',
    { workitemUid },
    { priority: urgency[priority], ...(seconds > 0 && { startAfterSeconds: seconds }) },
  );
}
