import type { Logger } from '#libs/telemetry';
import { PgBoss } from 'pg-boss';
import { prepareQueues } from './job-queue.js';

/**
 * Starts pg-boss in the schema `jobs` of the database at `url` (its own migrations run here) and prepares the queues.
 * Lost workers are looked for every few seconds, so that work cut off by a kill goes on soon after the next start.
 */
export async function startBoss(url: string, logger: Logger): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString: url,
    schema: 'jobs',
    application_name: 'isocenter-jobs',
    max: 6,
    useListenNotify: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
  boss.on('error', (error) => logger.error({ err: error }, 'job queue'));
  boss.on('warning', (warning) => logger.warn({ warning }, 'job queue'));
  await boss.start();
  await prepareQueues(boss);
  return boss;
}
