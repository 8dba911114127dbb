import { DicomError } from './errors.js';

/**
 * The bytes that have come and not been read, for a reader written as a generator: it asks, and yields while there is
 * too little. Holds at most one chunk and what is asked for at once.
 */
export class ByteSource {
  private buffer: Buffer = Buffer.alloc(0);
  private at = 0;
  private hasEnded = false;
  /** Of the next byte to be read, from the first of the object. */
  position = 0;

  push(chunk: Buffer): void {
    this.buffer = this.at < this.buffer.length ? Buffer.concat([this.buffer.subarray(this.at), chunk]) : chunk;
    this.at = 0;
  }

  end(): void {
    this.hasEnded = true;
  }

  /** All bytes that are here and not read yet. */
  get rest(): Buffer {
    return this.buffer.subarray(this.at);
  }

  /** Waits until `count` bytes are here. @returns false when the object ends before */
  *has(count: number): Generator<void, boolean> {
    while (this.buffer.length - this.at < count) {
      if (this.hasEnded) return false;
      yield;
    }
    return true;
  }

  /** @returns the next bytes without reading them; ask {@link has} first */
  peek(count: number): Buffer {
    return this.buffer.subarray(this.at, this.at + count);
  }

  /** @param where for the error when the object ends before */
  *take(count: number, where: () => string): Generator<void, Buffer> {
    if (this.buffer.length - this.at >= count) return this.advance(count);
    // Collected piece by piece: joining the buffer anew with each chunk would cost its square.
    const pieces: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (!(yield* this.has(1))) throw truncated(where(), this.position, missing);
      const piece = this.advance(Math.min(missing, this.buffer.length - this.at));
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** Passes over bytes without keeping them. */
  *skip(count: number, where: () => string): Generator<void, void> {
    let missing = count;
    while (missing > 0) {
      if (!(yield* this.has(1))) throw truncated(where(), this.position, missing);
      missing -= this.advance(Math.min(missing, this.buffer.length - this.at)).length;
    }
  }

  private advance(count: number): Buffer {
    const bytes = this.buffer.subarray(this.at, this.at + count);
    this.at += count;
    this.position += count;
    return bytes;
  }
}

function truncated(where: string, position: number, missing: number): DicomError {
  return new DicomError('truncated', `The object ends at byte ${position}, ${missing} bytes short, in ${where}`);
}
