import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import type { Identity } from './identity.js';
import type { Programs } from './programs.js';
import { runToEnd } from './run-program.js';

export const user = 'isocenter';
export const database = 'isocenter';

/** The password is the machine's own: generated once, readable by the suite's user only. */
export async function readPassword(dataDir: string): Promise<string> {
  const file = path.join(dataDir, 'postgres', 'password');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const password = randomBytes(24).toString('hex');
    await writeFile(file, password, { mode: 0o600 });
    return password;
  }
}

/** initdb into a side folder, renamed when whole: a start cut short leaves nothing that looks like a cluster. */
export async function initialiseOnce(
  programs: Programs,
  identity: Identity,
  cluster: string,
  password: string,
): Promise<void> {
  const hasCluster = await readFile(path.join(cluster, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
  if (hasCluster) return;

  const unfinished = `${cluster}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  const passwordFile = path.join(path.dirname(cluster), 'initial-password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (identity.spawnAs.uid !== undefined && identity.spawnAs.gid !== undefined) {
    await chown(unfinished, identity.spawnAs.uid, identity.spawnAs.gid);
    await chown(passwordFile, identity.spawnAs.uid, identity.spawnAs.gid);
  }
  await chmod(unfinished, 0o700);
  const command = [
    ...identity.prefix,
    programs.initdb,
    `--pgdata=${unfinished}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
  ];
  const { code, output } = await runToEnd(command, identity);
  await rm(passwordFile, { force: true });
  if (code !== 0) throw new Error(`initdb failed in ${unfinished} (exit ${code}):\n${output}`);
  await rename(unfinished, cluster);
}

export async function createDatabaseOnce(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  } finally {
    await client.end();
  }
}

/**
 * @param socketDirectory of the server's Unix socket, where it has one: a round trip over it takes two thirds of one over TCP
 * @returns the address of a database of the server, by its name
 */
export function urlOf(port: number, password: string, socketDirectory?: string): (name: string) => string {
  const host = socketDirectory === undefined ? '' : `?host=${encodeURIComponent(socketDirectory)}`;
  return (name) => `postgresql://${user}:${password}@127.0.0.1:${port}/${name}${host}`;
}

/** What a socket's address has room for, on Linux and, a little less, on macOS. */
const socketPathBytesMax = 103;

/** @returns where the server's Unix socket can be: in its own folder, which is closed to others; undefined for nowhere */
export function socketDirectoryIn(cluster: string): string | undefined {
  if (process.platform === 'win32') return undefined;
  const directory = path.resolve(cluster);
  // PostgreSQL takes a comma for the end of a directory's name.
  const isUsable =
    !directory.includes(',') && Buffer.byteLength(`${directory}/.s.PGSQL.65535.lock`) <= socketPathBytesMax;
  return isUsable ? directory : undefined;
}
