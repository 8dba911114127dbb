import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Identity } from './identity.js';
import type { Programs } from './programs.js';
import { collectTail, environment } from './run-program.js';

const startSecondsMax = 60;

export interface Guarded {
  child: ChildProcess;
  tail: () => string;
}

/**
 * `cat` returns when the pipe from us closes: by stop(), by our exit, by kill -9. Then the server gets SIGINT (fast
 * shutdown). Detached, so that Ctrl-C in a terminal reaches us first and the server goes last.
 */
export function startGuarded(
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

/** @throws with the server's last words when it ends instead */
export async function waitUntilReady(guard: Guarded, url: string): Promise<void> {
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
