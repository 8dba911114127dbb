/** Bytes of a stream, so many at a time. */
export class ByteCursor {
  private readonly chunks: AsyncIterator<Buffer>;
  private left: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, as they come. @throws Error when the stream ends before */
  async *pass(length: number): AsyncGenerator<Buffer> {
    for (let missing = length; missing > 0;) {
      if (this.left.length === 0) await this.next(missing);
      const piece = this.left.subarray(0, missing);
      this.left = this.left.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }

  /** The next `length` bytes together, in memory of their own. @throws Error when the stream ends before */
  async take(length: number): Promise<Buffer> {
    const taken = Buffer.allocUnsafeSlow(length);
    let at = 0;
    for await (const piece of this.pass(length)) at += piece.copy(taken, at);
    return taken;
  }

  /** Reads no more. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private async next(missing: number): Promise<void> {
    const { done, value } = await this.chunks.next();
    if (done === true) throw new Error(`The stream ended with ${missing} bytes missing`);
    this.left = value;
  }
}
