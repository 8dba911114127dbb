import { EmbeddedPostgres } from '#libs/database';
import { freePort, makeDataDir, type RunningProcess, startApp } from './start-suite.js';

export const shapes = ['one process', 'four processes'] as const;
export type Shape = (typeof shapes)[number];

/** The suite, whole, in either shape. */
export interface RunningSuite {
  dicomweb: string;
  /** Where /api and the pages are. */
  url: string;
  processes: RunningProcess[];
  /** Stops every process, cleanly. @returns their exit statuses */
  stop(): Promise<(number | null)[]>;
  /** The same again on the same data. */
  restart(): Promise<RunningSuite>;
  /** Stops, and removes the data. */
  remove(): Promise<void>;
}

export async function startShape(shape: Shape, environment: Record<string, string> = {}): Promise<RunningSuite> {
  const { dataDir, remove } = await makeDataDir();
  if (shape === 'one process') return startOne(dataDir, environment, remove);
  const database = await makeDataDir();
  const postgres = await EmbeddedPostgres.start({ dataDir: database.dataDir });
  return startFour(dataDir, { ...environment, DATABASE_URL: postgres.url }, async () => {
    await postgres.stop();
    await database.remove();
    await remove();
  });
}

async function startOne(
  dataDir: string,
  environment: Record<string, string>,
  removeData: () => Promise<void>,
): Promise<RunningSuite> {
  const suite = await startApp({ dataDir, environment });
  return running([suite], suite, suite, () => startOne(dataDir, environment, removeData), removeData);
}

async function startFour(
  dataDir: string,
  environment: Record<string, string>,
  removeData: () => Promise<void>,
): Promise<RunningSuite> {
  const port = await freePort();
  const all = { ...environment, ISOCENTER_DICOMWEB_URL: `http://127.0.0.1:${port}/dicom-web` };
  const dicomweb = await startApp({ app: 'dicomweb', dataDir, port, environment: all });
  const [router, inference, storage] = await Promise.all(
    (['router', 'inference', 'storage'] as const).map((app) => startApp({ app, dataDir, environment: all })),
  );
  const processes = [dicomweb, router!, inference!, storage!];
  return running(processes, dicomweb, router!, () => startFour(dataDir, environment, removeData), removeData);
}

function running(
  processes: RunningProcess[],
  archive: RunningProcess,
  api: RunningProcess,
  restart: () => Promise<RunningSuite>,
  removeData: () => Promise<void>,
): RunningSuite {
  const stop = () => Promise.all(processes.map((one) => one.stop()));
  return {
    dicomweb: archive.dicomweb,
    url: api.url,
    processes,
    stop,
    restart,
    remove: async () => {
      await stop();
      await removeData();
    },
  };
}
