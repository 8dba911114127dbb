import type { Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';

/** Orders a forward to be sent, at its time. A second order while the first waits changes nothing. */
export function sendForward(
  jobs: JobQueue,
  tx: Transaction,
  forwardId: string,
  scheduledStart: Date | null,
): Promise<void> {
  const seconds = scheduledStart === null ? 0 : Math.ceil((scheduledStart.getTime() - Date.now()) / 1000);
  return jobs.send(tx, 'forward-study', { forwardId }, seconds > 0 ? { startAfterSeconds: seconds } : {});
}
