import type { ByteRange } from './parse-range.js';

/** A part whose bytes can be read straight into their place. */
export interface FillablePart {
  /** Of the body, bytes. */
  length: number;
  /** Fills `target` with bytes of the body, from `start` on. */
  readInto: (start: number, target: Uint8Array) => Promise<void>;
}

/** Where one thing after the other lies in the whole. */
export interface FillableMultipart<P extends FillablePart> {
  parts: readonly P[];
  headOf: (part: P, index: number) => Buffer;
  end: Buffer;
}

/** Of a large answer; one is read while the one before it goes out. */
const chunkBytes = 512 * 1024;

/** As many as are on their way at most: one at the socket, one that waits for it, one being filled; and one to spare. */
const chunksAtOnce = 4;

/** Fills `target` with the whole's bytes from `start` on, each body read into its place. */
export function fillRange<P extends FillablePart>(
  multipart: FillableMultipart<P>,
  start: number,
  target: Uint8Array,
): Promise<void> {
  return new RangeFiller(multipart, start).fill(target);
}

/**
 * The range chunk by chunk, without regard to where parts begin and end. The chunks are the same few over and over: who
 * takes the fourth one is done with the first.
 */
export async function* fillChunks<P extends FillablePart>(
  multipart: FillableMultipart<P>,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  const filler = new RangeFiller(multipart, start);
  const ring: Buffer[] = [];
  let at = start;
  let count = 0;
  const next = (): Promise<Uint8Array> | undefined => {
    if (at === end) return undefined;
    const whole = (ring[count % chunksAtOnce] ??= Buffer.allocUnsafeSlow(chunkBytes));
    const chunk = whole.subarray(0, Math.min(chunkBytes, end - at));
    count += 1;
    at += chunk.length;
    const filled = filler.fill(chunk).then(() => chunk);
    // Heard when its turn comes, or never, when the reader goes away.
    filled.catch(() => undefined);
    return filled;
  };
  for (let coming = next(); coming !== undefined;) {
    const chunk = await coming;
    coming = next();
    yield chunk;
  }
}

/** Goes through the parts once, from the range's start on. */
class RangeFiller<P extends FillablePart> {
  /** The part that comes next; behind the last one stands the end. */
  private index = 0;
  private head: Buffer;
  /** What of that part, its head first, has been given. */
  private given = 0;

  constructor(
    private readonly multipart: FillableMultipart<P>,
    start: number,
  ) {
    this.head = this.headOf(0);
    let left = start;
    while (left >= this.pieceBytes && this.index < multipart.parts.length) {
      left -= this.pieceBytes;
      this.forward();
    }
    this.given = left;
  }

  async fill(target: Uint8Array): Promise<void> {
    const reads: Promise<void>[] = [];
    for (let at = 0; at < target.length;) {
      if (this.given >= this.pieceBytes) this.forward();
      if (this.given < this.head.length) {
        const copied = this.head.copy(target, at, this.given);
        this.given += copied;
        at += copied;
        continue;
      }
      const part = this.multipart.parts[this.index]!;
      const from = this.given - this.head.length;
      const piece = target.subarray(at, at + Math.min(target.length - at, part.length - from));
      if (piece.length > 0) reads.push(part.readInto(from, piece));
      this.given += piece.length;
      at += piece.length;
    }
    // All of them, or the buffer would be used again while it is written to.
    const failed = (await Promise.allSettled(reads)).find((read) => read.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  private forward(): void {
    this.index += 1;
    this.given = 0;
    this.head = this.headOf(this.index);
  }

  private headOf(index: number): Buffer {
    const { parts, headOf, end } = this.multipart;
    return index < parts.length ? headOf(parts[index]!, index) : end;
  }

  private get pieceBytes(): number {
    return this.head.length + (this.multipart.parts[this.index]?.length ?? 0);
  }
}
