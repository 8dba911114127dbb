import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  DeleteBucketPolicyCommand,
  ListObjectsV2Command,
  ListMultipartUploadsCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { S3BlobStore } from '#libs/blobs';
import { type FaultProxy, type S3Operation, startFaultProxy } from '../faults/s3-fault-proxy.js';
import { findRealS3 } from '../support/real-s3.js';
import { startS3, type TestS3 } from '../support/s3.js';

const realS3 = await findRealS3();
const partBytes = 16 * 1024 ** 2;

/** What a bucket's settings make of the requests that S3 sees, and what is left out where an endpoint does not do it. */
describe('the settings of an S3 store', () => {
  let folder: string;
  let s3: TestS3;
  let proxy: FaultProxy;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-settings-'));
    s3 = await startS3(folder);
    proxy = await startFaultProxy(s3.options.endpoint, { archive: { classes: ['GLACIER'], restoreMilliseconds: 50 } });
  });
  beforeEach(() => {
    proxy.fault = () => undefined;
    proxy.forget();
  });
  afterAll(async () => {
    await proxy?.close();
    await s3?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (options: Partial<ConstructorParameters<typeof S3BlobStore>[1]> = {}) =>
    new S3BlobStore('s3', {
      ...s3.options,
      endpoint: proxy.endpoint,
      prefix: 'p/',
      storageClass: undefined,
      ...options,
    });
  async function put(store: S3BlobStore, bytes: Buffer): Promise<string> {
    const writer = await store.write({ bytes: bytes.length });
    for (let at = 0; at < bytes.length; at += 1024 ** 2) await writer.write(bytes.subarray(at, at + 1024 ** 2));
    return (await writer.commit()).key;
  }
  async function keysOf(Prefix: string): Promise<string[]> {
    const client = new S3Client(s3.options);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: s3.options.bucket, Prefix }));
    client.destroy();
    return Contents.map(({ Key }) => Key!).sort();
  }
  const header = (operation: S3Operation, name: string) =>
    proxy.requests.filter((request) => request.operation === operation).map(({ headers }) => headers[name]);

  it('asks for encryption with the key that is configured, wherever an object is made', async () => {
    const store = open({
      storageClass: 'GLACIER',
      encryption: { algorithm: 'aws:kms', keyId: 'a-key' },
      archive: { by: 'copy', restoreDays: 1, restoreTier: 'Standard' },
    });
    const key = await put(store, randomBytes(1_000));
    await put(store, randomBytes(partBytes + 1));
    await store.archive!.archive(key, randomBytes(32));
    for (const operation of ['PutObject', 'CreateMultipartUpload', 'CopyObject'] as const) {
      expect([operation, header(operation, 'x-amz-server-side-encryption')]).toEqual([operation, ['aws:kms']]);
      expect(header(operation, 'x-amz-server-side-encryption-aws-kms-key-id')).toEqual(['a-key']);
    }
    // In its class by the copy, and not before it was read back.
    expect(header('PutObject', 'x-amz-storage-class')).toEqual([undefined]);
    expect(header('CopyObject', 'x-amz-storage-class')).toEqual(['GLACIER']);
  });

  it('writes nothing to an endpoint that does not encrypt as asked', async () => {
    const { isUsable, checks } = await open({ encryption: { algorithm: 'AES256' } }).selfTest();
    expect(isUsable).toBe(false);
    expect(checks.find(({ what }) => what === 'encryption AES256')).toMatchObject({
      result: 'does not work',
      isNeeded: true,
      detail: expect.stringContaining('nothing is moved to this store'),
    });
  });

  it('writes objects in the class that is configured, and nothing to an endpoint that does not keep it', async () => {
    const store = open({ storageClass: 'STANDARD_IA' });
    await put(store, randomBytes(1_000));
    await put(store, randomBytes(partBytes + 1));
    expect(header('PutObject', 'x-amz-storage-class')).toEqual(['STANDARD_IA']);
    expect(header('CreateMultipartUpload', 'x-amz-storage-class')).toEqual(['STANDARD_IA']);
    const { isUsable, checks } = await store.selfTest();
    const kept = checks.find(({ what }) => what === 'storage class STANDARD_IA')!.result === 'works';
    expect(isUsable).toBe(kept);
  });

  it('switches off what an endpoint does not do, and says so', async () => {
    const store = open();
    const { isUsable, checks, features } = await store.selfTest();
    expect(isUsable).toBe(true);
    // s3rver overwrites, and keeps no checksums.
    expect(features).toEqual({ conditionalPut: false, conditionalComplete: false, checksums: false });
    const off = checks.filter(({ result }) => result !== 'works').map(({ what, detail }) => [what, detail !== '']);
    expect(off).toEqual(
      expect.arrayContaining([
        ['checksums are kept', true],
        ['If-None-Match of PUT refuses to overwrite', true],
        ['If-None-Match of a multipart upload refuses to overwrite', true],
      ]),
    );
    proxy.forget();
    await put(store, randomBytes(1_000));
    await put(store, randomBytes(partBytes + 1));
    expect(header('PutObject', 'if-none-match')).toEqual([undefined]);
    expect(header('CompleteMultipartUpload', 'if-none-match')).toEqual([undefined]);
    expect(header('UploadPart', 'x-amz-checksum-crc32')).toEqual([undefined, undefined]);
  });

  it('does not take a line that breaks now and then for an endpoint that cannot be used', async () => {
    let broken = 0;
    proxy.fault = ({ operation, range }) => {
      const isBroken = operation === 'GetObject' && range === undefined && broken < 2;
      broken += Number(isBroken);
      return isBroken ? { kind: 'reset', afterBytes: 3_000 } : undefined;
    };
    expect(await open().selfTest()).toMatchObject({ isUsable: true });
    expect(broken).toBe(2);
  });

  it.each<[S3Operation, string, string]>([
    ['PutObject', 'write and read back', 's3:PutObject'],
    ['GetObject', 'write and read back', 's3:GetObject'],
    ['HeadObject', 'deleting', 's3:GetObject and s3:ListBucket'],
    ['DeleteObject', 'deleting', 's3:DeleteObject'],
    ['UploadPart', 'multipart uploads', 's3:PutObject'],
    ['List', 'listing by prefix', 's3:ListBucket'],
    ['AbortMultipartUpload', 'aborting multipart uploads', 's3:AbortMultipartUpload'],
  ])(
    'says which right is lacking where %s is refused, and leaves nothing of what it tried',
    async (operation, what, right) => {
      proxy.fault = (request) =>
        request.operation === operation ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined;
      const store = open({ prefix: `without-${operation}/` });
      await store.selfTest();
      const { isUsable, checks } = await store.selfTest();
      const check = checks.find((one) => one.what === what)!;
      expect(check).toMatchObject({
        result: 'does not work',
        detail: expect.stringContaining(`needs the right ${right};`),
      });
      expect(isUsable).toBe(!check.isNeeded);
      expect(check.isNeeded).toBe(operation !== 'AbortMultipartUpload');
      proxy.fault = () => undefined;
      const left = await keysOf(`without-${operation}/`);
      // What cannot be taken away is small, and no more with each try.
      expect(left.map((key) => key.split('/').at(-1))).toEqual(operation === 'DeleteObject' ? ['gone', 'small'] : []);
      expect((await store.selfTest()).isUsable).toBe(true);
      expect(await keysOf(`without-${operation}/`)).toEqual([]);
    },
  );

  it('does not call wrong keys a lacking right', async () => {
    proxy.fault = () => ({ kind: 'status', status: 403, code: 'InvalidAccessKeyId' });
    const { isUsable, checks } = await open().selfTest();
    expect(isUsable).toBe(false);
    expect(checks[0]!.detail).toMatch(/^InvalidAccessKeyId: /);
    expect(checks[0]!.detail).not.toContain('right');
  });

  it('refuses to overwrite where the endpoint was seen to refuse it', async () => {
    const written = new Set<string>();
    proxy.fault = ({ operation, key, headers }) => {
      const isWrite = operation === 'PutObject' || operation === 'CompleteMultipartUpload';
      if (isWrite && headers['if-none-match'] === '*' && written.has(key)) {
        return { kind: 'status', status: 412, code: 'PreconditionFailed' };
      }
      if (isWrite) written.add(key);
      return undefined;
    };
    const store = open();
    const { features } = await store.selfTest();
    expect(features).toMatchObject({ conditionalPut: true, conditionalComplete: true });
    proxy.forget();
    const bytes = randomBytes(1_000);
    const key = await put(store, bytes);
    await put(store, randomBytes(partBytes + 1));
    expect(header('PutObject', 'if-none-match')).toEqual(['*']);
    expect(header('CompleteMultipartUpload', 'if-none-match')).toEqual(['*']);
    expect((await buffer(await store.read(key))).equals(bytes)).toBe(true);
  });

  it('names the bucket in the path where that is asked for', async () => {
    await put(open(), randomBytes(10));
    expect(proxy.requests.at(-1)!.key).toMatch(/^p\//);
  });
});

/** Rights are taken by a policy of the bucket, from what lies under a prefix of this test's. */
(realS3 === undefined ? describe.skip : describe)('keys that lack a right on a real S3 server', () => {
  const { bucket: Bucket, ...options } = realS3 ?? { bucket: '' };
  const client = new S3Client({
    ...options,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  afterAll(async () => {
    await client.send(new DeleteBucketPolicyCommand({ Bucket }));
    client.destroy();
  });

  it.each([
    ['s3:PutObject', false],
    ['s3:GetObject', false],
    ['s3:DeleteObject', false],
    ['s3:AbortMultipartUpload', true],
  ])('are told of %s', async (right, isUsable) => {
    const prefix = `rights-${Date.now()}/`;
    const Resource = [`arn:aws:s3:::${Bucket}/${prefix}*`];
    const Statement = [{ Effect: 'Deny', Principal: { AWS: ['*'] }, Action: [right], Resource }];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    const store = new S3BlobStore('s3', { ...realS3!, prefix, storageClass: undefined });
    const found = await store.selfTest();
    const lacking = found.checks.filter(({ detail }) => detail.includes('the right'));
    expect(lacking).toHaveLength(1);
    expect(lacking[0]!.detail).toContain(`needs the right ${right};`);
    expect(found.isUsable).toBe(isUsable);
    await client.send(new DeleteBucketPolicyCommand({ Bucket }));
    expect(await store.selfTest()).toMatchObject({ isUsable: true });
    const left = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
    expect(left.Contents ?? []).toEqual([]);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix }));
    // It has no parts.
    expect(Uploads.length).toBe(right === 's3:AbortMultipartUpload' ? 1 : 0);
  });
});
