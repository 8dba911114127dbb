/** Bytes that are put one behind the other, a few at a time, and taken as one. */
export class GatheredBytes {
  private held = Buffer.allocUnsafe(4096);
  length = 0;

  add(bytes: Buffer): void {
    const length = this.length + bytes.length;
    if (length > this.held.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.held.length));
      this.held.copy(larger, 0, 0, this.length);
      this.held = larger;
    }
    // Most are a handful: a call to copy them takes longer than they do.
    if (bytes.length <= 16) for (let at = 0; at < bytes.length; at++) this.held[this.length + at] = bytes[at]!;
    else this.held.set(bytes, this.length);
    this.length = length;
  }

  /** A copy: what is gathered next does not touch it. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.length);
    this.held.copy(taken, 0, 0, this.length);
    this.length = 0;
    return taken;
  }
}
