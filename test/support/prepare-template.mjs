import { startBoss } from '../../dist/libs/jobs/src/index.js';
import { migrate } from '../../dist/libs/database/src/index.js';
import { createLogger } from '../../dist/libs/telemetry/src/index.js';

/** Migrates the database that every test file gets a clone of. */
export async function prepareTemplate(url, createDataSource) {
  const admin = await createDataSource(url, 1).initialize();
  await admin.query('create database template_isocenter');
  await admin.destroy();
  const template = new URL(url);
  template.pathname = '/template_isocenter';
  const dataSource = await createDataSource(template.href, 2).initialize();
  let boss;
  await migrate(dataSource, async () => {
    boss = await startBoss(template.href, createLogger('test', 'silent'));
  });
  await boss.stop({ graceful: false, close: true });
  await dataSource.destroy();
}
