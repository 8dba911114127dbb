export const slabBytes = 512 * 1024;
// What a few uploads use at once; memory that is used again is no work for the garbage collector.
const keptMax = 32;

/** Memory that is shared with the thread that writes. */
export interface Slab {
  readonly number: number;
  readonly memory: SharedArrayBuffer;
  readonly bytes: Buffer;
}

/** Slabs of one thread: it keeps those it has seen, so they are used again and again. */
export class Slabs {
  private readonly free: Slab[] = [];
  private readonly known = new Set<number>();
  private made = 0;

  /** @param forget tells the thread that a slab will not come again */
  constructor(private readonly forget: (slab: number) => void) {}

  /** @returns {@link slabBytes} bytes, whatever was in them */
  take(): Slab {
    const slab = this.free.pop();
    if (slab !== undefined) return slab;
    const memory = new SharedArrayBuffer(slabBytes);
    return { number: (this.made += 1), memory, bytes: Buffer.from(memory) };
  }

  giveBack(slab: Slab): void {
    if (this.free.length < keptMax) this.free.push(slab);
    else if (this.known.delete(slab.number)) this.forget(slab.number);
  }

  /** What has to be sent of a slab's memory. */
  unknown({ number, memory }: Slab): SharedArrayBuffer | undefined {
    if (this.known.has(number)) return undefined;
    this.known.add(number);
    return memory;
  }

  /** The thread has ended, and its memory with it. */
  clear(): void {
    this.free.length = 0;
    this.known.clear();
  }
}
