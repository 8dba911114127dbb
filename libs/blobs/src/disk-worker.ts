import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { parentPort } from 'node:worker_threads';

// The thread in which blobs are hashed and written. It imports nothing of ours, and its types can be left out as they
// stand: so it starts from its source, too.

/** Digests of an object within a blob, 32 bytes each. */
export interface ObjectDigests {
  /** SHA-256 of all of it. */
  sha256: Uint8Array;
  /** SHA-256 from where its dataset begins to its end. */
  datasetSha256: Uint8Array;
}

/** What begins or ends at a position of the blob. */
export type Mark = 'object' | 'dataset' | 'end';

/** Bytes that follow those before. Their memory goes over to the thread, and comes back with its answer. */
export interface DiskBytes {
  memory: ArrayBuffer;
  bytes: number;
  /** Ascending, from the first of these bytes to behind the last. */
  marks: readonly { position: number; mark: Mark }[];
}

/** `file`, with the first request of a blob alone: where it is staged. */
export type DiskRequest = { blob: number; file?: string | undefined; data?: DiskBytes | undefined } & (
  | { kind: 'write' }
  | { kind: 'truncate'; bytes: number }
  | { kind: 'digests' }
  | { kind: 'commit'; target: string }
  | { kind: 'abort' }
);

export interface DiskResult {
  /** For `commit`: of the whole blob. */
  sha256?: Uint8Array;
  /** For `commit` and `digests`: of the objects that have ended and were not taken back, in order. */
  objects?: ObjectDigests[];
}

export type DiskAnswer = { request: number; memory: ArrayBuffer | undefined } & (
  { result: DiskResult } | { error: { message: string; code?: string | undefined } }
);

const createOnly = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const syncFile = promisify(fdatasync);
const syncFolder = promisify(fsync);
const newHash = () => createHash('sha256');

interface OpenObject {
  start: number;
  /** Undefined for the first of a blob: its bytes are all that the blob has hashed. */
  whole: Hash | undefined;
  dataset: Hash | undefined;
}

class DiskBlob {
  /** Where it is staged, and then where it stays. */
  private file: string;
  private readonly fd: number;
  private isOpen = true;
  private position = 0;
  private hash: Hash = newHash();
  /** The blob's hash as it was where the last object began: for taking that object back. */
  private before: { position: number; hash: Hash } | undefined;
  private isCut = false;
  private object: OpenObject | undefined;
  private objects: { end: number; digests: ObjectDigests }[] = [];

  constructor(file: string) {
    this.file = file;
    this.fd = openSync(file, createOnly, 0o600);
  }

  write(data: DiskBytes): void {
    this.put(data);
    this.hashAll(data);
  }

  truncate(bytes: number): void {
    ftruncateSync(this.fd, bytes);
    this.position = bytes;
    this.object = undefined;
    this.objects = this.objects.filter(({ end }) => end <= bytes);
    if (bytes === 0) {
      this.hash = newHash();
      this.isCut = false;
    } else if (this.before?.position === bytes) this.hash = this.before.hash.copy();
    else this.isCut = true;
  }

  digests(): ObjectDigests[] {
    return this.objects.map(({ digests }) => digests);
  }

  /**
   * Durable when it returns, under its name. What came last is hashed while the disk is busy.
   * A failed sync is final: the kernel drops the pages and calls them clean, so asking again would lie.
   */
  async commit(target: string, data: DiskBytes | undefined): Promise<Uint8Array> {
    if (data !== undefined) this.put(data);
    renameSync(this.file, target);
    this.file = target;
    const folder = openSync(path.dirname(target), constants.O_RDONLY | constants.O_DIRECTORY);
    // All of them, for what is still being synced cannot be closed.
    const outcomes = await Promise.allSettled([syncFile(this.fd), syncFolder(folder), this.hashLast(data)]);
    closeSync(folder);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    const sha256 = this.isCut ? this.hashAgain() : this.hash.digest();
    this.close();
    return sha256;
  }

  abort(): void {
    this.close();
    rmSync(this.file, { force: true });
  }

  private put({ memory, bytes }: DiskBytes): void {
    const all = new Uint8Array(memory, 0, bytes);
    for (let done = 0; done < bytes;) done += writeSync(this.fd, all, done, bytes - done, this.position + done);
  }

  private hashAll({ memory, bytes, marks }: DiskBytes): void {
    const all = new Uint8Array(memory, 0, bytes);
    const start = this.position;
    let at = 0;
    for (const { position, mark } of marks) {
      this.take(all.subarray(at, position - start));
      at = position - start;
      this.mark(mark);
    }
    this.take(all.subarray(at));
  }

  private async hashLast(data: DiskBytes | undefined): Promise<void> {
    if (data !== undefined) this.hashAll(data);
  }

  private take(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.hash.update(bytes);
    this.object?.whole?.update(bytes);
    this.object?.dataset?.update(bytes);
    this.position += bytes.length;
  }

  private mark(mark: Mark): void {
    if (mark === 'object') {
      const start = this.position;
      if (start > 0 && !this.isCut) this.before = { position: start, hash: this.hash.copy() };
      this.object = { start, whole: start === 0 ? undefined : newHash(), dataset: undefined };
    } else if (this.object === undefined) {
      throw new Error(`${mark} where no object has begun`);
    } else if (mark === 'dataset') {
      this.object.dataset = newHash();
    } else {
      const { whole = this.hash.copy(), dataset = newHash() } = this.object;
      const digests = { sha256: whole.digest(), datasetSha256: dataset.digest() };
      this.objects.push({ end: this.position, digests });
      this.object = undefined;
    }
  }

  /** Of what was kept, after a cut at any other place than an object's beginning. */
  private hashAgain(): Uint8Array {
    const hash = newHash();
    const buffer = Buffer.alloc(1024 * 1024);
    const fd = openSync(this.file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer))
        hash.update(buffer.subarray(0, read));
    } finally {
      closeSync(fd);
    }
    return hash.digest();
  }

  private close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    closeSync(this.fd);
  }
}

const blobs = new Map<number, DiskBlob>();

async function act(request: DiskRequest): Promise<DiskResult> {
  const { blob: number, file, data } = request;
  if (request.kind === 'abort') {
    blobs.get(number)?.abort();
    blobs.delete(number);
    return {};
  }
  if (file !== undefined) blobs.set(number, new DiskBlob(file));
  const blob = blobs.get(number);
  if (blob === undefined) throw new Error('The blob is not open');
  if (data !== undefined && request.kind !== 'commit') blob.write(data);
  switch (request.kind) {
    case 'write':
      return {};
    case 'truncate':
      blob.truncate(request.bytes);
      return {};
    case 'digests':
      return { objects: blob.digests() };
    case 'commit':
      try {
        const sha256 = await blob.commit(request.target, data);
        return { sha256, objects: blob.digests() };
      } catch (error) {
        blob.abort();
        throw error;
      } finally {
        blobs.delete(number);
      }
  }
}

parentPort?.on('message', ({ request, body }: { request: number; body: DiskRequest }) => {
  const memory = body.data?.memory;
  const answer = (outcome: { result: DiskResult } | { error: { message: string; code?: string | undefined } }) =>
    parentPort?.postMessage({ request, memory, ...outcome } satisfies DiskAnswer, memory === undefined ? [] : [memory]);
  act(body).then(
    (result) => answer({ result }),
    ({ message, code }: NodeJS.ErrnoException) => answer({ error: { message, code } }),
  );
});
