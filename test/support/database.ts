import { randomBytes } from 'node:crypto';
import { createDataSource, type DataSource } from '#libs/database';
import { JobQueue, startBoss } from '#libs/jobs';
import { createLogger } from '#libs/telemetry';

export interface TestDatabase {
  dataSource: DataSource;
  url: string;
  /** A queue whose jobs land in this database's tables; nobody works them. */
  jobs(): Promise<JobQueue>;
  drop(): Promise<void>;
}

/** A database of its own, cloned from the migrated template: for one test file, or one test. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env['ISOCENTER_TEST_DATABASE'];
  if (server === undefined) throw new Error('No test database: run through `npm test` (project "database").');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = await createDataSource(server, 1).initialize();
  await admin.query(`create database ${name} template template_isocenter strategy file_copy`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const dataSource = await createDataSource(url.href).initialize();
  const closers: (() => Promise<unknown>)[] = [];
  return {
    dataSource,
    url: url.href,
    jobs: async () => {
      const boss = await startBoss(url.href, createLogger('test', 'silent'));
      closers.push(() => boss.stop({ graceful: false, close: true }));
      return new JobQueue(boss);
    },
    drop: async () => {
      for (const close of closers) await close();
      await dataSource.destroy();
      await admin.query(`drop database ${name} with (force)`);
      await admin.destroy();
    },
  };
}
