import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '#libs/config';

export { freePort };

const root = path.resolve(import.meta.dirname, '../..');
const readySecondsMax = 180;

export interface RunningProcess {
  readonly url: string;
  readonly dicomweb: string;
  readonly process: ChildProcess;
  /** What it printed so far. */
  output(): string;
  /** Its exit status, when it has ended by itself or was stopped. */
  ended: Promise<number | null>;
  /** SIGTERM, and wait for a clean end. @returns the exit status */
  stop(): Promise<number | null>;
  /** SIGKILL: the process gets no chance to tidy up. */
  kill(): Promise<void>;
}

export interface StartOptions {
  app?: 'suite' | 'dicomweb' | 'router' | 'inference' | 'storage';
  dataDir: string;
  port?: number;
  environment?: Record<string, string>;
}

/** Starts what we ship and waits until it is ready. */
export async function startApp(options: StartOptions): Promise<RunningProcess> {
  const running = await launchApp(options);
  try {
    await waitUntilReady(running);
  } catch (error) {
    running.process.kill('SIGKILL');
    throw error;
  }
  return running;
}

/** Runs what we ship, `node dist/apps/<app>/src/main.js`. Samples are off unless asked for. */
export async function launchApp({
  app = 'suite',
  dataDir,
  port,
  environment = {},
}: StartOptions): Promise<RunningProcess> {
  const chosen = port ?? (await freePort());
  const child = spawn(process.execPath, ['--enable-source-maps', path.join(root, `dist/apps/${app}/src/main.js`)], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/tmp',
      ISOCENTER_PORT: String(chosen),
      ISOCENTER_DATA_DIR: dataDir,
      ISOCENTER_SAMPLES: 'off',
      ISOCENTER_QUIET_PERIOD_SECONDS: '1',
      // Set for the tests, it is tried by all of them.
      ISOCENTER_HTTP_PROCESSES: process.env['ISOCENTER_HTTP_PROCESSES'] ?? '',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-200_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = once(child, 'exit').then(() => child.exitCode);
  const url = `http://127.0.0.1:${chosen}`;
  return {
    url,
    dicomweb: `${url}/dicom-web`,
    process: child,
    output: () => output,
    ended,
    stop: () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function waitUntilReady(running: RunningProcess): Promise<void> {
  const deadline = Date.now() + readySecondsMax * 1000;
  let last = 'no answer';
  while (Date.now() < deadline) {
    if (running.process.exitCode !== null || running.process.signalCode !== null) {
      throw new Error(`The process ended before it was ready:\n${running.output()}`);
    }
    try {
      const response = await fetch(`${running.url}/health/ready`);
      if (response.ok) return;
      last = await response.text();
    } catch (error) {
      last = String(error);
    }
    await sleep(100);
  }
  throw new Error(`Not ready after ${readySecondsMax} s (${last}):\n${running.output()}`);
}

/** A data folder that goes away with the test. */
export async function makeDataDir(): Promise<{ dataDir: string; remove(): Promise<void> }> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'isocenter-e2e-'));
  return { dataDir, remove: () => rm(dataDir, { recursive: true, force: true }) };
}

/** Asks again and again until `look` gives something, for what happens in its own time. */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined>, secondsMax = 180): Promise<T> {
  const deadline = Date.now() + secondsMax * 1000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(200);
  }
  throw new Error(`Waited ${secondsMax} s in vain for ${what}`);
}
