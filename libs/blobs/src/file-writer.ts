import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { newBlobKey } from './blob-key.js';
import type { BlobWriter, ObjectDigests, StoredBlob } from './blob-store.js';
import { diskThread } from './disk-thread.js';
import type { DiskBytes, DiskResult, Mark } from './disk-worker.js';
import { wrap } from './file-error.js';
import { giveSlabBack, slabBytes, takeSlab } from './slabs.js';

// How many slabs of one blob are on their way before its sender has to wait.
const underWayMax = 3;

type Request = { kind: 'write' | 'digests' } | { kind: 'truncate'; bytes: number } | { kind: 'commit'; target: string };

/** A blob that is staged; see {@link FilesystemBlobStore}. Its bytes are hashed and written by another thread. */
export class FileWriter implements BlobWriter {
  private readonly blob = diskThread.begin();
  /** Behind the last byte that was given. */
  private position = 0;
  private slab: Buffer | undefined;
  private filled = 0;
  private marks: { position: number; mark: Mark }[] = [];
  private readonly underWay: Promise<void>[] = [];
  private failure: unknown;
  private isOver = false;
  private objects: ObjectDigests[] | undefined;

  /** Where it is staged, until the thread knows. */
  private file: string | undefined;

  constructor(private readonly root: string) {
    this.file = path.join(root, 'staging', randomUUID());
  }

  get bytes(): number {
    return this.position;
  }

  /** Writes behind: what was given is on its way to the file while the caller fetches more. */
  async write(chunk: Uint8Array): Promise<void> {
    const source = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < source.length;) {
      this.slab ??= takeSlab();
      const count = source.copy(this.slab, this.filled, at);
      this.filled += count;
      this.position += count;
      at += count;
      if (this.filled === slabBytes) await this.send();
    }
  }

  beginObject(): void {
    this.mark('object');
  }

  beginDataset(): void {
    this.mark('dataset');
  }

  endObject(): void {
    this.mark('end');
  }

  async digests(): Promise<ObjectDigests[]> {
    if (this.objects !== undefined) return this.objects;
    const { objects } = await this.ask({ kind: 'digests' }, 'A blob could not be written');
    return objects!;
  }

  async truncate(bytes: number): Promise<void> {
    if (bytes > this.position) throw new RangeError(`A blob of ${this.position} bytes cannot be cut to ${bytes}`);
    if (bytes === this.position && this.marks.length === 0) return;
    await this.ask({ kind: 'truncate', bytes }, 'A blob could not be cut');
    this.position = bytes;
  }

  async commit(): Promise<StoredBlob> {
    const key = newBlobKey();
    const target = path.join(this.root, key);
    const { sha256, objects } = await this.ask({ kind: 'commit', target }, 'A blob could not be made durable');
    this.objects = objects!;
    this.end();
    return { key, bytes: this.position, sha256: Buffer.from(sha256!) };
  }

  async abort(): Promise<void> {
    if (this.isOver) return;
    this.end();
    // The file goes away whatever became of it; what a thread that was lost has left is cleared with what is old.
    if (this.file === undefined) await diskThread.ask({ kind: 'abort', blob: this.blob }).catch(() => undefined);
  }

  private mark(mark: Mark): void {
    this.marks.push({ position: this.position, mark });
  }

  /** Hands over what waits, and with it what is asked. */
  private post(request: Request): Promise<DiskResult> {
    const { blob, file, filled, marks, slab } = this;
    let data: DiskBytes | undefined;
    if (slab !== undefined || marks.length > 0) {
      data = { memory: (slab ?? takeSlab()).buffer as ArrayBuffer, bytes: filled, marks };
      this.slab = undefined;
      this.filled = 0;
      this.marks = [];
    }
    this.file = undefined;
    return diskThread.ask({ ...request, blob, file, data });
  }

  private async send(): Promise<void> {
    const sent = this.post({ kind: 'write' }).then(
      () => undefined,
      (error: unknown) => void (this.failure ??= error),
    );
    this.underWay.push(sent);
    if (this.underWay.length > underWayMax) await this.underWay.shift();
    if (this.failure !== undefined) await this.fail(this.failure, 'A blob could not be written');
  }

  private async ask(request: Request, what: string): Promise<DiskResult> {
    try {
      // Behind a write that failed nothing may be made durable.
      await Promise.all(this.underWay.splice(0));
      if (this.failure !== undefined) throw this.failure;
      return await this.post(request);
    } catch (error) {
      return await this.fail(error, what);
    }
  }

  private async fail(error: unknown, what: string): Promise<never> {
    await this.abort();
    throw wrap(error, what);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.slab !== undefined) giveSlabBack(this.slab);
    this.slab = undefined;
    diskThread.end();
  }
}
