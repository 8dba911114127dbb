import path from 'node:path';
import pg from 'pg';

export class DataFolderInUseError extends Error {
  readonly code = 'data-folder-in-use';
}

// Any number, the same in every suite: whoever holds it owns the data folder.
const ownerLock = 7_210_801;

/** Takes the data folder for as long as the connection lives: a killed suite gives it back by dying. */
export async function own(url: string, dataDir: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // the pool's users see a lost server; this client only holds the lock
  await client.connect();
  const { rows } = await client.query<{ free: boolean }>('select pg_try_advisory_lock($1) as free', [ownerLock]);
  if (rows[0]?.free !== true) throw new DataFolderInUseError(`Another suite is running on ${dataDir}.`);
  return client;
}

/** @throws DataFolderInUseError when a living suite holds the folder of the server at `url` */
export async function refuseIfOwned(url: string, cluster: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined); // the server may end while we ask: then nobody owns it
  try {
    await client.connect();
    const { rows } = await client.query<{ free: boolean }>('select pg_try_advisory_lock($1) as free', [ownerLock]);
    if (rows[0]?.free === false) {
      throw new DataFolderInUseError(
        `Another suite is running on ${path.dirname(path.dirname(cluster))}. Stop it, or set ISOCENTER_DATA_DIR and ISOCENTER_PORT for a second one.`,
      );
    }
  } catch (error) {
    if (error instanceof DataFolderInUseError) throw error;
    // Refused or cut off: it is shutting down, and the caller waits for that.
  } finally {
    await client.end().catch(() => undefined);
  }
}
