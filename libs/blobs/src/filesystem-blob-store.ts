import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, readdir, rm, stat, statfs, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { BlobError } from './blob-error.js';
import { isBlobKey } from './blob-key.js';
import type { BlobDigest, BlobStore, BlobWriter, DigestOptions } from './blob-store.js';
import { wrap } from './file-error.js';
import { FileWriter } from './file-writer.js';
import { OpenFiles } from './open-files.js';
import { ThreadDigest } from './thread-digest.js';

const createOnly = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const folders = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, '0'));

// A read each of Node's default 64 KiB costs more than copying the bytes; a reader holds two of these.
const readBytes = 256 * 1024;

/**
 * Blobs as files. A blob is staged, synced, renamed into its place, and the folder synced: after commit a power cut does
 * not take it back, and before it nobody sees it. Staging is on the same file system, so that the rename is one step.
 */
export class FilesystemBlobStore implements BlobStore {
  readonly isLocal = true;
  private readonly files = new OpenFiles();

  private constructor(
    readonly name: string,
    private readonly root: string,
  ) {}

  /** Makes the folders, durably. */
  static async open(name: string, root: string): Promise<FilesystemBlobStore> {
    const store = new FilesystemBlobStore(name, root);
    await mkdir(root, { recursive: true, mode: 0o700 });
    const present = new Set(await readdir(root));
    const missing = [...folders, 'staging'].filter((folder) => !present.has(folder));
    for (const folder of missing) await mkdir(path.join(root, folder), { recursive: true, mode: 0o700 });
    if (missing.length > 0) {
      await syncDirectory(root);
      await syncDirectory(path.dirname(path.resolve(root)));
    }
    return store;
  }

  /** Its file is made with the first bytes that are on their way. */
  async write(): Promise<BlobWriter> {
    return new FileWriter(this.root);
  }

  read(key: string): Promise<Readable> {
    return this.openRange(key);
  }

  readRange(key: string, offset: number, length: number): Promise<Readable> {
    return this.openRange(key, { offset, length });
  }

  async readInto(key: string, offset: number, target: Uint8Array): Promise<void> {
    const file = this.pathOf(key);
    if (offset < 0 || target.length === 0)
      throw new BlobError('blob-invalid-range', `${target.length} bytes from ${offset} are no range`);
    let size: number | undefined;
    try {
      size = await this.files.read(file, offset, target);
    } catch (error) {
      throw wrap(error, `Blob ${key}`);
    }
    if (size !== undefined) throw beyond(key, size, offset, target.length);
  }

  async digest(key: string, options: DigestOptions = {}): Promise<BlobDigest> {
    const file = this.pathOf(key);
    const digest = new ThreadDigest(options);
    try {
      await digest.file(file);
      return await digest.end();
    } catch (error) {
      throw digest.givenUp ?? wrap(error, `Blob ${key}`);
    } finally {
      digest.close();
    }
  }

  async head(key: string): Promise<{ bytes: number } | undefined> {
    try {
      return { bytes: (await stat(this.pathOf(key))).size };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw wrap(error, `Blob ${key}`);
    }
  }

  async delete(key: string): Promise<void> {
    const file = this.pathOf(key);
    this.files.forget(file);
    try {
      await unlink(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw wrap(error, `Blob ${key} could not be deleted`);
    }
  }

  async *list(): AsyncGenerator<{ key: string; bytes: number; modifiedAt: Date }> {
    for (const folder of folders) {
      for await (const entry of await opendir(path.join(this.root, folder))) {
        const key = `${folder}/${entry.name}`;
        if (!isBlobKey(key)) continue;
        const found = await stat(this.pathOf(key)).catch(() => undefined); // deleted meanwhile
        if (found !== undefined) yield { key, bytes: found.size, modifiedAt: found.mtime };
      }
    }
  }

  /** Staged files older than `before` belong to writers that are gone. @returns how many were removed */
  async clearStaging(before: Date): Promise<number> {
    const staging = path.join(this.root, 'staging');
    let removed = 0;
    for (const name of await readdir(staging)) {
      const file = path.join(staging, name);
      const found = await stat(file).catch(() => undefined);
      if (found === undefined || found.mtime >= before) continue;
      await rm(file, { force: true });
      removed += 1;
    }
    return removed;
  }

  /** Writes, syncs and removes a byte, in a file of its own: a full, failing or read-only disk shows here. */
  async probe(): Promise<void> {
    const staged = path.join(this.root, 'staging', randomUUID());
    try {
      const handle = await open(staged, createOnly, 0o600);
      try {
        await handle.write(Buffer.from([0]));
        await handle.datasync();
      } finally {
        await handle.close();
        await rm(staged, { force: true });
      }
    } catch (error) {
      throw wrap(error, `The folder ${this.root} cannot be written`);
    }
  }

  async space(): Promise<{ bytesFree: number; bytesTotal: number }> {
    const { bavail, blocks, bsize } = await statfs(this.root);
    return { bytesFree: bavail * bsize, bytesTotal: blocks * bsize };
  }

  private async openRange(key: string, range?: { offset: number; length: number }): Promise<Readable> {
    const file = this.pathOf(key);
    let handle: FileHandle;
    try {
      handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      throw wrap(error, `Blob ${key}`);
    }
    try {
      const { size } = await handle.stat();
      if (range === undefined) return handle.createReadStream({ highWaterMark: readBytes });
      const { offset, length } = range;
      if (offset < 0 || length <= 0 || offset + length > size) {
        throw beyond(key, size, offset, length);
      }
      return handle.createReadStream({ start: offset, end: offset + length - 1, highWaterMark: readBytes });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private pathOf(key: string): string {
    if (!isBlobKey(key)) throw new BlobError('blob-not-found', `${JSON.stringify(key.slice(0, 80))} is no blob key`);
    return path.join(this.root, key);
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function beyond(key: string, size: number, offset: number, length: number): BlobError {
  return new BlobError('blob-invalid-range', `Blob ${key} has ${size} bytes; ${length} from ${offset} were asked for`);
}
