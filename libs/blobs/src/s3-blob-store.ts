import { createHash } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  type StorageClass,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { BlobError } from './blob-error.js';
import { isBlobKey, newBlobKey } from './blob-key.js';
import type { BlobStore, BlobWriter, StoredBlob } from './blob-store.js';

export interface S3Options {
  endpoint: string | undefined;
  region: string;
  bucket: string;
  /** Before every key, for a bucket shared with others. */
  prefix: string;
  /** undefined: the machine's role, as the SDK finds it. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
  forcePathStyle: boolean;
  /** Of new objects; undefined: the bucket's default. */
  storageClass: string | undefined;
}

// Parts are held in memory while they are sent: so much for each upload under way.
const partBytes = 8 * 1024 ** 2;
const partsAtOnce = 2;

/** Blobs as objects of an S3 bucket. An object is visible when its upload is complete, so commit is atomic here, too. */
export class S3BlobStore implements BlobStore {
  private readonly client: S3Client;

  constructor(
    readonly name: string,
    private readonly options: S3Options,
  ) {
    this.client = new S3Client({
      region: options.region,
      forcePathStyle: options.forcePathStyle,
      // Not every S3 server knows the SDK's newer default checksums; ours are our own SHA-256, read back and compared.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
      // A copy: the SDK writes on what it is given, and ours is frozen.
      ...(options.credentials !== undefined && { credentials: { ...options.credentials } }),
    });
  }

  async write(): Promise<BlobWriter> {
    const key = newBlobKey();
    return new S3Writer(key, (body) => {
      const { bucket: Bucket, storageClass } = this.options;
      return new Upload({
        client: this.client,
        partSize: partBytes,
        queueSize: partsAtOnce,
        params: {
          Bucket,
          Key: this.keyOf(key),
          Body: body,
          ContentType: 'application/octet-stream',
          ...(storageClass !== undefined && { StorageClass: storageClass as StorageClass }),
        },
      });
    });
  }

  read(key: string): Promise<Readable> {
    return this.get(key);
  }

  async readRange(key: string, offset: number, length: number): Promise<Readable> {
    if (offset < 0 || length <= 0)
      throw new BlobError('blob-invalid-range', `${length} bytes from ${offset} are no range`);
    return this.get(key, `bytes=${offset}-${offset + length - 1}`, length);
  }

  async readInto(key: string, offset: number, target: Uint8Array): Promise<void> {
    let at = 0;
    for await (const chunk of await this.readRange(key, offset, target.length)) {
      target.set(chunk as Uint8Array, at);
      at += (chunk as Uint8Array).length;
    }
    if (at < target.length) throw new BlobError('blob-unavailable', `Object ${key} ended after ${at} bytes of a range`);
  }

  async head(key: string): Promise<{ bytes: number } | undefined> {
    try {
      const found = await this.client.send(
        new HeadObjectCommand({ Bucket: this.options.bucket, Key: this.keyOf(key) }),
      );
      return { bytes: found.ContentLength ?? 0 };
    } catch (error) {
      const wrapped = wrap(error, `Object ${key}`);
      if (wrapped.code === 'blob-not-found') return undefined;
      throw wrapped;
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand({ Bucket: this.options.bucket, Key: this.keyOf(key) }));
    } catch (error) {
      throw wrap(error, `Object ${key} could not be deleted`);
    }
  }

  async *list(): AsyncGenerator<{ key: string; bytes: number; modifiedAt: Date }> {
    const { bucket: Bucket, prefix: Prefix } = this.options;
    let ContinuationToken: string | undefined;
    do {
      const page = await this.client
        .send(
          new ListObjectsV2Command({ Bucket, Prefix, ...(ContinuationToken !== undefined && { ContinuationToken }) }),
        )
        .catch((error: unknown) => {
          throw wrap(error, `Bucket ${Bucket} could not be listed`);
        });
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const key = Key.slice(Prefix.length);
        if (isBlobKey(key) && LastModified !== undefined) yield { key, bytes: Size, modifiedAt: LastModified };
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  async probe(): Promise<void> {
    try {
      await this.client.send(new HeadBucketCommand({ Bucket: this.options.bucket }));
    } catch (error) {
      throw wrap(error, `Bucket ${this.options.bucket}`);
    }
  }

  private async get(key: string, range?: string, length?: number): Promise<Readable> {
    try {
      const found = await this.client.send(
        new GetObjectCommand({
          Bucket: this.options.bucket,
          Key: this.keyOf(key),
          ...(range !== undefined && { Range: range }),
        }),
      );
      const body = found.Body as Readable;
      // A range that reaches beyond the end is answered with what there is: that would be a short frame.
      if (length !== undefined && found.ContentLength !== length) {
        body.destroy();
        throw new BlobError(
          'blob-invalid-range',
          `Object ${key} gave ${found.ContentLength} of ${length} bytes at ${range}`,
        );
      }
      return body;
    } catch (error) {
      throw wrap(error, `Object ${key}`);
    }
  }

  private keyOf(key: string): string {
    if (!isBlobKey(key)) throw new BlobError('blob-not-found', `${JSON.stringify(key.slice(0, 80))} is no blob key`);
    return this.options.prefix + key;
  }
}

class S3Writer implements BlobWriter {
  private readonly body = new PassThrough();
  private readonly hash = createHash('sha256');
  private readonly upload: Upload;
  private readonly done: Promise<unknown>;
  private failure: unknown;
  private position = 0;

  constructor(
    private readonly key: string,
    begin: (body: Readable) => Upload,
  ) {
    this.upload = begin(this.body);
    this.done = this.upload.done().catch((error: unknown) => {
      this.failure = error;
      this.body.destroy();
    });
  }

  get bytes(): number {
    return this.position;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.refuseAfterFailure();
    this.hash.update(chunk);
    this.position += chunk.length;
    if (!this.body.write(chunk)) await drained(this.body);
    this.refuseAfterFailure();
  }

  async truncate(bytes: number): Promise<void> {
    if (bytes === this.position) return;
    throw new BlobError('blob-unsupported', 'What was sent to S3 cannot be taken back');
  }

  digest(): Buffer {
    return this.hash.copy().digest();
  }

  async commit(): Promise<StoredBlob> {
    this.body.end();
    await this.done;
    this.refuseAfterFailure();
    return { key: this.key, bytes: this.position, sha256: this.hash.digest() };
  }

  async abort(): Promise<void> {
    await this.upload.abort().catch(() => undefined); // the bucket's lifecycle rule takes what is left
    this.body.destroy();
    await this.done;
  }

  private refuseAfterFailure(): void {
    if (this.failure !== undefined) throw wrap(this.failure, `Object ${this.key} could not be written`);
  }
}

/** Until the upload has taken what is buffered, or has failed. */
function drained(body: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      body.off('drain', done).off('close', done);
      resolve();
    };
    body.on('drain', done).on('close', done);
  });
}

function wrap(error: unknown, what: string): BlobError {
  if (error instanceof BlobError) return error;
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (name === 'NoSuchKey' || name === 'NotFound' || status === 404) {
    return new BlobError('blob-not-found', `${what}: it is not there`, { cause: error });
  }
  if (name === 'InvalidObjectState')
    return new BlobError('blob-archived', `${what}: it is archived and must be restored first`, { cause: error });
  if (name === 'InvalidRange' || status === 416)
    return new BlobError('blob-invalid-range', `${what}: the range is beyond its end`, { cause: error });
  return new BlobError('blob-unavailable', `${what}: ${name} ${message}`, { cause: error });
}
