import type { IncomingMessage } from 'node:http';
import { letReadersGoFirst } from './readers-first.js';

const bufferBytes = 256 * 1024;
/** Node reads so much from a connection at once. */
const readBytes = 64 * 1024;
// Two for each of a few uploads at once.
const keptMax = 16;
const free: Buffer[] = [];

/**
 * The body of a request as it comes, in memory that is used again: what is given is overwritten when the next is asked
 * for. Each of Node's own chunks is memory of its own outside the heap, and the garbage collector goes through the whole
 * heap for every few tens of megabytes of it; here they are copied, and freed at once.
 *
 * The connection stays as it is when the reader gives up: the answer goes out by it.
 * @throws when the sender hangs up
 */
export function requestBody(request: IncomingMessage): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => new RequestBody(request) };
}

class RequestBody implements AsyncIterator<Buffer, void> {
  /** Is filled while the reader works on the other. */
  private filling = takeBuffer();
  private filled = 0;
  private reading = takeBuffer();
  /** What did not fit. */
  private rest: Buffer | undefined;
  private hasEnded = false;
  private failure: Error | undefined;
  private waiting: (() => void) | undefined;
  private waking: NodeJS.Immediate | undefined;
  private isOver = false;
  private hasBegun = false;

  constructor(private readonly request: IncomingMessage) {
    request.on('data', this.onData).on('end', this.onEnd).on('error', this.onError).on('close', this.onClose);
    if (request.readableEnded) this.hasEnded = true;
    else if (request.destroyed) this.onClose();
  }

  async next(): Promise<IteratorResult<Buffer, void>> {
    if (this.hasBegun) await letReadersGoFirst();
    this.hasBegun = true;
    while (this.filled === 0) {
      if (this.failure !== undefined) {
        await this.return();
        throw this.failure;
      }
      if (this.hasEnded || this.isOver) return this.return();
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
    const value = this.filling.subarray(0, this.filled);
    [this.filling, this.reading] = [this.reading, this.filling];
    this.filled = 0;
    const { rest } = this;
    this.rest = undefined;
    if (rest !== undefined) this.take(rest);
    if (this.request.isPaused()) this.request.resume();
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Buffer, void>> {
    if (!this.isOver) {
      this.isOver = true;
      this.request
        .off('data', this.onData)
        .off('end', this.onEnd)
        .off('error', this.onError)
        .off('close', this.onClose);
      if (!this.hasEnded) this.request.pause();
      giveBufferBack(this.filling);
      giveBufferBack(this.reading);
    }
    return { done: true, value: undefined };
  }

  private readonly onData = (chunk: Buffer) => {
    this.take(chunk);
    if (this.rest !== undefined || this.filled + readBytes > bufferBytes) {
      this.request.pause();
      this.wake();
    } else if (this.waking === undefined) {
      // What the connection has brought already comes before: fewer and larger chunks.
      this.waking = setImmediate(() => {
        this.waking = undefined;
        this.wake();
      });
    }
  };

  private readonly onEnd = () => {
    this.hasEnded = true;
    this.wake();
  };

  private readonly onError = (error: Error) => {
    this.failure ??= error;
    this.wake();
  };

  private readonly onClose = () => {
    if (!this.hasEnded) this.failure ??= Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    this.wake();
  };

  private take(chunk: Buffer): void {
    const count = Math.min(chunk.length, bufferBytes - this.filled);
    chunk.copy(this.filling, this.filled, 0, count);
    this.filled += count;
    if (count < chunk.length) this.rest = chunk.subarray(count);
    // Nobody else has it: Node copies what a connection brings into memory made for this chunk.
    else if (chunk.length === chunk.buffer.byteLength) (chunk.buffer as ArrayBuffer).transfer(0);
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = undefined;
  }
}

const takeBuffer = () => free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);

function giveBufferBack(buffer: Buffer): void {
  if (free.length < keptMax) free.push(buffer);
}
