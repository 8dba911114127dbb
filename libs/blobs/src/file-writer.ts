import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { newBlobKey } from './blob-key.js';
import type { BlobWriter, ObjectDigests, StoredBlob } from './blob-store.js';
import { diskThread } from './disk-thread.js';
import type { DiskBytes, DiskRequest, DiskResult, Mark } from './disk-worker.js';
import { wrap } from './file-error.js';
import { type Slab, slabBytes } from './slabs.js';

// How many slabs of one blob are on their way before its sender has to wait.
const underWayMax = 3;

/** A blob that is staged; see {@link FilesystemBlobStore}. Its bytes are hashed and written by another thread. */
export class FileWriter implements BlobWriter {
  private readonly blob = diskThread.begin();
  /** Behind the last byte that was given. */
  private position = 0;
  private slab: Slab | undefined;
  private filled = 0;
  private marks: { position: number; mark: Mark }[] = [];
  private readonly underWay: Promise<void>[] = [];
  private failure: unknown;
  private isOver = false;
  private objects: ObjectDigests[] | undefined;

  private constructor(private readonly root: string) {}

  /** @throws BlobError */
  static async open(root: string): Promise<FileWriter> {
    const writer = new FileWriter(root);
    try {
      const file = path.join(root, 'staging', randomUUID());
      await diskThread.ask({ kind: 'open', blob: writer.blob, file });
      return writer;
    } catch (error) {
      writer.end();
      throw wrap(error, 'A blob could not be begun');
    }
  }

  get bytes(): number {
    return this.position;
  }

  /** Writes behind: what was given is on its way to the file while the caller fetches more. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      this.slab ??= diskThread.slabs.take();
      const count = Math.min(chunk.length - at, slabBytes - this.filled);
      this.slab.bytes.set(at === 0 && count === chunk.length ? chunk : chunk.subarray(at, at + count), this.filled);
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
    const { objects } = await this.ask(
      (data) => ({ kind: 'digests', blob: this.blob, data }),
      'A blob could not be read',
    );
    return objects!;
  }

  async truncate(bytes: number): Promise<void> {
    if (bytes > this.position) throw new RangeError(`A blob of ${this.position} bytes cannot be cut to ${bytes}`);
    if (bytes === this.position && this.marks.length === 0) return;
    await this.ask((data) => ({ kind: 'truncate', blob: this.blob, data, bytes }), 'A blob could not be cut');
    this.position = bytes;
  }

  async commit(): Promise<StoredBlob> {
    const key = newBlobKey();
    const target = path.join(this.root, key);
    const commit = (data: DiskBytes | undefined) => ({ kind: 'commit', blob: this.blob, data, target }) as const;
    const { sha256, objects } = await this.ask(commit, 'A blob could not be made durable');
    this.objects = objects!;
    this.end();
    return { key, bytes: this.position, sha256: Buffer.from(sha256!) };
  }

  async abort(): Promise<void> {
    if (this.isOver) return;
    this.end();
    // The file goes away whatever became of it; what a thread that was lost has left is cleared with what is old.
    await diskThread.ask({ kind: 'abort', blob: this.blob }).catch(() => undefined);
  }

  private mark(mark: Mark): void {
    this.marks.push({ position: this.position, mark });
  }

  /** What waits, for the thread to take. */
  private take(): { data: DiskBytes | undefined; slab: Slab | undefined } {
    if (this.slab === undefined && this.marks.length === 0) return { data: undefined, slab: undefined };
    const slab = this.slab ?? diskThread.slabs.take();
    const memory = diskThread.slabs.unknown(slab);
    const data = { slab: slab.number, memory, bytes: this.filled, marks: this.marks };
    this.slab = undefined;
    this.filled = 0;
    this.marks = [];
    return { data, slab };
  }

  private async send(): Promise<void> {
    const { data, slab } = this.take();
    const sent = diskThread.ask({ kind: 'write', blob: this.blob, data: data! }).then(
      () => diskThread.slabs.giveBack(slab!),
      (error: unknown) => {
        diskThread.slabs.giveBack(slab!);
        this.failure ??= error;
      },
    );
    this.underWay.push(sent);
    if (this.underWay.length > underWayMax) await this.underWay.shift();
    if (this.failure !== undefined) await this.fail(this.failure, 'A blob could not be written');
  }

  private async ask(request: (data: DiskBytes | undefined) => DiskRequest, what: string): Promise<DiskResult> {
    const { data, slab } = this.take();
    try {
      // Behind a write that failed nothing may be made durable.
      await Promise.all(this.underWay.splice(0));
      if (this.failure !== undefined) throw this.failure;
      return await diskThread.ask(request(data));
    } catch (error) {
      return await this.fail(error, what);
    } finally {
      if (slab !== undefined) diskThread.slabs.giveBack(slab);
    }
  }

  private async fail(error: unknown, what: string): Promise<never> {
    await this.abort();
    throw wrap(error, what);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.slab !== undefined) diskThread.slabs.giveBack(this.slab);
    this.slab = undefined;
    diskThread.end();
  }
}
