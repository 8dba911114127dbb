import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ObjectDigests } from './blob-store.js';
import { FilesystemBlobStore } from './filesystem-blob-store.js';

describe('FilesystemBlobStore', () => {
  let root: string;
  let store: FilesystemBlobStore;

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'isocenter-blobs-'));
    store = await FilesystemBlobStore.open('local', path.join(root, 'blobs'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const staged = () => readdir(path.join(root, 'blobs', 'staging'));
  /** Bytes whose place can be told from their value. */
  const numbered = (length: number) =>
    Buffer.from(Uint32Array.from({ length: Math.ceil(length / 4) }, (_, index) => index).buffer).subarray(0, length);

  it.each([
    ['one byte at a time', 1, 3_000],
    ['chunks that never fill a batch', 1_000, 100_000],
    ['chunks of odd sizes', 77_777, 3_000_001],
    ['one chunk larger than a batch', 5_000_000, 5_000_000],
    ['nothing', 1, 0],
  ])('writes what it was given in order: %s', async (_how, chunkBytes, length) => {
    const bytes = numbered(length);
    const writer = await store.write();
    for (let at = 0; at < length; at += chunkBytes) await writer.write(bytes.subarray(at, at + chunkBytes));
    expect(writer.bytes).toBe(length);
    const blob = await writer.commit();
    expect(blob.sha256).toEqual(createHash('sha256').update(bytes).digest());
    expect((await buffer(await store.read(blob.key))).equals(bytes)).toBe(true);
  });

  it.each([10, 600_000, 1_500_000])('takes back to %i bytes, and goes on from there', async (kept) => {
    const bytes = numbered(2_000_000);
    const writer = await store.write();
    for (let at = 0; at < bytes.length; at += 65_536) await writer.write(bytes.subarray(at, at + 65_536));
    await writer.truncate(kept);
    expect(writer.bytes).toBe(kept);
    await writer.write(Buffer.from('tail'));
    const blob = await writer.commit();
    const expected = Buffer.concat([bytes.subarray(0, kept), Buffer.from('tail')]);
    expect(blob).toMatchObject({ bytes: kept + 4, sha256: createHash('sha256').update(expected).digest() });
    expect((await buffer(await store.read(blob.key))).equals(expected)).toBe(true);
  });

  it('digests objects within it, each by itself and from where its dataset begins, and forgets what is taken back', async () => {
    const bytes = numbered(6_000_000);
    const writer = await store.write();
    const write = async (start: number, dataset: number, end: number) => {
      writer.beginObject();
      await writer.write(bytes.subarray(start, dataset));
      writer.beginDataset();
      await writer.write(bytes.subarray(dataset, end));
    };
    const digest = (start: number, end: number) => createHash('sha256').update(bytes.subarray(start, end)).digest();
    const digests = (start: number, dataset: number, end: number) => ({
      sha256: Uint8Array.from(digest(start, end)),
      datasetSha256: Uint8Array.from(digest(dataset, end)),
    });
    const plain = (objects: ObjectDigests[]) =>
      objects.map(({ sha256, datasetSha256 }) => ({
        sha256: Uint8Array.from(sha256),
        datasetSha256: Uint8Array.from(datasetSha256),
      }));
    await write(0, 300, 3_000_000);
    writer.endObject();
    await write(3_000_000, 3_000_400, 5_000_000);
    await writer.truncate(3_000_000);
    await write(3_000_000, 3_000_100, 4_000_000);
    writer.endObject();
    await write(4_000_000, 4_000_100, 4_000_500);
    writer.endObject();
    expect(plain(await writer.digests())).toHaveLength(3);
    await writer.truncate(4_000_000);
    await write(4_000_000, 4_000_000, 6_000_000);
    writer.endObject();
    const { sha256 } = await writer.commit();
    expect(sha256).toEqual(digest(0, 6_000_000));
    expect(plain(await writer.digests())).toEqual([
      digests(0, 300, 3_000_000),
      digests(3_000_000, 3_000_100, 4_000_000),
      digests(4_000_000, 4_000_000, 6_000_000),
    ]);
  });

  it('leaves nothing of an aborted blob, even with bytes under way', async () => {
    const writer = await store.write();
    for (let index = 0; index < 20; index += 1) await writer.write(numbered(100_000));
    await writer.abort();
    expect(await staged()).toEqual([]);
  });

  it('keeps its files to its own user', async () => {
    const writer = await store.write();
    await writer.write(Buffer.from('private'));
    const { key } = await writer.commit();
    expect((await stat(path.join(root, 'blobs', key))).mode & 0o777).toBe(0o600);
    expect((await stat(path.join(root, 'blobs', key.slice(0, 2)))).mode & 0o777).toBe(0o700);
  });

  it('says that it does not work when its folder is gone, and leaves nothing behind when it does', async () => {
    await store.probe();
    expect(await staged()).toEqual([]);
    await rm(path.join(root, 'blobs', 'staging'), { recursive: true });
    await expect(store.probe()).rejects.toMatchObject({ name: 'BlobError' });
    await expect((await store.write()).commit()).rejects.toMatchObject({ name: 'BlobError' });
    const writer = await store.write();
    const writeAll = async () => {
      for (let index = 0; index < 100; index += 1) await writer.write(numbered(100_000));
    };
    await expect(writeAll()).rejects.toMatchObject({ name: 'BlobError' });
  });

  it('clears what dead writers staged, and not what is being written', async () => {
    const old = path.join(root, 'blobs', 'staging', 'left-behind');
    await writeFile(old, 'half an object');
    await utimes(old, new Date(0), new Date(0));
    const writer = await store.write();
    await writer.write(numbered(10));
    await writer.digests();
    expect(await store.clearStaging(new Date(Date.now() - 3_600_000))).toBe(1);
    expect(await staged()).toHaveLength(1);
    expect((await writer.commit()).bytes).toBe(10);
  });
});
