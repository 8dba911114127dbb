import path from 'node:path';
import { database, readPassword, urlOf } from './cluster.js';
import { readPostmaster } from './former-server.js';

/** Where the embedded server of a running suite answers: for tools that work beside it. @returns undefined when none runs */
export async function findRunningServer(dataDir: string): Promise<string | undefined> {
  const running = await readPostmaster(path.join(dataDir, 'postgres', 'cluster'));
  return running === undefined ? undefined : urlOf(running.port, await readPassword(dataDir))(database);
}
