import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { ArchiveClass, BlobDigest, BlobStore, BlobWriter, DigestOptions, WriteOptions } from './blob-store.js';

/** What is fetched and kept together: a few slices, and one request. */
const blockBytes = 1024 ** 2;
/** A longer range is passed through: it is read once, and would drive out what is read again. */
const cachedRangeMax = 16 * blockBytes;

interface Block {
  file: string;
  bytes: number;
}

/**
 * A store that is far away, with what is read from it kept on the local disk up to a size, the longest unused going first.
 * Blobs never change, so nothing kept is ever wrong. The folder is emptied when the store is opened: what is in it is
 * nobody's only copy.
 */
export class CachedBlobStore implements BlobStore {
  /** By key and number of the block; the one used last comes last. */
  private readonly blocks = new Map<string, Block>();
  private readonly loading = new Map<string, Promise<Buffer>>();
  private readonly sizes = new Map<string, number>();
  private bytes = 0;
  readonly hits = { blocks: 0, misses: 0 };

  private constructor(
    private readonly store: BlobStore,
    private readonly folder: string,
    private readonly bytesMax: number,
  ) {}

  static async open(store: BlobStore, folder: string, bytesMax: number): Promise<CachedBlobStore> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new CachedBlobStore(store, folder, bytesMax);
  }

  get name(): string {
    return this.store.name;
  }

  get archive(): ArchiveClass | undefined {
    return this.store.archive;
  }

  /** The store behind the cache. */
  get behind(): BlobStore {
    return this.store;
  }

  get cached(): { bytes: number; bytesMax: number; hits: number; misses: number } {
    return { bytes: this.bytes, bytesMax: this.bytesMax, hits: this.hits.blocks, misses: this.hits.misses };
  }

  write(options?: WriteOptions): Promise<BlobWriter> {
    return this.store.write(options);
  }

  read(key: string): Promise<Readable> {
    return this.store.read(key);
  }

  async readRange(key: string, offset: number, length: number): Promise<Readable> {
    if (offset < 0 || length <= 0 || length > cachedRangeMax) return this.store.readRange(key, offset, length);
    const bytes = await this.range(key, offset, length);
    return bytes === undefined ? this.store.readRange(key, offset, length) : Readable.from([bytes]);
  }

  async readInto(key: string, offset: number, target: Uint8Array): Promise<void> {
    const { length } = target;
    const bytes =
      offset < 0 || length === 0 || length > cachedRangeMax ? undefined : await this.range(key, offset, length);
    if (bytes === undefined) return this.store.readInto(key, offset, target);
    target.set(bytes);
  }

  /** Of what is in the store itself. */
  digest(key: string, options?: DigestOptions): Promise<BlobDigest> {
    return this.store.digest(key, options);
  }

  head(key: string): Promise<{ bytes: number } | undefined> {
    return this.store.head(key);
  }

  async delete(key: string): Promise<void> {
    await this.store.delete(key);
    this.sizes.delete(key);
    for (const name of this.blocks.keys()) if (name.startsWith(`${key}#`)) await this.drop(name);
  }

  list(): AsyncIterable<{ key: string; bytes: number; modifiedAt: Date }> {
    return this.store.list();
  }

  async clearStaging(before: Date): Promise<number> {
    return (await this.store.clearStaging?.(before)) ?? 0;
  }

  probe(): Promise<void> {
    return this.store.probe();
  }

  /** @returns undefined when the range is not within the blob: the store says it better */
  private async range(key: string, offset: number, length: number): Promise<Buffer | undefined> {
    const size = await this.sizeOf(key);
    if (size === undefined || offset + length > size) return undefined;
    const first = Math.floor(offset / blockBytes);
    const last = Math.floor((offset + length - 1) / blockBytes);
    const parts = await this.fetch(key, size, first, last);
    return Buffer.concat(parts).subarray(offset - first * blockBytes, offset - first * blockBytes + length);
  }

  private async sizeOf(key: string): Promise<number | undefined> {
    const known = this.sizes.get(key);
    if (known !== undefined) return known;
    const found = await this.store.head(key);
    if (found === undefined) return undefined;
    if (this.sizes.size > 100_000) this.sizes.clear();
    this.sizes.set(key, found.bytes);
    return found.bytes;
  }

  /** The blocks from `first` to `last`: those that are here, and those that are not by one request each gap. */
  private async fetch(key: string, size: number, first: number, last: number): Promise<Buffer[]> {
    const wanted = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const here = await Promise.all(wanted.map((number) => this.local(`${key}#${number}`)));
    const missing = wanted.filter((_, index) => here[index] === undefined);
    if (missing.length === 0) return here as Buffer[];
    const from = missing[0]!;
    const to = missing.at(-1)!;
    const name = `${key}#${from}-${to}`;
    let loading = this.loading.get(name);
    if (loading === undefined) {
      loading = this.load(key, from * blockBytes, Math.min(size, (to + 1) * blockBytes) - from * blockBytes);
      this.loading.set(name, loading);
      loading
        .then(
          (bytes) => this.keep(key, from, bytes),
          () => undefined,
        )
        .finally(() => this.loading.delete(name));
    }
    const bytes = await loading;
    return wanted.map((number, index) => {
      const at = (number - from) * blockBytes;
      return number >= from && number <= to ? bytes.subarray(at, at + blockBytes) : here[index]!;
    });
  }

  private async load(key: string, offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    await this.store.readInto(key, offset, bytes);
    return bytes;
  }

  private async local(name: string): Promise<Buffer | undefined> {
    const block = this.blocks.get(name);
    if (block === undefined) {
      this.hits.misses += 1;
      return undefined;
    }
    this.blocks.delete(name);
    this.blocks.set(name, block);
    const bytes = Buffer.allocUnsafe(block.bytes);
    try {
      const handle = await open(block.file, 'r');
      try {
        const { bytesRead } = await handle.read(bytes, 0, block.bytes, 0);
        if (bytesRead !== block.bytes) throw new Error('short');
      } finally {
        await handle.close();
      }
    } catch {
      await this.drop(name); // somebody emptied the folder, or the disk is bad: the store has it still
      return undefined;
    }
    this.hits.blocks += 1;
    return bytes;
  }

  /** A cache that cannot be written is none, and no failure. */
  private async keep(key: string, from: number, bytes: Buffer): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; at += blockBytes) {
        const name = `${key}#${from + at / blockBytes}`;
        if (this.blocks.has(name)) continue;
        const block = bytes.subarray(at, at + blockBytes);
        const file = path.join(this.folder, randomUUID());
        await writeFile(`${file}.new`, block, { mode: 0o600 });
        await rename(`${file}.new`, file);
        this.blocks.set(name, { file, bytes: block.length });
        this.bytes += block.length;
        while (this.bytes > this.bytesMax) await this.drop(this.blocks.keys().next().value!);
      }
    } catch {
      this.sizes.delete(key);
    }
  }

  private async drop(name: string): Promise<void> {
    const block = this.blocks.get(name);
    if (block === undefined) return;
    this.blocks.delete(name);
    this.bytes -= block.bytes;
    await rm(block.file, { force: true }).catch(() => undefined);
  }
}
