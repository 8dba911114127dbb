import { type ChildProcess, spawn } from 'node:child_process';
import type { Identity } from './identity.js';

/** Runs a program to its end. */
export async function runToEnd([program = '', ...args]: string[], identity: Identity) {
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

/** Keeps the last output of a child for error messages, and lets it go on otherwise. */
export function collectTail(child: ChildProcess): () => string {
  let tail = '';
  const keep = (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-4_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => tail;
}

/** Only what PostgreSQL needs: no secrets of ours, no locale surprises. */
export function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}
