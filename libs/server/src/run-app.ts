import type { DynamicModule, Type } from '@nestjs/common';
import { type AppName, type Config, ConfigModule, freePort, loadConfig } from '#libs/config';
import { AuthModule } from '#libs/auth';
import { answerOthers, askAll, explainFailure, type Share } from '#libs/processes';
import {
  createDataSource,
  DatabaseModule,
  type DataSource,
  EmbeddedPostgres,
  migrate,
  refuseUnsafeSettings,
} from '#libs/database';
import { JobRunner, JobsModule, openBoss, startBoss } from '#libs/jobs';
import { createLogger, Health, type Logger, Metrics, TelemetryModule } from '#libs/telemetry';
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
 * @param share of one of several processes of a port; absent: this process does everything
 */
export async function runApp(
  name: AppName,
  parts: AppParts,
  onReady?: (running: RunningApp) => Promise<void>,
  share?: Share,
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
    const running = await start(name, parts, closers, share);
    if (share === undefined || (share.number === 1 && share.isFirstStart)) await onReady?.(running);
  } catch (error) {
    if (isStopping) return;
    explainFailure(error);
    await stop(1);
  }
}

async function start(
  name: AppName,
  parts: AppParts,
  closers: (() => Promise<unknown>)[],
  share: Share | undefined,
): Promise<RunningApp> {
  const config = await settle(loadConfig(name), share);
  // One of several processes does the jobs; all may send them.
  const handled = share === undefined || share.number === 1 ? parts.jobs : [];
  const logger = createLogger(name, config.logLevel);
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught: the process ends, and what it had begun is taken up at the next start');
    process.exit(1);
  });

  let databaseUrl = share?.databaseUrl ?? config.databaseUrl;
  if (databaseUrl === undefined) {
    const postgres = await EmbeddedPostgres.start({ dataDir: config.dataDir });
    closers.push(() => postgres.stop());
    databaseUrl = postgres.url;
  }
  const dataSource = createDataSource(databaseUrl);
  await dataSource.initialize();
  closers.push(() => dataSource.destroy());
  if (!config.acceptDataLoss) await refuseUnsafeSettings(dataSource);
  const boss =
    handled.length > 0 ? await prepare(dataSource, databaseUrl, logger) : await openBoss(databaseUrl, logger);

  const app = await createServer(
    rootModule(config, logger, dataSource, JobsModule.with(boss, handled), parts.modules, databaseUrl),
    config,
    logger,
  );
  closers.push(() => app.close());
  if (parts.hasConsole === true) await serveConsole(app);
  app.get(Health).register('database', async () => void (await dataSource.query('select 1')));
  if (share !== undefined) shareMetrics(app.get(Metrics), share);
  await app.listen(config.port, config.host);
  // Workers come last: their first act may be to ask this very server.
  await app.get(JobRunner).start();
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return { app, config, logger, dataSource, url: `http://${host}:${config.port}` };
}

/** Who asks one process for metrics is told of all. */
function shareMetrics(metrics: Metrics, { number }: Share): void {
  answerOthers(number, 'metrics', () => metrics.ofThisProcess());
  metrics.askProcesses = () => askAll('metrics');
}

/**
 * Port 0 means any free one; workers in this process must know it before the server listens. What is limited for a server
 * is divided among its processes.
 */
async function settle(config: Config, share: Share | undefined): Promise<Config> {
  const port = share?.port ?? (config.port === 0 ? await freePort(config.host) : config.port);
  const reachable = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  const host = reachable.includes(':') ? `[${reachable}]` : reachable;
  const part = (limit: number) => Math.ceil(limit / (share?.of ?? 1));
  return Object.freeze({
    ...config,
    port,
    dicomwebUrl: config.dicomwebUrl ?? `http://${host}:${port}/dicom-web`,
    imageWorkers: part(config.imageWorkers),
    limits: Object.freeze({
      ...config.limits,
      requestsAtOnceMax: part(config.limits.requestsAtOnceMax),
      uploadsAtOnceMax: part(config.limits.uploadsAtOnceMax),
    }),
  });
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
