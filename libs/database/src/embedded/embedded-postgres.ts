import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '#libs/config';
import type pg from 'pg';
import { createDatabaseOnce, database, initialiseOnce, readPassword, socketDirectoryIn, urlOf } from './cluster.js';
import { waitForFormerServer } from './former-server.js';
import { startGuarded, waitUntilReady } from './guarded-server.js';
import { chooseIdentity } from './identity.js';
import { own } from './ownership.js';
import { findPrograms } from './programs.js';

export interface EmbeddedPostgresOptions {
  /** The cluster lives in `<dataDir>/postgres`, made on the first start. */
  dataDir: string;
  /** Server settings over our own, for tests (`fsync: 'off'`). */
  settings?: Record<string, string>;
}

const ourSettings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
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
 * A real PostgreSQL of our own, from npm's binaries. It listens on a free loopback port, and on a Unix socket where that
 * can be, with a generated password, and ends with the process that started it, however that ends: a guard shell holds a
 * pipe from us and stops the server when the pipe closes.
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
    const socketDirectory = socketDirectoryIn(cluster);
    const url = urlOf(port, password, socketDirectory);
    const sockets = { unix_socket_directories: socketDirectory ?? '', unix_socket_permissions: '0700' };
    const ours = { ...ourSettings, ...sockets, port: String(port) };
    const guard = startGuarded(programs, identity, cluster, { ...ours, ...settings });
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
