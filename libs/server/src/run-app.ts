import type { DynamicModule, Type } from '@nestjs/common';
import { type AppName, type Config, ConfigModule, freePort, loadConfig } from '#libs/config';
import { AuthModule } from '#libs/auth';
import {
  createDataSource,
  DatabaseModule,
  type DataSource,
  EmbeddedPostgres,
  migrate,
  refuseUnsafeSettings,
} from '#libs/database';
import { JobRunner, JobsModule, startBoss } from '#libs/jobs';
import { createLogger, Health, type Logger, TelemetryModule } from '#libs/telemetry';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createServer } from './create-server.js';
import { serveConsole } from './serve-console.js';
import { ServerModule } from './server.module.js';

export interface AppParts {
  /** Nest modules of the apps in this process. */
  modules: Type[];
  /** The apps whose jobs this process handles. */
  jobs: Exclude<AppName, 'suite'>[];
  hasConsole?: boolean;
}

export interface RunningApp {
  app: NestFastifyApplication;
  config: Config;
  logger: Logger;
  dataSource: DataSource;
  /** Where it answers, without a trailing slash. */
  url: string;
}

/**
 * Starts one process of the suite: configuration, database (embedded where none is given), schema, jobs, HTTP; stops it
 * on SIGINT or SIGTERM, the database last. A start that fails says why and exits with 1.
 */
export async function runApp(
  name: AppName,
  parts: AppParts,
  onReady?: (running: RunningApp) => Promise<void>,
): Promise<void> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async (code: number) => {
    for (const close of closers.splice(0).reverse()) {
      await close().catch((error: unknown) => {
        code = 1;
        console.error(error);
      });
    }
    process.exit(code);
  };
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // npm and the terminal may both send it; only an impatient person sends it again seconds later.
      if (isStopping) return;
      isStopping = true;
      void stop(0);
    });
  }
  try {
    const running = await start(name, parts, closers);
    await onReady?.(running);
  } catch (error) {
    if (isStopping) return;
    console.error(isForTheOperator(error) ? error.message : error);
    await stop(1);
  }
}

/** What the operator can mend is said in a sentence, without a stack. */
function isForTheOperator(error: unknown): error is Error {
  const codes = ['invalid-configuration', 'data-folder-in-use', 'EADDRINUSE', 'EACCES'];
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

async function start(name: AppName, parts: AppParts, closers: (() => Promise<unknown>)[]): Promise<RunningApp> {
  const config = await settle(loadConfig(name));
  const logger = createLogger(name, config.logLevel);
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught: the process ends, and what it had begun is taken up at the next start');
    process.exit(1);
  });

  let databaseUrl = config.databaseUrl;
  if (databaseUrl === undefined) {
    const postgres = await EmbeddedPostgres.start({ dataDir: config.dataDir });
    closers.push(() => postgres.stop());
    databaseUrl = postgres.url;
  }
  const dataSource = createDataSource(databaseUrl);
  await dataSource.initialize();
  closers.push(() => dataSource.destroy());
  if (!config.acceptDataLoss) await refuseUnsafeSettings(dataSource);
  const boss = await prepare(dataSource, databaseUrl, logger);

  const app = await createServer(
    rootModule(config, logger, dataSource, JobsModule.with(boss, parts.jobs), parts.modules, databaseUrl),
    config,
    logger,
  );
  closers.push(() => app.close());
  if (parts.hasConsole === true) await serveConsole(app);
  app.get(Health).register('database', async () => void (await dataSource.query('select 1')));
  await app.listen(config.port, config.host);
  // Workers come last: their first act may be to ask this very server.
  await app.get(JobRunner).start();
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return { app, config, logger, dataSource, url: `http://${host}:${config.port}` };
}

/** Port 0 means any free one; workers in this process must know it before the server listens. */
async function settle(config: Config): Promise<Config> {
  const port = config.port === 0 ? await freePort(config.host) : config.port;
  const reachable = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  const host = reachable.includes(':') ? `[${reachable}]` : reachable;
  return Object.freeze({ ...config, port, dicomwebUrl: config.dicomwebUrl ?? `http://${host}:${port}/dicom-web` });
}

async function prepare(dataSource: DataSource, url: string, logger: Logger) {
  let boss: Awaited<ReturnType<typeof startBoss>> | undefined;
  await migrate(dataSource, async () => {
    boss = await startBoss(url, logger);
  });
  if (boss === undefined) throw new Error('The job queue did not start');
  return boss;
}

function rootModule(
  config: Config,
  logger: Logger,
  dataSource: DataSource,
  jobs: DynamicModule,
  modules: Type[],
  databaseUrl: string,
): DynamicModule {
  return {
    module: class RootModule {},
    imports: [
      ConfigModule.with(config),
      TelemetryModule.with(logger),
      DatabaseModule.with(dataSource, databaseUrl),
      AuthModule,
      ServerModule,
      jobs,
      ...modules,
    ],
  };
}
