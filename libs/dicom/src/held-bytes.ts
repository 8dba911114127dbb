/** Bytes that have come and were not given out, by their offsets in the object. */
export class HeldBytes {
  start = 0;
  private chunks: Buffer[] = [];

  get length(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** @param chunk the caller's to use again afterwards */
  append(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk));
  }

  slice(from: number, to: number): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return (this.chunks[0] ?? Buffer.alloc(0)).subarray(from - this.start, to - this.start);
  }

  *take(upTo: number): Generator<Buffer, void> {
    while (this.chunks.length > 0 && this.start < upTo) {
      const chunk = this.chunks[0]!;
      const count = Math.min(chunk.length, upTo - this.start);
      this.start += count;
      if (count === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(count);
      if (count > 0) yield chunk.subarray(0, count);
    }
  }

  drop(upTo: number): void {
    for (const chunk of this.take(upTo)) void chunk;
  }
}
