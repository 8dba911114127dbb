import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import path from 'node:path';

const readBytes = 256 * 1024;

/** A stretch of the spool. */
export interface SpooledBytes {
  readonly offset: number;
  readonly bytes: number;
}

/** The disk cannot take what is to be spooled: `spool-unavailable`, answered with 503. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly code = 'spool-unavailable';
}

/** A request wants to spool more than it may: `too-much-bulk-data`, answered with 413. */
export class SpoolLimitError extends Error {
  override readonly name = 'SpoolLimitError';
  readonly code = 'too-much-bulk-data';
}

/**
 * What of a request has to wait on disk. Its file has no name once it is open: it goes with the process, however that
 * ends.
 */
export class Spool {
  private bytes = 0;

  private constructor(
    private readonly file: FileHandle,
    private readonly bytesMax: number,
  ) {}

  /** @throws SpoolError */
  static async open(folder: string, bytesMax: number): Promise<Spool> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const name = path.join(folder, randomUUID());
      const file = await open(name, 'wx+', 0o600);
      await unlink(name);
      return new Spool(file, bytesMax);
    } catch (cause) {
      throw new SpoolError('Bulk data cannot be held on the disk of this server', { cause });
    }
  }

  /** @throws SpoolError, SpoolLimitError, and what `body` throws */
  async append(body: AsyncIterable<Uint8Array>): Promise<SpooledBytes> {
    const offset = this.bytes;
    for await (const chunk of body) {
      if (this.bytes + chunk.length > this.bytesMax) {
        throw new SpoolLimitError(`A request may have ${this.bytesMax} bytes of bulk data beside its metadata`);
      }
      try {
        for (let at = 0; at < chunk.length;) {
          const { bytesWritten } = await this.file.write(chunk, at, chunk.length - at, this.bytes + at);
          at += bytesWritten;
        }
      } catch (cause) {
        throw new SpoolError('The disk of this server does not take more bulk data', { cause });
      }
      this.bytes += chunk.length;
    }
    return { offset, bytes: this.bytes - offset };
  }

  /** In chunks, each a buffer of its own. */
  async *read({ offset, bytes }: SpooledBytes): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < bytes;) {
      const chunk = await this.peek({ offset: offset + at, bytes: Math.min(readBytes, bytes - at) });
      at += chunk.length;
      yield chunk;
    }
  }

  /** All of a stretch that is known to be small. @throws SpoolError */
  async peek({ offset, bytes }: SpooledBytes): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(bytes);
    for (let at = 0; at < bytes;) {
      const { bytesRead } = await this.file.read(buffer, at, bytes - at, offset + at).catch((cause: unknown) => {
        throw new SpoolError('Bulk data cannot be read back from the disk of this server', { cause });
      });
      if (bytesRead === 0) throw new SpoolError('Bulk data is shorter on disk than it was written');
      at += bytesRead;
    }
    return buffer;
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
