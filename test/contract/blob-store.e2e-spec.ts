import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BlobStore, CachedBlobStore, FilesystemBlobStore, S3BlobStore } from '#libs/blobs';
import { findRealS3 } from '../support/real-s3.js';
import { startS3, type TestS3 } from '../support/s3.js';

const realS3 = await findRealS3();

const kinds = ['filesystem', 's3', 's3 behind a cache', ...(realS3 === undefined ? [] : ['a real s3'])];
if (realS3 === undefined) console.warn('Not tried on a real S3 server: there is none here (test/support/real-s3.ts)');

/** What every blob store promises, on each of them. */
describe.each(kinds)('the blob store on %s', (kind) => {
  let store: BlobStore;
  let directory: string;
  let s3: TestS3 | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'isocenter-blobs-'));
    if (kind === 'filesystem') {
      store = await FilesystemBlobStore.open('local', path.join(directory, 'blobs'));
    } else if (kind === 'a real s3') {
      const bucket = new S3BlobStore('s3', { ...realS3!, prefix: `contract-${Date.now()}/`, storageClass: undefined });
      expect(await bucket.selfTest()).toMatchObject({ isUsable: true, features: { conditionalPut: true } });
      store = bucket;
    } else {
      await mkdir(path.join(directory, 's3'));
      s3 = await startS3(path.join(directory, 's3'));
      // Frozen, as the configuration is.
      const credentials = Object.freeze(s3.options.credentials);
      const bucket = new S3BlobStore('s3', { ...s3.options, credentials, prefix: 'site-1/', storageClass: undefined });
      const isCached = kind === 's3 behind a cache';
      store = isCached ? await CachedBlobStore.open(bucket, path.join(directory, 'cache'), 3_000_000) : bucket;
    }
  });
  afterAll(async () => {
    await s3?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function put(bytes: Buffer, chunk = 70_000) {
    const writer = await store.write();
    for (let at = 0; at < bytes.length; at += chunk) await writer.write(bytes.subarray(at, at + chunk));
    return writer.commit();
  }

  it('gives back what was written, and says its size and digest', async () => {
    const bytes = randomBytes(1_000_003);
    const stored = await put(bytes);
    expect(stored.bytes).toBe(bytes.length);
    expect(stored.sha256).toEqual(createHash('sha256').update(bytes).digest());
    expect((await buffer(await store.read(stored.key))).equals(bytes)).toBe(true);
    expect(await store.head(stored.key)).toEqual({ bytes: bytes.length });
  });

  it('takes blobs of more parts than are sent at once', async () => {
    const bytes = randomBytes(70 * 1024 ** 2);
    const { key } = await put(bytes, 1024 ** 2);
    expect((await buffer(await store.read(key))).equals(bytes)).toBe(true);
  });

  it('reads a range, the last byte included, and refuses one beyond the end', async () => {
    const bytes = randomBytes(1000);
    const { key } = await put(bytes);
    expect((await buffer(await store.readRange(key, 10, 20))).equals(bytes.subarray(10, 30))).toBe(true);
    expect((await buffer(await store.readRange(key, 999, 1))).equals(bytes.subarray(999))).toBe(true);
    await expect(store.readRange(key, 990, 20)).rejects.toMatchObject({ code: 'blob-invalid-range' });
    await expect(store.readRange(key, 5000, 1)).rejects.toMatchObject({ code: 'blob-invalid-range' });
  });

  it('reads a range into its place, and refuses one beyond the end, and what was deleted since', async () => {
    const bytes = randomBytes(1000);
    const { key } = await put(bytes);
    const readInto = async (offset: number, length: number) => {
      const target = Buffer.alloc(length);
      await store.readInto(key, offset, target);
      return target;
    };
    const ranges = await Promise.all([readInto(10, 20), readInto(999, 1), readInto(0, 1000)]);
    expect(ranges).toEqual([bytes.subarray(10, 30), bytes.subarray(999), bytes]);
    await expect(readInto(990, 20)).rejects.toMatchObject({ code: 'blob-invalid-range' });
    await expect(readInto(5000, 1)).rejects.toMatchObject({ code: 'blob-invalid-range' });
    await store.delete(key);
    await expect(readInto(0, 1)).rejects.toMatchObject({ code: 'blob-not-found' });
  });

  it('says the digests of a blob and of its pieces, and of those that are whole alone', async () => {
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
    const bytes = randomBytes(20 * 1024 ** 2 + 7);
    const { key } = await put(bytes, 1024 ** 2);
    const pieces = [1, 999_999, 10 * 1024 ** 2, bytes.length - 1_000_000 - 10 * 1024 ** 2];
    const ends = pieces.map((_, index) => pieces.slice(0, index + 1).reduce((sum, length) => sum + length));
    let taken = 0;
    const found = await store.digest(key, { pieces, take: (read) => void (taken += read) });
    expect([found.bytes, taken]).toEqual([bytes.length, bytes.length]);
    expect(found.sha256).toBeUndefined();
    expect(found.pieces).toEqual(ends.map((end, index) => sha256(bytes.subarray(end - pieces[index]!, end))));
    expect((await store.digest(key, { pieces: [1_000, bytes.length] })).pieces).toEqual([
      sha256(bytes.subarray(0, 1_000)),
    ]);
    expect(await store.digest(key)).toEqual({ bytes: bytes.length, sha256: sha256(bytes), pieces: [] });
    expect(await store.digest(key, { pieces, isWhole: true })).toEqual({ ...found, sha256: sha256(bytes) });
  });

  it('waits for who is told of the bytes of a digest, and keeps no other waiting', async () => {
    const { key } = await put(randomBytes(20 * 1024 ** 2), 1024 ** 2);
    const isLetOn = Promise.withResolvers<void>();
    const told: number[] = [];
    const digest = store.digest(key, {
      take: async (read) => {
        told.push(read);
        await isLetOn.promise;
      },
    });
    // Another is not kept waiting by it.
    expect((await store.digest(key)).bytes).toBe(20 * 1024 ** 2);
    expect(told).toHaveLength(1);
    isLetOn.resolve();
    expect((await digest).bytes).toBe(20 * 1024 ** 2);
  });

  it('ends a digest when it is told to, or when who is told of the bytes fails', async () => {
    const { key } = await put(randomBytes(20 * 1024 ** 2), 1024 ** 2);
    const controller = new AbortController();
    const stopped = store.digest(key, { signal: controller.signal, take: () => controller.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
    await expect(store.digest(key, { signal: controller.signal })).rejects.toThrow('enough');
    const take = () => Promise.reject(new Error('it was not written down'));
    await expect(store.digest(key, { take })).rejects.toThrow('it was not written down');
    await store.delete(key);
    await expect(store.digest(key)).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(store.digest('../etc/passwd')).rejects.toMatchObject({ code: 'blob-not-found' });
  });

  it('gives two blobs of the same bytes two keys', async () => {
    const bytes = randomBytes(10);
    expect((await put(bytes)).key).not.toBe((await put(bytes)).key);
  });

  // A part of S3 has eight megabytes: what is taken back is still here, or was sent.
  it.each([5_000, 20 * 1024 ** 2])('takes back an object of %s bytes, and digests what stays', async (length) => {
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
    const writer = await store.write();
    const put = async (bytes: Buffer): Promise<number> => {
      const offset = writer.bytes;
      writer.beginObject();
      await writer.write(bytes.subarray(0, 100));
      writer.beginDataset();
      for (let at = 100; at < bytes.length; at += 1024 ** 2) await writer.write(bytes.subarray(at, at + 1024 ** 2));
      return offset;
    };
    const [first, broken, repeated, last] = [70_000, length, length, 90_000].map((bytes) => randomBytes(bytes));
    const offsets = [await put(first!)];
    writer.endObject();
    // One is broken off, one turns out to be unwanted when it is whole.
    await writer.truncate(await put(broken!));
    const unwanted = await put(repeated!);
    writer.endObject();
    await writer.truncate(unwanted);
    offsets.push(await put(last!));
    writer.endObject();
    const stored = await writer.commit();
    const digests = await writer.digests();
    expect(digests.map((digest) => Buffer.from(digest.sha256))).toEqual([sha256(first!), sha256(last!)]);
    expect(digests.map((digest) => Buffer.from(digest.datasetSha256))).toEqual(
      [first!, last!].map((bytes) => sha256(bytes.subarray(100))),
    );
    const whole = await buffer(await store.read(stored.key));
    expect(whole.length).toBe(stored.bytes);
    expect(sha256(whole)).toEqual(stored.sha256);
    for (const [index, bytes] of [first!, last!].entries()) {
      expect(whole.subarray(offsets[index], offsets[index]! + bytes.length).equals(bytes)).toBe(true);
    }
  });

  it('shows nothing of an aborted blob', async () => {
    const before = await keys();
    const writer = await store.write();
    await writer.write(randomBytes(100_000));
    await writer.abort();
    expect(await keys()).toEqual(before);
  });

  it('lists what is there, and no more what was deleted', async () => {
    const { key, bytes } = await put(randomBytes(77));
    expect(await keys()).toContain(key);
    for await (const blob of store.list()) if (blob.key === key) expect(blob.bytes).toBe(bytes);
    await store.delete(key);
    await store.delete(key);
    expect(await keys()).not.toContain(key);
    expect(await store.head(key)).toBeUndefined();
    await expect(store.read(key)).rejects.toMatchObject({ code: 'blob-not-found' });
  });

  it('opens nothing by a key that is none', async () => {
    for (const key of ['../../etc/passwd', 'ab/../../x', '/etc/passwd', '']) {
      await expect(store.read(key)).rejects.toMatchObject({ code: 'blob-not-found' });
    }
  });

  it('says it works', async () => {
    await expect(store.probe()).resolves.toBeUndefined();
  });

  async function keys(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of store.list()) found.push(key);
    return found.sort();
  }
});

describe('the filesystem blob store', () => {
  it('takes back the end of a blob before it is committed, and digests what was kept', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'isocenter-blobs-'));
    const store = await FilesystemBlobStore.open('local', directory);
    const writer = await store.write();
    await writer.write(Buffer.from('keep this, not that'));
    await writer.truncate(9);
    await writer.write(Buffer.from(', but more'));
    const stored = await writer.commit();
    const kept = Buffer.from('keep this, but more');
    expect(stored.sha256).toEqual(createHash('sha256').update(kept).digest());
    expect(await buffer(await store.read(stored.key))).toEqual(kept);
    expect(await readdir(path.join(directory, 'staging'))).toEqual([]);
    await rm(directory, { recursive: true });
  });
});
