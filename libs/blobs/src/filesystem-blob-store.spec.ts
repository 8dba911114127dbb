import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
    await expect(store.write()).rejects.toMatchObject({ name: 'BlobError' });
  });

  it('clears what dead writers staged, and not what is being written', async () => {
    const old = path.join(root, 'blobs', 'staging', 'left-behind');
    await writeFile(old, 'half an object');
    await utimes(old, new Date(0), new Date(0));
    const writer = await store.write();
    await writer.write(numbered(10));
    expect(await store.clearStaging(new Date(Date.now() - 3_600_000))).toBe(1);
    expect(await staged()).toHaveLength(1);
    expect((await writer.commit()).bytes).toBe(10);
  });
});
