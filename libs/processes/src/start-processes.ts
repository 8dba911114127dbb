import cluster from 'node:cluster';
import { type AppName, type Config, freePort, loadConfig } from '#libs/config';
import { EmbeddedPostgres } from '#libs/database';
import { explainFailure } from './explain-failure.js';
import { askForShare, type Share } from './share.js';
import { Supervisor } from './supervisor.js';

/** Of the embedded server: what one more process may hold at most, and a few. */
const connectionsPerProcess = 40;
const connectionsOfOne = 60;

/**
 * Starts an app in as many processes as ISOCENTER_HTTP_PROCESSES says. With one, this is it. With more, this one holds the
 * port and the embedded database, hands connections to the others in turn, and replaces those that die: it serves nothing
 * itself, so that nothing it does can keep a connection waiting.
 * @param run starts the app in this process; imports it first, for this process may not need it
 */
export async function startProcesses(name: AppName, run: (share?: Share) => Promise<void>): Promise<void> {
  if (cluster.isWorker) return run(await askForShare());
  let config: Config;
  try {
    config = loadConfig(name);
  } catch (error) {
    explainFailure(error);
    process.exit(1);
  }
  return config.httpProcesses === 1 ? run() : lookAfter(config);
}

async function lookAfter(config: Config): Promise<void> {
  let supervisor: Supervisor | undefined;
  let postgres: EmbeddedPostgres | undefined;
  let isStopping = false;
  const stop = async (code: number) => {
    if (isStopping) return;
    isStopping = true;
    try {
      code = Math.max(code, (await supervisor?.stop()) ?? 0);
      await postgres?.stop();
    } catch (error) {
      code = 1;
      console.error(error);
    }
    process.exit(code);
  };
  // The terminal tells the others, too; they and we listen to it once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0));
  try {
    const { databaseUrl, httpProcesses: of } = config;
    if (databaseUrl === undefined) {
      const settings = { max_connections: String(connectionsOfOne + (of - 1) * connectionsPerProcess) };
      postgres = await EmbeddedPostgres.start({ dataDir: config.dataDir, settings });
    }
    const port = config.port === 0 ? await freePort(config.host) : config.port;
    supervisor = new Supervisor(config, { port, databaseUrl: databaseUrl ?? postgres!.url });
    // One that ended has said why.
    if (!(await supervisor.start())) await stop(1);
  } catch (error) {
    if (!isStopping) explainFailure(error);
    await stop(1);
  }
}
