import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  DeleteBucketLifecycleCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { S3BlobStore } from '#libs/blobs';
import { lookAtBlob } from '../../apps/storage/src/upkeep/look-at-blob.js';
import { type FaultProxy, startFaultProxy } from '../faults/s3-fault-proxy.js';
import { findRealS3 } from '../support/real-s3.js';
import { startS3, type TestS3 } from '../support/s3.js';
import { waitFor } from '../support/start-suite.js';

jest.setTimeout(300_000);

const storageClass = 'GLACIER';
const real = process.env['ISOCENTER_TEST_S3_ARCHIVES'] === undefined ? undefined : await findRealS3();
const kinds = ['copy', 'lifecycle', ...(real === undefined ? [] : ['lifecycle on a real server'])];
if (real === undefined) {
  console.warn('Archive classes are tried before s3rver: ISOCENTER_TEST_S3_ARCHIVES=1 is for a server that has some');
}

/** What an archive class gives and what it tells, however objects get there. */
describe.each(kinds)('an archive class of S3 filled by %s', (kind) => {
  let folder: string;
  let s3: TestS3 | undefined;
  let proxy: FaultProxy | undefined;
  let store: S3BlobStore;
  let client: S3Client;
  let bucket: string;
  const by = kind === 'copy' ? 'copy' : 'lifecycle';
  const prefix = `archive-${Date.now()}/`;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-archive-'));
    if (real === undefined || !kind.includes('real')) {
      s3 = await startS3(folder);
      const lifecycle = { prefix, storageClass, afterMilliseconds: 300 };
      proxy = await startFaultProxy(s3.options.endpoint, {
        archive: { classes: [storageClass], restoreMilliseconds: 300, ...(by === 'lifecycle' && { lifecycle }) },
      });
    }
    const options = { ...(s3?.options ?? real!), ...(proxy !== undefined && { endpoint: proxy.endpoint }) };
    bucket = options.bucket;
    client = new S3Client({ ...options, requestChecksumCalculation: 'WHEN_REQUIRED' });
    if (proxy === undefined) {
      const rule = { ID: 'to-archive', Status: 'Enabled', Filter: { Prefix: prefix } } as const;
      await client.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket: bucket,
          LifecycleConfiguration: { Rules: [{ ...rule, Transitions: [{ Days: 1, StorageClass: storageClass }] }] },
        }),
      );
    }
    const archive = { by, restoreDays: 1, restoreTier: 'Standard' } as const;
    store = new S3BlobStore('cold', { ...options, prefix, storageClass, archive });
  });
  afterAll(async () => {
    if (proxy === undefined) {
      await client?.send(new DeleteBucketLifecycleCommand({ Bucket: bucket }));
      for await (const { key } of store.list()) await store.delete(key);
    }
    client?.destroy();
    await proxy?.close();
    await s3?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function archive(bytes: Buffer): Promise<{ key: string; sha256: Buffer; bytes: number; pieceBytes: null }> {
    const writer = await store.write({ bytes: bytes.length });
    await writer.write(bytes);
    const { key } = await writer.commit();
    const sha256 = createHash('sha256').update(bytes).digest();
    await store.archive!.archive(key, sha256);
    await waitFor(
      'the class',
      async () => ((await store.archive!.stateOf(key)) === 'archived' ? true : undefined),
      120,
    );
    return { key, sha256, bytes: bytes.length, pieceBytes: null };
  }

  it('passes its self-test, which says how objects get there', async () => {
    const { isUsable, checks } = await store.selfTest();
    expect(isUsable).toBe(true);
    const what =
      by === 'copy' ? [`a copy into ${storageClass}`, 'RestoreObject'] : [`a lifecycle rule to ${storageClass}`];
    for (const name of what) expect(checks.find((check) => check.what === name)).toMatchObject({ result: 'works' });
  });

  it('gives nothing before it was restored, then the bytes, by one restore and any number of requests for it', async () => {
    const bytes = randomBytes(90_001);
    const { key } = await archive(bytes);
    await expect(store.read(key)).rejects.toMatchObject({ code: 'blob-archived' });
    for (let asked = 0; asked < 3; asked += 1) await store.archive!.restore(key);
    await waitFor(
      'the restore',
      async () => ((await store.archive!.stateOf(key)) === 'readable' ? true : undefined),
      120,
    );
    expect((await buffer(await store.read(key))).equals(bytes)).toBe(true);
  });

  it('tells of what is archived that it is what it was', async () => {
    const one = await archive(randomBytes(50_000));
    expect((await store.archive!.describe(one.key))?.sha256).toEqual(one.sha256);
    expect(await lookAtBlob({ store, key: one.key }, one)).toBeUndefined();
    await store.delete(one.key);
    expect(await lookAtBlob({ store, key: one.key }, one)).toMatchObject({ kind: 'missing' });
  });

  it('tells of an object in another’s place by its digest, and of a cut one by its size', async () => {
    const [one, other] = [await archive(randomBytes(50_000)), await archive(randomBytes(50_000))];
    // The other's object under the one's key is what the store has of the other.
    expect(await lookAtBlob({ store, key: other.key }, one)).toMatchObject({ kind: 'digest' });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + one.key, Body: randomBytes(40_000) }));
    expect(await lookAtBlob({ store, key: one.key }, one)).toMatchObject({ kind: 'size', bytes: 40_000 });
  });
});
