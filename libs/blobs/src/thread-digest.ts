import type { BlobDigest, DigestOptions } from './blob-store.js';
import type { DigestAnswer, DigestError, DigestMessage, DigestRequest } from './digest-worker.js';
import { IdleThread } from './idle-thread.js';

/** What an endpoint answered; of bytes that are hashed there is no body. */
export interface DigestResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

type Told<Message> = Message extends unknown ? Omit<Message, 'digest'> : never;

/**
 * A hash that is computed in a thread which also reads what is hashed, one thread a process. Both cost a processor more than
 * all else of a read, and the memory that chunks come in lets the garbage collector go through the whole heap again and again:
 * there it is small, and nobody waits for it.
 */
export class ThreadDigest {
  /** Bytes that were hashed. */
  bytes = 0;
  /** Why who asked for it wants it no more: the signal's reason, or what `take` threw. */
  givenUp: Error | undefined;
  private readonly id: number;
  private response = unanswered<DigestResponse>();
  private source = unanswered<void>();
  private readonly result = unanswered<BlobDigest>();
  private taking: Promise<void> = Promise.resolve();
  private failure: Error | undefined;
  private readonly stop = () => this.giveUp(this.options.signal!.reason as Error);

  /** @throws the signal's reason */
  constructor(private readonly options: DigestOptions = {}) {
    const { pieces, isWhole = pieces === undefined, signal } = options;
    signal?.throwIfAborted();
    this.id = thread.begin(this);
    this.post({ kind: 'begin', pieces: pieces && Float64Array.from(pieces), isWhole });
    signal?.addEventListener('abort', this.stop, { once: true });
  }

  /** Hashes a file to its end. @throws NodeJS.ErrnoException; the signal's reason; what `take` throws */
  file(file: string): Promise<void> {
    this.post({ kind: 'file', file });
    return this.over();
  }

  /**
   * Sends a request; what is in an answer of 200 or 206 is hashed behind what was before. One that was sent before is given up.
   * @throws Error as Node's requests do
   */
  request(request: DigestRequest): Promise<DigestResponse> {
    this.response = unanswered();
    this.source = unanswered();
    this.post({ kind: 'request', request });
    if (this.failure !== undefined) this.response.reject(this.failure);
    return this.response.promise;
  }

  /** Resolves when there is no more of the file or the answer. @throws Error when it broke off, and as {@link file} */
  async over(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await this.source.promise;
    await this.taking;
    if (this.failure !== undefined) throw this.failure;
  }

  async end(): Promise<BlobDigest> {
    this.post({ kind: 'end' });
    if (this.failure !== undefined) throw this.failure;
    return this.result.promise;
  }

  /** Whatever became of it: the thread forgets it. */
  close(): void {
    this.options.signal?.removeEventListener('abort', this.stop);
    this.post({ kind: 'drop' });
    thread.end(this.id);
  }

  answered(answer: DigestAnswer): void {
    switch (answer.kind) {
      case 'answered':
        this.response.resolve(answer);
        break;
      case 'refused':
        this.response.reject(errorOf(answer.error));
        break;
      case 'read':
        this.bytes += answer.bytes;
        this.taking = this.taking.then(() => this.take(answer.bytes));
        break;
      case 'over':
        if (answer.error === undefined) this.source.resolve();
        else this.source.reject(errorOf(answer.error));
        break;
      case 'done': {
        const { bytes, pieces, sha256 } = answer;
        const digests = Array.from({ length: pieces.length / 32 }, (_, index) =>
          Buffer.from(pieces.subarray(32 * index, 32 * (index + 1))),
        );
        this.result.resolve({ bytes, sha256: sha256 && Buffer.from(sha256), pieces: digests });
      }
    }
  }

  lose(error: Error): void {
    this.failure ??= error;
    this.response.reject(this.failure);
    this.source.reject(this.failure);
    this.result.reject(this.failure);
  }

  private async take(bytes: number): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await this.options.take?.(bytes);
      this.post({ kind: 'took', bytes });
    } catch (error) {
      this.giveUp(error as Error);
    }
  }

  private giveUp(reason: Error): void {
    this.givenUp ??= reason;
    this.lose(reason);
  }

  private post(message: Told<DigestMessage>): void {
    thread.post({ digest: this.id, ...message } as DigestMessage);
  }
}

/** Digests by their numbers, and the thread they are computed in. */
class DigestThread {
  private readonly digests = new Map<number, ThreadDigest>();
  private count = 0;
  private readonly thread = new IdleThread<DigestMessage, DigestAnswer>('digests', 'digest-worker', {
    answered: (answer) => this.digests.get(answer.digest)?.answered(answer),
    lost: (error) => {
      for (const digest of this.digests.values()) digest.lose(error);
    },
  });

  begin(digest: ThreadDigest): number {
    this.count += 1;
    this.digests.set(this.count, digest);
    return this.count;
  }

  end(id: number): void {
    this.digests.delete(id);
    if (this.digests.size === 0) this.thread.rest(true);
  }

  post(message: DigestMessage): void {
    this.thread.post(message);
  }
}

const thread = new DigestThread();

/** Whoever waits hears of a failure; where nobody does, it is none. */
function unanswered<Value>(): PromiseWithResolvers<Value> {
  const resolvers = Promise.withResolvers<Value>();
  resolvers.promise.catch(() => undefined);
  return resolvers;
}

const errorOf = ({ name, message, code }: DigestError): Error =>
  Object.assign(new Error(message), { name, ...(code !== undefined && { code }) });
