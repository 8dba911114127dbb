import { BlobStores } from '#libs/blobs';
import { openStores } from '#libs/archive';
import { type Config, loadConfig } from '#libs/config';
import { createDataSource, type DataSource, EmbeddedPostgres, findRunningServer } from '#libs/database';
import { Health } from '#libs/telemetry';

/** Database and stores of an installation, for a command beside it. */
export interface OpenedArchive {
  config: Config;
  databaseUrl: string;
  dataSource: DataSource;
  stores: BlobStores;
  close(): Promise<void>;
}

/**
 * Opens what the environment names: the given database, or the embedded one, whose server is started when no suite runs
 * on the data folder.
 */
export async function openArchive(): Promise<OpenedArchive> {
  const config = loadConfig('suite');
  const closers: (() => Promise<unknown>)[] = [];
  let databaseUrl = config.databaseUrl ?? (await reachable(await findRunningServer(config.dataDir)));
  if (databaseUrl === undefined) {
    const postgres = await EmbeddedPostgres.start({ dataDir: config.dataDir });
    closers.push(() => postgres.stop());
    databaseUrl = postgres.url;
  }
  // Statements of a check take as long as they take.
  const dataSource = await createDataSource(databaseUrl, 10, 24 * 3600).initialize();
  closers.push(() => dataSource.destroy());
  const stores = await openStores(config, new Health());
  return {
    config,
    databaseUrl,
    dataSource,
    stores,
    close: async () => {
      for (const close of closers.reverse()) await close();
    },
  };
}

/** A file of a server that was killed may name one that is no more. */
async function reachable(url: string | undefined): Promise<string | undefined> {
  if (url === undefined) return undefined;
  try {
    const dataSource = await createDataSource(url, 1).initialize();
    await dataSource.destroy();
    return url;
  } catch {
    return undefined;
  }
}
