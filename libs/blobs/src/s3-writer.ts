import { createHash, type Hash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  type UploadPartCommandOutput,
} from '@aws-sdk/client-s3';
import { BlobError } from './blob-error.js';
import type { BlobWriter, ObjectDigests, StoredBlob, WriteOptions } from './blob-store.js';
import { ObjectHashes } from './object-hashes.js';
import { givePartBack, partsKeptMax, takePart, usualPartBytes } from './part-memory.js';
import { PartTurns } from './part-turns.js';
import { idleMillisecondsOf, newObject, type S3Features, type S3Options, wrapS3 } from './s3-client.js';

/** S3 takes 10,000 parts; who says how large a blob will be may be off by a tenth. */
const partsMax = 9_000;
// Parts are held in memory while they are sent: so many, and the one that is being filled.
const partsAtOnce = 2;
// Of all copies at once: they are as fast as the disk they come from, and more of them gain nothing by more memory. What comes
// from a client waits for the client, and for nobody else.
const copyTurns = new PartTurns(partsKeptMax * usualPartBytes);

interface FullPart {
  number: number;
  bytes: Buffer;
}

/**
 * Takes a blob as parts that are sent while the next is filled; a small one becomes one PUT. Each part carries its
 * digests: the signature covers its SHA-256, unless it is read back and compared; and a checksum goes with it where the
 * endpoint keeps them. The object is visible when its upload is complete.
 */
export class S3Writer implements BlobWriter {
  /** Not of what is read back in any case. */
  private hash: Hash | undefined;
  /** At the beginning of the last object: for when it is taken back. */
  private before: { position: number; hash: Hash } | undefined;
  /** Where objects ended that have digests. */
  private readonly ends: number[] = [];
  private readonly objects = new ObjectHashes();
  private readonly partBytes: number;
  private readonly turns: PartTurns | undefined;
  private position = 0;
  private part: Buffer | undefined;
  private filled = 0;
  private partNumber = 0;
  private uploadId: Promise<string> | undefined;
  private readonly done: CompletedPart[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private failure: BlobError | undefined;
  private readonly stop = new AbortController();
  private isOver = false;

  constructor(
    private readonly client: S3Client,
    private readonly options: S3Options,
    private readonly features: S3Features,
    readonly key: string,
    { bytes = 0, isReadBack = false }: WriteOptions,
  ) {
    this.hash = isReadBack ? undefined : createHash('sha256');
    this.turns = isReadBack ? copyTurns : undefined;
    const wanted = Math.max(usualPartBytes, Math.ceil(bytes / partsMax));
    this.partBytes = Math.ceil(wanted / 1024 ** 2) * 1024 ** 2;
  }

  get bytes(): number {
    return this.position;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.refuseAfterFailure();
    this.hash?.update(chunk);
    this.objects.update(chunk);
    this.position += chunk.length;
    for (let at = 0; at < chunk.length;) {
      // Behind a full part only when more follows: the last one is sent by commit, alone where it is all there is.
      if (this.filled === this.partBytes) await this.sendPart();
      this.part ??= await this.takePart();
      const piece = chunk.subarray(at, at + this.partBytes - this.filled);
      this.part.set(piece, this.filled);
      this.filled += piece.length;
      at += piece.length;
    }
  }

  async truncate(bytes: number): Promise<void> {
    if (bytes > this.position) throw new RangeError(`A blob of ${this.position} bytes cannot be cut to ${bytes}`);
    while ((this.ends.at(-1) ?? 0) > bytes) {
      this.ends.pop();
      this.objects.digests.pop();
    }
    const surplus = this.position - bytes;
    const isKnown = this.hash === undefined || this.before?.position === bytes;
    // What was sent stays where it is, and nothing refers to it: the next object begins behind it.
    if (surplus > this.filled || !isKnown) return;
    this.filled -= surplus;
    this.position = bytes;
    this.hash = this.before?.hash.copy();
  }

  beginObject(): void {
    this.objects.begin();
    if (this.hash !== undefined) this.before = { position: this.position, hash: this.hash.copy() };
  }

  beginDataset(): void {
    this.objects.beginDataset();
  }

  endObject(): void {
    this.objects.end();
    this.ends.push(this.position);
  }

  async digests(): Promise<ObjectDigests[]> {
    return [...this.objects.digests];
  }

  async commit(): Promise<StoredBlob> {
    try {
      if (this.uploadId === undefined) await this.putWhole();
      else {
        await this.sendPart();
        await Promise.all(this.underWay);
        this.refuseAfterFailure();
        await this.complete(await this.uploadId);
      }
    } catch (error) {
      await this.abort();
      throw wrapS3(error, `Object ${this.key} could not be written`);
    }
    this.isOver = true;
    return { key: this.key, bytes: this.position, sha256: this.hash?.digest() ?? Buffer.alloc(0) };
  }

  async abort(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    this.failure ??= new BlobError('blob-unavailable', `Object ${this.key} was given up`);
    this.stop.abort();
    if (this.part !== undefined) {
      givePartBack(this.part);
      this.turns?.end(this.partBytes);
    }
    this.part = undefined;
    await Promise.allSettled(this.underWay);
    const UploadId = await this.uploadId?.catch(() => undefined);
    if (UploadId === undefined) return;
    // What cannot be taken back now is an upload nobody completes: clearStaging finds it.
    await this.client.send(new AbortMultipartUploadCommand({ ...this.place, UploadId })).catch(() => undefined);
  }

  private get place() {
    return { Bucket: this.options.bucket, Key: this.options.prefix + this.key };
  }

  private get checksum() {
    return this.features.checksums ? ({ ChecksumAlgorithm: 'CRC32' } as const) : {};
  }

  private async putWhole(): Promise<void> {
    const { part } = this;
    this.part = undefined;
    const body = part?.subarray(0, this.filled) ?? Buffer.alloc(0);
    const sent = this.client
      .send(
        new PutObjectCommand({
          ...this.place,
          ...newObject(this.options),
          ...this.checksum,
          Body: body,
          ContentLength: body.length,
          ...(this.features.conditionalPut && { IfNoneMatch: '*' }),
        }),
        { abortSignal: this.stop.signal },
      )
      .catch((error: unknown) => this.unlessItIsOurs(error));
    if (part === undefined) return void (await sent);
    try {
      const answer = await sent;
      if (answer !== undefined) giveBackOnce(part, answer);
    } finally {
      this.turns?.end(this.partBytes);
    }
  }

  /** @throws BlobError when it was given up */
  private async takePart(): Promise<Buffer> {
    const { turns, partBytes } = this;
    await turns?.begin(partBytes, this.stop.signal).catch(() => this.refuseAfterFailure());
    if (this.isOver) {
      turns?.end(partBytes);
      this.refuseAfterFailure();
    }
    return takePart(partBytes);
  }

  /** Sends what is filled when fewer than {@link partsAtOnce} are on their way. */
  private async sendPart(): Promise<void> {
    if (this.part === undefined || this.filled === 0) return;
    while (this.underWay.size >= partsAtOnce) await Promise.race(this.underWay);
    this.refuseAfterFailure();
    const full: FullPart = { number: (this.partNumber += 1), bytes: this.part.subarray(0, this.filled) };
    const buffer = this.part;
    this.part = undefined;
    this.filled = 0;
    const sent = this.upload(full)
      .then((answer) => giveBackOnce(buffer, answer))
      .catch((error: unknown) => {
        this.failure ??= wrapS3(error, `Object ${this.key} could not be written`);
      })
      .finally(() => {
        this.turns?.end(this.partBytes);
        this.underWay.delete(sent);
      });
    this.underWay.add(sent);
  }

  private async upload({ number, bytes }: FullPart): Promise<UploadPartCommandOutput> {
    this.uploadId ??= this.begin();
    const UploadId = await this.uploadId;
    const answer = await this.client.send(
      new UploadPartCommand({
        ...this.place,
        UploadId,
        PartNumber: number,
        Body: bytes,
        ContentLength: bytes.length,
        ...this.checksum,
      }),
      { abortSignal: this.stop.signal },
    );
    this.done.push({
      PartNumber: number,
      ETag: answer.ETag,
      ...(answer.ChecksumCRC32 !== undefined && { ChecksumCRC32: answer.ChecksumCRC32 }),
    });
    return answer;
  }

  private async begin(): Promise<string> {
    const answer = await this.client.send(
      new CreateMultipartUploadCommand({ ...this.place, ...newObject(this.options), ...this.checksum }),
      { abortSignal: this.stop.signal },
    );
    if (answer.UploadId === undefined) throw new BlobError('blob-unavailable', 'The endpoint began no upload');
    return answer.UploadId;
  }

  private async complete(UploadId: string): Promise<void> {
    const Parts = this.done.sort((a, b) => a.PartNumber! - b.PartNumber!);
    await this.client
      .send(
        new CompleteMultipartUploadCommand({
          ...this.place,
          UploadId,
          MultipartUpload: { Parts },
          ...(this.features.conditionalComplete && { IfNoneMatch: '*' }),
        }),
        { abortSignal: this.stop.signal },
      )
      .catch((error: unknown) => this.unlessItIsOurs(error));
  }

  /**
   * The answer to an earlier try may have been lost, and a later one then fails in one way or another: what is there under
   * the key, which is random, is ours.
   */
  private async unlessItIsOurs(error: unknown): Promise<void> {
    if (this.stop.signal.aborted) throw error;
    // Asked no longer than one try is waited for: an endpoint may answer nothing at all.
    const abortSignal = AbortSignal.timeout(idleMillisecondsOf(this.options));
    const found = await this.client.send(new HeadObjectCommand(this.place), { abortSignal }).catch(() => undefined);
    if (found?.ContentLength !== this.position) throw error;
  }

  private refuseAfterFailure(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

/** What was tried again may be read by the first try still. */
function giveBackOnce(part: Buffer, { $metadata }: { $metadata: { attempts?: number | undefined } }): void {
  if ($metadata.attempts === 1) givePartBack(part);
}
