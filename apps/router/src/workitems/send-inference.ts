import type { Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import type { Priority } from '#libs/workitems';
import { urgency } from '../routing/evaluate-rules.js';

export interface InferenceOrder {
  workitemUid: string;
  priority: Priority;
  /** Not before; null: at once. */
  scheduledStart: Date | null;
}

/** Orders workers to perform AI workitems, the urgent ones first. A second order while the first waits changes nothing. */
export function sendInferences(jobs: JobQueue, tx: Transaction, orders: readonly InferenceOrder[]): Promise<void> {
  return jobs.sendAll(
    tx,
    'run-inference',
    orders.map(({ workitemUid, priority, scheduledStart }) => {
      const seconds = scheduledStart === null ? 0 : Math.ceil((scheduledStart.getTime() - Date.now()) / 1000);
      return {
        payload: { workitemUid },
        options: { priority: urgency[priority], ...(seconds > 0 && { startAfterSeconds: seconds }) },
      };
    }),
  );
}

/** {@link sendInferences} of one, at once. */
export function sendInference(jobs: JobQueue, tx: Transaction, workitemUid: string, priority: Priority): Promise<void> {
  return sendInferences(jobs, tx, [{ workitemUid, priority, scheduledStart: null }]);
}
