import type { Logger } from '#libs/telemetry';
import { type ConstructorOptions, PgBoss } from 'pg-boss';
import { prepareQueues } from './job-queue.js';

/**
 * Starts pg-boss in the schema `jobs` of the database at `url` (its own migrations run here) and prepares the queues.
 * Lost workers are looked for every few seconds, so that work cut off by a kill goes on soon after the next start.
 */
export async function startBoss(url: string, logger: Logger): Promise<PgBoss> {
  const boss = makeBoss(logger, {
    ...connection(url),
    max: 6,
    useListenNotify: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
  await boss.start();
  await prepareQueues(boss);
  return boss;
}

/** For a process that only sends jobs, beside one that {@link startBoss} was called in. */
export async function openBoss(url: string, logger: Logger): Promise<PgBoss> {
  const boss = makeBoss(logger, { ...connection(url), max: 2, migrate: false, supervise: false, schedule: false });
  await boss.start();
  return boss;
}

function connection(url: string) {
  return { connectionString: url, schema: 'jobs', application_name: 'isocenter-jobs' };
}

/**
 * Its own statements are planned each time, a third of a millisecond, and not once a connection: a plan made while the queue was empty
 * reads all of it, and what came since, for as long as it is kept. That took 9 ms more of each study that was analysed.
 */
function makeBoss(logger: Logger, options: ConstructorOptions): PgBoss {
  const boss = new PgBoss(options);
  boss.on('error', (error) => logger.error({ err: error }, 'job queue'));
  boss.on('warning', (warning) => logger.warn({ warning }, 'job queue'));
  return boss;
}
