import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { database, urlOf } from './cluster.js';
import { refuseIfOwned } from './ownership.js';

const endSecondsMax = 60;

/** A server that a killed suite left behind is either on its way out (its guard saw us die) or owned by a living suite. */
export async function waitForFormerServer(cluster: string, password: string): Promise<void> {
  const deadline = Date.now() + endSecondsMax * 1000;
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

export async function readPostmaster(cluster: string): Promise<{ pid: number; port: number } | undefined> {
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
