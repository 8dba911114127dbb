import type { ServerResponse } from 'node:http';

/** Sizes that are kept: bytes, each twice the one before. */
const bytesMin = 16 * 1024;
const bytesMax = 1024 * 1024;
/** Of all that wait to be used again. */
const keptBytesMax = 16 * 1024 * 1024;

const kept = new Map<number, Buffer[]>();
let keptBytes = 0;

/**
 * A buffer for the body of an answer, used again when that has gone out. New ones of this size for each answer have the
 * collector go through the whole heap tens of times a second: that took a third of the process's time.
 * @returns what it holds is undefined
 */
export function takeAnswerBuffer(bytes: number): Buffer {
  if (bytes < bytesMin || bytes > bytesMax) return Buffer.allocUnsafe(bytes);
  const size = sizeFor(bytes);
  const buffer = kept.get(size)?.pop();
  if (buffer === undefined) return Buffer.allocUnsafeSlow(size).subarray(0, bytes);
  keptBytes -= size;
  return buffer.subarray(0, bytes);
}

/** Call it before the answer is sent: when its last byte has left the process, the buffer is free. */
export function reuseWhenSent(response: ServerResponse, buffer: Buffer): void {
  const size = buffer.buffer.byteLength;
  if (buffer.length < bytesMin || size !== sizeFor(buffer.length)) return;
  // An answer that was cut off never finishes, and its buffer is left to the collector.
  response.once('finish', () => {
    if (keptBytes + size > keptBytesMax) return;
    keptBytes += size;
    const whole = Buffer.from(buffer.buffer);
    const list = kept.get(size);
    if (list === undefined) kept.set(size, [whole]);
    else list.push(whole);
  });
}

function sizeFor(bytes: number): number {
  return Math.max(bytesMin, 2 ** Math.ceil(Math.log2(bytes)));
}
