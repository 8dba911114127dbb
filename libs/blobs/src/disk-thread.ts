import type { DiskAnswer, DiskRequest, DiskResult } from './disk-worker.js';
import { IdleThread } from './idle-thread.js';
import { giveSlabBack } from './slabs.js';

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
  private readonly thread = new IdleThread<{ request: number; body: DiskRequest }, DiskAnswer>('disk', 'disk-worker', {
    answered: (answer) => this.settle(answer),
    lost: (error) => this.lose(error),
  });
  private readonly pending = new Map<number, Pending>();
  private requests = 0;
  private blobs = 0;
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
      const request = (this.requests += 1);
      this.pending.set(request, { resolve, reject });
      this.thread.post({ request, body }, body.data === undefined ? [] : [body.data.memory]);
    });
  }

  private settle(answer: DiskAnswer): void {
    const pending = this.pending.get(answer.request);
    this.pending.delete(answer.request);
    if (answer.memory !== undefined) giveSlabBack(Buffer.from(answer.memory));
    this.rest();
    if ('result' in answer) pending?.resolve(answer.result);
    else pending?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
  }

  private rest(): void {
    if (this.pending.size === 0) this.thread.rest(this.open === 0);
  }

  private lose(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

export const diskThread = new DiskThread();
