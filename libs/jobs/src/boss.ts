import type { Logger } from '#libs/telemetry';
import { type ConstructorOptions, PgBoss } from 'pg-boss';
import { prepareQueues } from './job-queue.js';
import { statementName } from './statement-name.js';

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

function makeBoss(logger: Logger, options: ConstructorOptions): PgBoss {
  const boss = new PgBoss(options);
  boss.on('error', (error) => logger.error({ err: error }, 'job queue'));
  boss.on('warning', (warning) => logger.warn({ warning }, 'job queue'));
  prepareStatements(boss);
  return boss;
}

/** What of pg-boss's connections is not in its types. */
interface BossDatabase {
  executeSql(text: string, values?: unknown[]): Promise<unknown>;
  /** Absent before it is opened. */
  pool?: { query(statement: { name: string; text: string; values: unknown[] }): Promise<unknown> };
}

/** Its statements are long, and few: each is planned once a connection. Those without values may be several, which cannot be. */
function prepareStatements(boss: PgBoss): void {
  const database = boss.getDb() as unknown as BossDatabase;
  const executeSql = database.executeSql.bind(database);
  database.executeSql = (text, values = []) =>
    values.length > 0 && database.pool !== undefined
      ? database.pool.query({ name: statementName(text), text, values })
      : executeSql(text, values);
}
