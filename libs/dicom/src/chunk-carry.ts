const smallest = 256;

/**
 * The bytes a push parser has not consumed, joined with what comes next. Copies no more of a chunk than the parser asks
 * for, and keeps none of it.
 */
export class ChunkCarry {
  private buffer: Buffer = Buffer.alloc(smallest);
  private length = 0;

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Bytes still missing to `wanted`. */
  missing(wanted: number): number {
    return Math.max(0, wanted - this.length);
  }

  append(bytes: Buffer): void {
    const needed = this.length + bytes.length;
    if (needed > this.buffer.length) {
      // Grown as bytes come, never by what a length field claims; doubled, so that single bytes cost no square.
      const larger = Buffer.alloc(Math.max(needed, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    bytes.copy(this.buffer, this.length);
    this.length = needed;
  }

  drop(count: number): void {
    this.buffer.copyWithin(0, count, this.length);
    this.length -= count;
    if (this.length === 0 && this.buffer.length > 1024 * smallest) this.buffer = Buffer.alloc(smallest);
  }
}
