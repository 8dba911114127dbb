/** Of one size; as many as are at work at a time. */
const sameSizeMax = 4;

/**
 * Memory that is used again: that of a frame and its picture, half a megabyte each, costs the garbage collector more than
 * drawing does. What is taken has the values of its last use: whoever takes it writes all of it before anything is read.
 */
export class MemoryPool {
  private readonly free = new Map<number, ArrayBuffer[]>();
  private bytes = 0;

  /** @param bytesMax kept for later, altogether */
  constructor(private readonly bytesMax: number) {}

  /** Not cleared: every byte has to be written. */
  take(bytes: number): ArrayBuffer {
    const found = this.free.get(bytes)?.pop();
    if (found === undefined) return new ArrayBuffer(bytes);
    this.bytes -= bytes;
    return found;
  }

  /** Nothing may read or write it from now on. */
  give(memory: ArrayBuffer): void {
    const bytes = memory.byteLength;
    if (this.bytes + bytes > this.bytesMax) {
      // Other sizes are asked for now than those that are kept.
      this.free.clear();
      this.bytes = 0;
      if (bytes > this.bytesMax) return;
    }
    const same = this.free.get(bytes) ?? [];
    if (same.length >= sameSizeMax) return;
    same.push(memory);
    this.free.set(bytes, same);
    this.bytes += bytes;
  }
}
