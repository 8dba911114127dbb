import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { S3BlobStore } from '#libs/blobs';
import { verifyBlob } from '../../apps/storage/src/tiering/copy-blob.js';
import { findRealS3 } from '../support/real-s3.js';
import { startS3 } from '../support/s3.js';
import { type Fault, type FaultProxy, type S3Operation, startFaultProxy } from './s3-fault-proxy.js';

jest.setTimeout(300_000);

const real = await findRealS3();
if (real === undefined)
  console.warn('No real S3 server is here (test/support/real-s3.ts): faults are tried before s3rver');

/** An S3 server behind a proxy that does what networks and servers do. */
describe('S3 when things go wrong', () => {
  let folder: string;
  let proxy: FaultProxy;
  let store: S3BlobStore;
  let stop: () => Promise<void>;
  const small = randomBytes(100_000);
  const large = randomBytes(20 * 1024 ** 2 + 77);
  const stored = { small: '', large: '' };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-s3-'));
    const server = real === undefined ? await startS3(folder) : undefined;
    const options = real ?? server!.options;
    stop = async () => server?.stop();
    proxy = await startFaultProxy(options.endpoint);
    store = new S3BlobStore('s3', {
      ...options,
      endpoint: proxy.endpoint,
      prefix: `faults-${Date.now()}/`,
      storageClass: undefined,
      // Longer than a slow machine takes to answer, shorter than a test.
      idleMilliseconds: 4_000,
      attempts: 3,
    });
    expect(await store.selfTest()).toMatchObject({ isUsable: true });
    stored.small = await put(small);
    stored.large = await put(large);
  });
  beforeEach(() => {
    proxy.fault = () => undefined;
    proxy.forget();
    proxy.done.clear();
  });
  afterAll(async () => {
    proxy.fault = () => undefined;
    for await (const { key } of store.list()) await store.delete(key);
    await proxy?.close();
    await stop?.();
    await rm(folder, { recursive: true, force: true });
  });

  async function put(bytes: Buffer): Promise<string> {
    const writer = await store.write({ bytes: bytes.length });
    try {
      for (let at = 0; at < bytes.length; at += 300_000) await writer.write(bytes.subarray(at, at + 300_000));
      return (await writer.commit()).key;
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }
  /** Does the fault to the first `times` requests of an operation. */
  function breakFirst(times: number, operation: S3Operation, fault: Fault): void {
    let left = times;
    proxy.fault = (request) => (request.operation === operation && left-- > 0 ? fault : undefined);
  }
  const keys = async () => {
    const found: string[] = [];
    for await (const { key } of store.list()) found.push(key);
    return found.sort();
  };

  const passing: [string, Fault][] = [
    ['500', { kind: 'status', status: 500, code: 'InternalError' }],
    ['503 SlowDown', { kind: 'status', status: 503, code: 'SlowDown' }],
    ['no answer', { kind: 'hang' }],
    ['a connection that breaks at once', { kind: 'reset', afterBytes: 0 }],
  ];
  const broken: [string, Fault][] = [
    ['a connection that breaks after some bytes', { kind: 'reset', afterBytes: 12_345 }],
    ['a body that ends too early', { kind: 'truncate', bytes: 4_321 }],
  ];

  it.each(passing)('reads on after %s, once', async (_what, fault) => {
    breakFirst(1, 'GetObject', fault);
    expect((await buffer(await store.read(stored.small))).equals(small)).toBe(true);
    breakFirst(1, 'GetObject', fault);
    const range = Buffer.alloc(1_000);
    await store.readInto(stored.small, 500, range);
    expect(range.equals(small.subarray(500, 1_500))).toBe(true);
    expect(proxy.done.get(fault.kind)).toBe(2);
  });

  it.each(passing)('says that the store is away when %s goes on', async (_what, fault) => {
    breakFirst(Infinity, 'GetObject', fault);
    await expect(store.read(stored.small).then(buffer)).rejects.toMatchObject({ code: 'blob-unavailable' });
    await expect(store.readInto(stored.small, 0, Buffer.alloc(10))).rejects.toMatchObject({ code: 'blob-unavailable' });
  });

  it('goes on with a body where its connection broke', async () => {
    breakFirst(2, 'GetObject', { kind: 'reset', afterBytes: 3_000_000 });
    expect((await buffer(await store.read(stored.large))).equals(large)).toBe(true);
    const ranges = proxy.requests.map(({ range }) => range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => range!.endsWith(`-${large.length - 1}`))).toBe(true);
  });

  it('goes on with a digest where its connection broke, and takes no part for the whole', async () => {
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
    const pieces = [5_000_000, large.length - 5_000_000];
    // Near the beginning, further on, and just before the end.
    for (const afterBytes of [1_000, 7_000_000, large.length - 1]) {
      proxy.forget();
      breakFirst(1, 'GetObject', { kind: 'reset', afterBytes });
      const found = await store.digest(stored.large, { pieces, isWhole: true });
      expect([found.bytes, found.sha256]).toEqual([large.length, sha256(large)]);
      expect(found.pieces).toEqual([sha256(large.subarray(0, 5_000_000)), sha256(large.subarray(5_000_000))]);
      expect(proxy.requests.map(({ range }) => range?.endsWith(`-${large.length - 1}`))).toEqual([undefined, true]);
    }
    // A body that claims to be all is counted.
    breakFirst(1, 'GetObject', { kind: 'truncate', bytes: 7_000_000 });
    expect(await store.digest(stored.large, { pieces })).toMatchObject({ bytes: 7_000_000, pieces: [{}] });
    const faults: Fault[] = [{ kind: 'reset', afterBytes: 1_000 }, { kind: 'hang' }];
    for (const fault of faults) {
      breakFirst(Infinity, 'GetObject', fault);
      await expect(store.digest(stored.large)).rejects.toMatchObject({ code: 'blob-unavailable' });
    }
  });

  it.each(broken)('never gives a part for the whole: %s', async (_what, fault) => {
    breakFirst(Infinity, 'GetObject', fault);
    await expect(store.readRange(stored.large, 0, 5_000_000).then(buffer)).rejects.toThrow();
    await expect(store.readInto(stored.small, 0, Buffer.alloc(50_000))).rejects.toThrow();
  });

  it('finds wrong bytes when it compares', async () => {
    const expected = { bytes: large.length, sha256: createHash('sha256').update(large).digest(), pieceBytes: null };
    const verify = () => verifyBlob({ store, key: stored.large }, expected, new AbortController().signal);
    await verify();
    for (const at of [0, 10_000_000, large.length - 1]) {
      breakFirst(1, 'GetObject', { kind: 'flip', at });
      await expect(verify()).rejects.toMatchObject({ code: 'copy-damaged' });
    }
  });

  it('says that credentials have expired, and does not take what is there for missing', async () => {
    const expired: Fault = { kind: 'status', status: 403, code: 'ExpiredToken' };
    for (const operation of ['GetObject', 'HeadObject', 'PutObject', 'List'] as const) {
      breakFirst(Infinity, operation, expired);
      const act = {
        GetObject: () => store.read(stored.small),
        HeadObject: () => store.head(stored.small),
        PutObject: () => put(small),
        List: keys,
      }[operation];
      await expect(act()).rejects.toMatchObject({ code: 'blob-unavailable' });
    }
  });

  const writes: [S3Operation, Buffer][] = [
    ['PutObject', small],
    ['CreateMultipartUpload', large],
    ['UploadPart', large],
    ['CompleteMultipartUpload', large],
  ];
  const writeFaults: [string, Fault][] = [...passing, ['an answer that is lost', { kind: 'lost-answer' }]];
  const matrix = writes.flatMap(([operation, bytes]) =>
    writeFaults.map(([what, fault]) => [operation, what, bytes, fault] as const),
  );
  it.each(matrix)(
    'writes on after %s met %s, once, and what is there is whole',
    async (operation, _what, bytes, fault) => {
      breakFirst(1, operation, fault);
      const key = await put(bytes);
      proxy.fault = () => undefined;
      expect((await buffer(await store.read(key))).equals(bytes)).toBe(true);
      await store.delete(key);
    },
  );

  it.each(writes)('leaves nothing to be read where %s fails for good', async (operation, bytes) => {
    const before = await keys();
    breakFirst(Infinity, operation, { kind: 'status', status: 503, code: 'SlowDown' });
    await expect(put(bytes)).rejects.toMatchObject({ code: 'blob-unavailable' });
    expect(await keys()).toEqual(before);
  });

  it('takes a completed upload that is answered with 200 and an error for failed', async () => {
    const before = await keys();
    // Before the server hears of it: the answer is all that there is.
    proxy.fault = ({ operation }) =>
      operation === 'CompleteMultipartUpload' ? { kind: 'status', status: 200, code: 'InternalError' } : undefined;
    await expect(put(large)).rejects.toMatchObject({ code: 'blob-unavailable' });
    proxy.fault = () => undefined;
    expect(await keys()).toEqual(before);
  });

  it('reads on after the server was away', async () => {
    const { target } = proxy;
    proxy.target = 'http://127.0.0.1:1';
    await expect(store.read(stored.small).then(buffer)).rejects.toMatchObject({ code: 'blob-unavailable' });
    await expect(store.probe()).rejects.toMatchObject({ code: 'blob-unavailable' });
    proxy.target = target;
    expect((await buffer(await store.read(stored.small))).equals(small)).toBe(true);
    await expect(store.probe()).resolves.toBeUndefined();
  });
});
