import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type LifecycleRule,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  RestoreObjectCommand,
  type S3Client,
  type StorageClass,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { newObject, noFeatures, type S3Features, type S3Options } from './s3-client.js';
import { namingRights, type S3Sender } from './s3-rights.js';

export interface S3Check {
  what: string;
  result: 'works' | 'does not work' | 'could not be tried';
  /** Without it nothing is written to the store. */
  isNeeded: boolean;
  /** What was seen, and what follows from it. */
  detail: string;
}

export interface S3SelfTest {
  /** Whether all that is needed works. */
  isUsable: boolean;
  checks: S3Check[];
  features: S3Features;
}

const partBytes = 5 * 1024 ** 2;
const bodyTriesMax = 3;
const cleanUpMilliseconds = 10_000;
const statusOf = (error: unknown) =>
  (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;

/**
 * Tries on the configured bucket what tiering relies on, with small objects and one of five megabytes that it takes away
 * again. Keys that may not take away are found before the large one.
 * @param folder what its objects' keys begin with; the same each time, so that what cannot be taken away is overwritten
 */
export async function testS3(bare: S3Client, options: S3Options, folder: string): Promise<S3SelfTest> {
  const client = namingRights(bare);
  const checks: S3Check[] = [];
  const features = { ...noFeatures };
  const { bucket: Bucket } = options;
  const small = { Bucket, Key: `${folder}/small` };
  const large = { Bucket, Key: `${folder}/large` };
  const bytes = randomBytes(70_001);
  const check: Check = async (what, isNeeded, run, otherwise) => {
    try {
      const found = await run();
      const works = found === true;
      checks.push({
        what,
        isNeeded,
        result: works ? 'works' : 'does not work',
        detail: works ? '' : `${found}; ${otherwise}`,
      });
      return works;
    } catch (error) {
      const { name, message } = error as Error;
      const result = isNeeded || statusOf(error) !== undefined ? 'does not work' : 'could not be tried';
      checks.push({ what, isNeeded, result, detail: `${name}: ${message}; ${otherwise}` });
      return false;
    }
  };
  const unusable = 'nothing is moved to this store';
  // The SDK tries a request again, and not a body that broke off.
  const get = async (place: object, Range?: string) => {
    for (let tries = 1; ; tries += 1) {
      const found = await client.send(new GetObjectCommand({ ...(place as typeof small), ...(Range && { Range }) }));
      try {
        return await buffer(found.Body as Readable);
      } catch (error) {
        if (tries === bodyTriesMax) throw error;
      }
    }
  };

  try {
    const isWritable = await check(
      'write and read back',
      true,
      async () => {
        await client.send(new PutObjectCommand({ ...small, ...newObject(options), Body: bytes }));
        return (await get(small)).equals(bytes) || 'other bytes came back';
      },
      unusable,
    );
    if (!isWritable) return { isUsable: false, checks, features };
    const isDeletable = await check(
      'deleting',
      true,
      async () => {
        const gone = { Bucket, Key: `${folder}/gone` };
        await client.send(new PutObjectCommand({ ...gone, ...newObject(options), Body: 'gone' }));
        await client.send(new DeleteObjectCommand(gone));
        const error = await client.send(new HeadObjectCommand(gone)).then(
          () => undefined,
          (e: unknown) => e,
        );
        if (statusOf(error) === 403) throw error;
        return statusOf(error) === 404 || 'the object is still there';
      },
      `${unusable}, and what was written to try it may stay, under ${folder}`,
    );
    if (!isDeletable) return { isUsable: false, checks, features };
    await check(
      'ranged reads',
      true,
      async () => {
        const range = await get(small, 'bytes=100-299');
        return range.equals(bytes.subarray(100, 300)) || `${range.length} bytes came for a range of 200`;
      },
      unusable,
    );
    await check(
      'a range beyond the end is refused',
      false,
      async () => {
        const error = await get(small, 'bytes=80000-80010').then(
          () => undefined,
          (e: unknown) => e,
        );
        return statusOf(error) === 416 || 'it was answered';
      },
      'lengths are compared here anyway',
    );
    await check(
      'digests of bodies are verified',
      false,
      async () => {
        const ContentMD5 = createHash('md5').update('something else').digest('base64');
        const error = await client
          .send(new PutObjectCommand({ Bucket, Key: `${folder}/refused`, Body: bytes, ContentMD5 }))
          .then(
            () => undefined,
            (e: unknown) => e,
          );
        return (statusOf(error) !== undefined && statusOf(error)! < 500) || 'a wrong Content-MD5 was taken';
      },
      'every copy is read back and compared in any case',
    );
    features.checksums = await check(
      'checksums are kept',
      false,
      async () => {
        await client.send(
          new PutObjectCommand({ ...small, ...newObject(options), Body: bytes, ChecksumAlgorithm: 'CRC32' }),
        );
        const found = await client.send(new HeadObjectCommand({ ...small, ChecksumMode: 'ENABLED' }));
        return found.ChecksumCRC32 !== undefined || 'none came back';
      },
      'parts are sent without x-amz-checksum; signatures and reading back remain',
    );
    features.conditionalPut = await check(
      'If-None-Match of PUT refuses to overwrite',
      false,
      async () => {
        const error = await client.send(new PutObjectCommand({ ...small, Body: bytes, IfNoneMatch: '*' })).then(
          () => undefined,
          (e: unknown) => e,
        );
        return statusOf(error) === 412 || `the answer was ${statusOf(error) ?? 'success'}`;
      },
      'keys are random, and not written twice',
    );
    await check(
      'aborting multipart uploads',
      false,
      async () => {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...large, ...newObject(options) }));
        await client.send(new AbortMultipartUploadCommand({ ...large, UploadId }));
        const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: large.Key }));
        return Uploads.every((upload) => upload.UploadId !== UploadId) || 'the upload is still there';
      },
      'what an interrupted upload had sent stays, and is paid for, until a rule of the bucket removes it',
    );
    const isMultipart = await check(
      'multipart uploads',
      true,
      async () => {
        const first = randomBytes(partBytes);
        await putParts(client, options, large, [first, bytes], features.checksums);
        const head = await client.send(new HeadObjectCommand(large));
        if (head.ContentLength !== partBytes + bytes.length) return `${head.ContentLength} bytes are there`;
        const seam = await get(large, `bytes=${partBytes - 10}-${partBytes + 9}`);
        return seam.equals(Buffer.concat([first.subarray(-10), bytes.subarray(0, 10)])) || 'other bytes came back';
      },
      unusable,
    );
    if (isMultipart) {
      features.conditionalComplete = await check(
        'If-None-Match of a multipart upload refuses to overwrite',
        false,
        async () => {
          const error = await putParts(client, options, large, [bytes], features.checksums, true).then(
            () => undefined,
            (e: unknown) => e,
          );
          return statusOf(error) === 412 || `the answer was ${statusOf(error) ?? 'success'}`;
        },
        'keys are random, and not written twice',
      );
    }
    await check(
      'listing by prefix',
      true,
      async () => {
        const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: `${folder}/small` }));
        return page.Contents?.some(({ Key }) => Key === small.Key) || 'the object is not listed';
      },
      unusable,
    );
    if (options.storageClass !== undefined && options.archive === undefined) {
      await check(
        `storage class ${options.storageClass}`,
        true,
        async () => {
          const { StorageClass } = await client.send(new HeadObjectCommand(small));
          return StorageClass === options.storageClass || `the object is in ${StorageClass ?? 'STANDARD'}`;
        },
        unusable,
      );
    }
    if (options.encryption !== undefined) {
      const { algorithm } = options.encryption;
      await check(
        `encryption ${algorithm}`,
        true,
        async () => {
          const { ServerSideEncryption } = await client.send(new HeadObjectCommand(small));
          return ServerSideEncryption === algorithm || `the object says ${ServerSideEncryption ?? 'none'}`;
        },
        unusable,
      );
    }
    if (options.archive?.by === 'copy') await checkArchiveClass(client, options, small, check);
    if (options.archive?.by === 'lifecycle') {
      await check(
        `a lifecycle rule to ${options.storageClass}`,
        false,
        async () => {
          const { Rules = [] } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
          return Rules.some((rule) => putsInto(rule, options)) || `no rule for ${options.prefix || 'all objects'}`;
        },
        'what is in this store stays in the class of the bucket, readable at once, until there is one',
      );
    }
  } finally {
    // An endpoint that answers nothing is not waited for again with each of them.
    const abortSignal = AbortSignal.timeout(cleanUpMilliseconds);
    const deletions = ['small', 'gone', 'large', 'refused'].map((name) =>
      client.send(new DeleteObjectCommand({ Bucket, Key: `${folder}/${name}` }), { abortSignal }),
    );
    await Promise.allSettled(deletions);
  }
  return { isUsable: checks.every(({ isNeeded, result }) => !isNeeded || result === 'works'), checks, features };
}

type Check = (
  what: string,
  isNeeded: boolean,
  run: () => Promise<string | true>,
  otherwise: string,
) => Promise<boolean>;

/** What is archived must get there, be asked for, and be told from what is not. */
async function checkArchiveClass(
  client: S3Sender,
  { storageClass, archive }: S3Options,
  small: { Bucket: string; Key: string },
  check: Check,
): Promise<void> {
  const isThere = await check(
    `a copy into ${storageClass}`,
    true,
    async () => {
      const CopySource = `${small.Bucket}/${encodeURIComponent(small.Key)}`;
      const StorageClass = storageClass as StorageClass;
      await client.send(
        new CopyObjectCommand({
          ...small,
          CopySource,
          StorageClass,
          MetadataDirective: 'REPLACE',
          Metadata: { 'self-test': 'yes' },
        }),
      );
      const found = await client.send(new HeadObjectCommand(small));
      return found.StorageClass === storageClass || `the object is in ${found.StorageClass ?? 'STANDARD'}`;
    },
    'nothing is moved to this store',
  );
  if (!isThere) return;
  await check(
    'what is archived says its size and keeps what is put beside it',
    false,
    async () => {
      const { ContentLength = 0, Metadata } = await client.send(new HeadObjectCommand(small));
      if (Metadata?.['self-test'] !== 'yes') return 'no metadata came back';
      return ContentLength > 0 || `it says ${ContentLength} bytes`;
    },
    'an archived object that is another than it was is found when it is restored, or by its other marks',
  );
  await check(
    'RestoreObject',
    true,
    async () => {
      const { restoreDays: Days, restoreTier: Tier } = archive!;
      await client.send(
        new RestoreObjectCommand({ ...small, RestoreRequest: { Days, GlacierJobParameters: { Tier } } }),
      );
      return true;
    },
    'what is archived there would not come back',
  );
}

/** Whether a rule takes what lies under the prefix to the class. */
function putsInto({ Status, Transitions = [], Filter, Prefix }: LifecycleRule, options: S3Options): boolean {
  const prefix = Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? '';
  const isForAll = Filter?.Tag === undefined && Filter?.And?.Tags === undefined;
  return (
    Status === 'Enabled' &&
    isForAll &&
    options.prefix.startsWith(prefix) &&
    Transitions.some(({ StorageClass }) => StorageClass === options.storageClass)
  );
}

async function putParts(
  client: S3Sender,
  options: S3Options,
  place: { Bucket: string; Key: string },
  parts: Buffer[],
  hasChecksums: boolean,
  isConditional = false,
): Promise<void> {
  const checksum = hasChecksums ? ({ ChecksumAlgorithm: 'CRC32' } as const) : {};
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...place, ...newObject(options), ...checksum }),
  );
  try {
    const Parts = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index + 1;
      const { ETag, ChecksumCRC32 } = await client.send(
        new UploadPartCommand({ ...place, UploadId, PartNumber, Body, ...checksum }),
      );
      Parts.push({ PartNumber, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) });
    }
    await client.send(
      new CompleteMultipartUploadCommand({
        ...place,
        UploadId,
        MultipartUpload: { Parts },
        ...(isConditional && { IfNoneMatch: '*' }),
      }),
    );
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => undefined);
    throw error;
  }
}
