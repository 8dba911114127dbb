import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runLoop } from './measure.js';

export interface Limits {
  /** Writes of one CT slice's size with fdatasync after each, one after the other, a second. */
  durableSlices: number;
  /** The same after each 20. */
  durableBatches: number;
  /** Answers of a frame's size by a Node server that does nothing else, over one connection, a second. */
  nodeAnswers: number;
}

const sliceBytes = 526_000;

/** What this machine can do at most, with the same client and nothing behind it. */
export async function measureLimits(seconds: number): Promise<Limits> {
  return {
    durableSlices: writeDurably(seconds, 1),
    durableBatches: writeDurably(seconds, 20),
    nodeAnswers: await answerFromMemory(seconds),
  };
}

function writeDurably(seconds: number, slicesPerSync: number): number {
  const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-bench-'));
  const slice = Buffer.alloc(sliceBytes, 7);
  let written = 0;
  const end = performance.now() + seconds * 1000;
  const started = performance.now();
  try {
    while (performance.now() < end) {
      const file = openSync(path.join(folder, String(written)), 'w');
      for (let at = 0; at < slicesPerSync; at++) writeSync(file, slice);
      fdatasyncSync(file);
      closeSync(file);
      written += slicesPerSync;
    }
    return written / ((performance.now() - started) / 1000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function answerFromMemory(seconds: number): Promise<number> {
  const body = Buffer.alloc(512 * 512 * 2, 7);
  const server = createServer((_request, response) => {
    response.setHeader('content-length', body.length);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const task = { request: { path: '/', accept: '*/*' }, check: () => undefined };
  const { rate } = await runLoop({ name: 'limit', url, pids: [] }, { connections: 1, seconds, next: () => task });
  server.close();
  server.closeAllConnections();
  return rate;
}
