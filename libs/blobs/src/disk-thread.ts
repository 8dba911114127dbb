import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { DiskAnswer, DiskRequest, DiskResult } from './disk-worker.js';
import { giveSlabBack } from './slabs.js';

const idleMilliseconds = 60_000;

interface Pending {
  resolve: (result: DiskResult) => void;
  reject: (error: Error) => void;
}

/**
 * The thread that hashes blobs and writes them, one a process: the event loop is left to requests, and a blob costs two
 * messages instead of a hand-over to Node's pool of threads for each call of the file system. Starts with the first
 * request, and ends when it has had nothing to do for a minute.
 */
class DiskThread {
  private worker: Worker | undefined;
  private readonly pending = new Map<number, Pending>();
  private requests = 0;
  private blobs = 0;
  private idle: NodeJS.Timeout | undefined;
  /** Blobs that this thread has open: it does not end under them. */
  private open = 0;

  /** A number for a blob that is to be written. */
  begin(): number {
    this.open += 1;
    return (this.blobs += 1);
  }

  end(): void {
    this.open -= 1;
    this.rest();
  }

  /** In the order of the calls, but for `commit`, which others go past. @throws NodeJS.ErrnoException */
  ask(body: DiskRequest): Promise<DiskResult> {
    return new Promise((resolve, reject) => {
      const worker = this.started();
      const request = (this.requests += 1);
      if (this.pending.size === 0) worker.ref();
      this.pending.set(request, { resolve, reject });
      worker.postMessage({ request, body }, body.data === undefined ? [] : [body.data.memory]);
    });
  }

  private started(): Worker {
    clearTimeout(this.idle);
    if (this.worker !== undefined) return this.worker;
    // From the sources, in tests, Node runs the TypeScript itself.
    const compiled = new URL('./disk-worker.js', import.meta.url);
    const worker = new Worker(existsSync(compiled) ? compiled : new URL('./disk-worker.ts', import.meta.url), {
      name: 'disk',
    });
    this.worker = worker;
    worker.unref();
    worker.on('message', (answer: DiskAnswer) => this.settle(answer));
    worker.on('error', (error: Error) => this.lose(worker, error));
    worker.on('exit', () => this.lose(worker, new Error('The thread that writes blobs has ended')));
    return worker;
  }

  private settle(answer: DiskAnswer): void {
    const pending = this.pending.get(answer.request);
    this.pending.delete(answer.request);
    if (answer.memory !== undefined) giveSlabBack(Buffer.from(answer.memory));
    if (this.pending.size === 0) this.rest();
    if ('result' in answer) pending?.resolve(answer.result);
    else pending?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
  }

  private rest(): void {
    if (this.pending.size > 0) return;
    this.worker?.unref();
    clearTimeout(this.idle);
    if (this.open > 0 || this.worker === undefined) return;
    this.idle = setTimeout(() => {
      const worker = this.worker;
      this.worker = undefined;
      void worker?.terminate();
    }, idleMilliseconds).unref();
  }

  private lose(worker: Worker, error: Error): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

export const diskThread = new DiskThread();
