import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  RestoreObjectCommand,
  type S3Client,
  type StorageClass,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { BlobError } from './blob-error.js';
import { isBlobKey, newBlobKey } from './blob-key.js';
import type {
  ArchiveClass,
  ArchivedBlob,
  BlobDigest,
  BlobStore,
  BlobWriter,
  DigestOptions,
  WriteOptions,
} from './blob-store.js';
import {
  createClient,
  createUnsignedClient,
  encrypted,
  noFeatures,
  type S3Features,
  type S3Options,
  wrapS3,
} from './s3-client.js';
import { DigestHandler } from './s3-digest.js';
import { type S3SelfTest, testS3 } from './s3-self-test.js';
import { S3Writer } from './s3-writer.js';
import { ThreadDigest } from './thread-digest.js';

/** Largest object that one copy takes; a larger one is copied in parts. */
const copyBytesMax = 5 * 1024 ** 3;
const copyPartBytes = 1024 ** 3;

/** Under which the SHA-256 of an archived object lies beside it, as user metadata. */
const digestName = 'isocenter-sha256';

/** How often a body that breaks off is gone on with. */
const breaksMax = 2;

/** What the classes promise, in the slowest of the usual cases. */
const restoreSecondsOf = { Expedited: 300, Standard: 5 * 3600, Bulk: 12 * 3600 };

type Send = (command: GetObjectCommand) => Promise<GetObjectCommandOutput>;

/** Blobs as objects of an S3 bucket. An object is visible when its upload is complete, so commit is atomic here, too. */
export class S3BlobStore implements BlobStore {
  readonly givesChunksAway = true;
  private readonly client: S3Client;
  private unsigned: S3Client | undefined;
  private readonly digesting: DigestHandler;
  private features: S3Features = noFeatures;
  private readonly testFolder: string;
  readonly archive?: ArchiveClass;

  constructor(
    readonly name: string,
    private readonly options: S3Options,
  ) {
    this.client = createClient(options);
    this.digesting = new DigestHandler(options);
    this.testFolder = `${options.prefix}self-test/${randomUUID()}`;
    if (options.archive !== undefined) {
      this.archive = {
        restoreSeconds: restoreSecondsOf[options.archive.restoreTier],
        archive: (key, sha256) => this.putIntoClass(key, sha256),
        describe: (key) => this.describe(key),
        restore: (key) => this.restore(key),
        stateOf: (key) => this.stateOf(key),
      };
    }
  }

  /**
   * Tries on the endpoint what this store relies on, with objects of its own, and uses from now on what it was seen to
   * do. @returns what works, what does not, and what that means
   */
  async selfTest(): Promise<S3SelfTest> {
    const result = await testS3(this.client, this.options, this.testFolder);
    this.features = result.features;
    return result;
  }

  async write(options: WriteOptions = {}): Promise<BlobWriter> {
    const client = options.isReadBack === true ? (this.unsigned ??= createUnsignedClient(this.options)) : this.client;
    return new S3Writer(client, this.options, this.features, newBlobKey(), options);
  }

  async read(key: string): Promise<Readable> {
    const { body, length } = await this.get(key);
    return this.whole(key, body, 0, length);
  }

  async readRange(key: string, offset: number, length: number): Promise<Readable> {
    if (offset < 0 || length <= 0)
      throw new BlobError('blob-invalid-range', `${length} bytes from ${offset} are no range`);
    const { body } = await this.get(key, { offset, length });
    return this.whole(key, body, offset, length);
  }

  async readInto(key: string, offset: number, target: Uint8Array): Promise<void> {
    let at = 0;
    for await (const chunk of await this.readRange(key, offset, target.length)) {
      target.set(chunk as Uint8Array, at);
      at += (chunk as Uint8Array).length;
    }
  }

  async digest(key: string, options: DigestOptions = {}): Promise<BlobDigest> {
    const digest = new ThreadDigest(options);
    const send: Send = (command) => this.digesting.send(command, digest);
    try {
      const { length } = await this.get(key, undefined, send);
      for (let breaks = 0; ; breaks += 1) {
        const failure = await digest.over().catch((error: unknown) => error);
        const { bytes } = digest;
        if (digest.givenUp !== undefined) throw digest.givenUp;
        if (bytes === length) return await digest.end();
        if (bytes > length) throw new BlobError('blob-unavailable', `Object ${key} gave more than it named`);
        if (breaks >= breaksMax) throw brokenOff(key, bytes, length, failure);
        await this.get(key, { offset: bytes, length: length - bytes }, send);
      }
    } catch (error) {
      throw digest.givenUp ?? wrapS3(error, `Object ${key}`);
    } finally {
      digest.close();
    }
  }

  async head(key: string): Promise<{ bytes: number } | undefined> {
    const found = await this.ask(key);
    return found === undefined ? undefined : { bytes: found.ContentLength ?? 0 };
  }

  async delete(key: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand(this.place(key)));
    } catch (error) {
      throw wrapS3(error, `Object ${key} could not be deleted`);
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
          throw wrapS3(error, `Bucket ${Bucket} could not be listed`);
        });
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const key = Key.slice(Prefix.length);
        if (isBlobKey(key) && LastModified !== undefined) yield { key, bytes: Size, modifiedAt: LastModified };
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  /** Uploads that nobody completed are paid for, and seen by no listing of objects. */
  async clearStaging(before: Date): Promise<number> {
    const { bucket: Bucket, prefix: Prefix } = this.options;
    let cleared = 0;
    let markers: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (markers !== undefined) {
      let page;
      try {
        page = await this.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix, ...markers }));
      } catch (error) {
        const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
        // An endpoint without the listing, or keys that may not ask for it: the self-test says what follows.
        if (status === 501 || status === 405 || status === 403) return cleared;
        throw wrapS3(error, `Uploads into bucket ${Bucket} could not be listed`);
      }
      for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
        if (!isBlobKey(Key.slice(Prefix.length)) || Initiated === undefined || Initiated >= before) continue;
        const aborting = this.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
        cleared += await aborting.then(
          () => 1,
          () => 0,
        );
      }
      markers =
        page.IsTruncated === true && page.NextKeyMarker !== undefined
          ? {
              KeyMarker: page.NextKeyMarker,
              ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }),
            }
          : undefined;
    }
    return cleared;
  }

  async probe(): Promise<void> {
    try {
      await this.client.send(new HeadBucketCommand({ Bucket: this.options.bucket }));
    } catch (error) {
      throw wrapS3(error, `Bucket ${this.options.bucket}`);
    }
  }

  private async get(
    key: string,
    range?: { offset: number; length: number },
    send: Send = (command) => this.client.send(command),
  ): Promise<{ body: Readable; length: number }> {
    try {
      const found = await send(
        new GetObjectCommand({
          ...this.place(key),
          ...(range !== undefined && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
        }),
      );
      const body = found.Body as Readable;
      const length = found.ContentLength;
      // A range beyond the end is answered with what there is, and an endpoint that knows no ranges with the whole: either
      // would be wrong bytes.
      const isElsewhere =
        range !== undefined &&
        found.ContentRange !== undefined &&
        !found.ContentRange.startsWith(`bytes ${range.offset}-`);
      if (length === undefined || (range !== undefined && (length !== range.length || isElsewhere))) {
        body.destroy();
        const wanted = range === undefined ? 'all' : `${range.length} from ${range.offset}`;
        throw new BlobError('blob-invalid-range', `Object ${key} gave ${length} bytes for ${wanted}`);
      }
      return { body, length };
    } catch (error) {
      throw wrapS3(error, `Object ${key}`);
    }
  }

  /**
   * A body with all of its bytes and no more: one that breaks off is gone on with where it did, and one that cannot be is
   * an error. Its reader never takes a part for the whole.
   */
  private whole(key: string, body: Readable, offset: number, length: number): Readable {
    const resume = (done: number) => this.get(key, { offset: offset + done, length: length - done });
    async function* chunks(): AsyncGenerator<Buffer> {
      let done = 0;
      for (let breaks = 0; ; breaks += 1) {
        let failure: unknown;
        try {
          for await (const chunk of breaks === 0 ? body : (await resume(done)).body) {
            done += (chunk as Buffer).length;
            if (done > length) break;
            yield chunk as Buffer;
          }
        } catch (error) {
          failure = error;
        }
        if (done === length) return;
        if (done > length) throw new BlobError('blob-unavailable', `Object ${key} gave more than it named`);
        if (breaks >= breaksMax || failure instanceof BlobError) {
          throw brokenOff(key, done, length, failure);
        }
      }
    }
    // Chunk by chunk: a stream of bytes would copy those that wait into one.
    return Readable.from(chunks(), { objectMode: true, highWaterMark: 4 });
  }

  private async ask(key: string, withChecksums = false): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.client.send(
        new HeadObjectCommand({ ...this.place(key), ...(withChecksums && { ChecksumMode: 'ENABLED' }) }),
      );
    } catch (error) {
      const wrapped = wrapS3(error, `Object ${key}`);
      if (wrapped.code === 'blob-not-found') return undefined;
      throw wrapped;
    }
  }

  /**
   * Copies an object onto itself in another class: what was read back is what goes into the archive. Its digest goes with
   * it, and the endpoint computes one of its own where it does that: both can be asked for while it is archived. Where a
   * rule of the bucket puts it into the class, it stays in its own until then.
   */
  private async putIntoClass(key: string, sha256: Uint8Array): Promise<void> {
    const { archive, bucket, prefix, storageClass, encryption } = this.options;
    const place = this.place(key);
    const CopySource = `${bucket}/${encodeURIComponent(prefix + key)}`;
    const target = {
      ...place,
      ContentType: 'application/octet-stream',
      Metadata: { [digestName]: Buffer.from(sha256).toString('hex') },
      ...(archive?.by === 'copy' && { StorageClass: storageClass as StorageClass }),
      ...encrypted(encryption),
    };
    try {
      const bytes = (await this.ask(key))?.ContentLength ?? 0;
      if (bytes <= copyBytesMax) {
        const computed = this.features.checksums ? ({ ChecksumAlgorithm: 'SHA256' } as const) : {};
        await this.client.send(
          new CopyObjectCommand({ ...target, ...computed, CopySource, MetadataDirective: 'REPLACE' }),
        );
        return;
      }
      const { UploadId } = await this.client.send(new CreateMultipartUploadCommand(target));
      const Parts = [];
      for (let at = 0, PartNumber = 1; at < bytes; at += copyPartBytes, PartNumber += 1) {
        const CopySourceRange = `bytes=${at}-${Math.min(bytes, at + copyPartBytes) - 1}`;
        const part = await this.client.send(
          new UploadPartCopyCommand({ ...place, CopySource, CopySourceRange, UploadId, PartNumber }),
        );
        Parts.push({ PartNumber, ETag: part.CopyPartResult?.ETag });
      }
      await this.client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
    } catch (error) {
      throw wrapS3(error, `Object ${key} could not be put into ${storageClass}`);
    }
  }

  private async describe(key: string): Promise<ArchivedBlob | undefined> {
    const found = await this.ask(key, this.features.checksums);
    if (found === undefined) return undefined;
    const { ContentLength, ChecksumSHA256, ChecksumType, Metadata, StorageClass } = found;
    // Of an object in parts it may be that of the parts' digests, and then names their number.
    const isWhole = ChecksumSHA256 !== undefined && ChecksumType !== 'COMPOSITE' && !ChecksumSHA256.includes('-');
    const beside = Metadata?.[digestName];
    return {
      // Ceph says of what it has sent away that it has no bytes.
      bytes: ContentLength === 0 && StorageClass === this.options.storageClass ? undefined : ContentLength,
      sha256: isWhole
        ? Buffer.from(ChecksumSHA256, 'base64')
        : beside === undefined
          ? undefined
          : Buffer.from(beside, 'hex'),
    };
  }

  private async restore(key: string): Promise<void> {
    const { restoreDays: Days, restoreTier: Tier } = this.options.archive!;
    try {
      await this.client.send(
        new RestoreObjectCommand({ ...this.place(key), RestoreRequest: { Days, GlacierJobParameters: { Tier } } }),
      );
    } catch (error) {
      // It is on its way already.
      if ((error as Error).name === 'RestoreAlreadyInProgress') return;
      throw wrapS3(error, `Object ${key} could not be restored`);
    }
  }

  private async stateOf(key: string): Promise<'archived' | 'restoring' | 'readable'> {
    const found = await this.ask(key);
    if (found === undefined) throw new BlobError('blob-not-found', `Object ${key}: it is not there`);
    if (found.Restore !== undefined) return found.Restore.includes('ongoing-request="true"') ? 'restoring' : 'readable';
    return found.StorageClass === this.options.storageClass ? 'archived' : 'readable';
  }

  private place(key: string): { Bucket: string; Key: string } {
    if (!isBlobKey(key)) throw new BlobError('blob-not-found', `${JSON.stringify(key.slice(0, 80))} is no blob key`);
    return { Bucket: this.options.bucket, Key: this.options.prefix + key };
  }
}

function brokenOff(key: string, done: number, length: number, failure: unknown): BlobError {
  const cause = failure instanceof Error ? { cause: failure } : {};
  return new BlobError('blob-unavailable', `Object ${key} broke off after ${done} of ${length} bytes`, cause);
}
