import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthModule } from '#libs/auth';
import { ConfigModule, loadConfig } from '#libs/config';
import { DatabaseModule } from '#libs/database';
import { JobQueue, JobRunner, JobsModule, startBoss } from '#libs/jobs';
import { createLogger, TelemetryModule } from '#libs/telemetry';
import { RouterModule } from '../../../apps/router/src/router.module.js';
import { createServer } from '../../../libs/server/src/create-server.js';
import type { TestDatabase } from '../database.js';

export interface RunningRouter {
  app: NestFastifyApplication;
  jobs: JobQueue;
  url: string;
  stop(): Promise<void>;
}

/** The router app in this process, with its HTTP, its jobs and its events, on a database of the test's own. */
export async function startRouter(db: TestDatabase, environment: Record<string, string>): Promise<RunningRouter> {
  const config = loadConfig('suite', { DATABASE_URL: db.url, ...environment });
  const logger = createLogger('test', process.env['ISOCENTER_LOG_LEVEL'] ?? 'silent');
  const boss = await startBoss(db.url, logger);
  const root = {
    module: class Root {},
    imports: [
      ConfigModule.with(config),
      TelemetryModule.with(logger),
      DatabaseModule.with(db.dataSource, db.url),
      AuthModule,
      JobsModule.with(boss, ['router']),
      RouterModule,
    ],
  };
  const app = await createServer(root, config, logger);
  await app.listen(0, '127.0.0.1');
  await app.get(JobRunner).start();
  return { app, jobs: new JobQueue(boss), url: await app.getUrl(), stop: () => app.close() };
}
