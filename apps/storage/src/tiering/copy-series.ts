import { createHash, type Hash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import type { PackBytes } from '#libs/archive';
import { BlobError, type BlobStore, giveSlabBack, slabBytes, takeSlab } from '#libs/blobs';
import { StorageError } from '../storage-error.js';
import type { ReadyCopy } from './copies.js';
import { type BlobAddress, freeChunk, readChunks } from './copy-blob.js';
import { digestOfPieces, type ExpectedBytes } from './expected-bytes.js';
import type { MoveProgress } from './move-progress.js';
import type { CopiedLayout, PlacedInstance, SeriesLayout } from './read-series.js';
import { type CopyProgress, writeCopy } from './write-copy.js';

/** Instances that lie one behind the other: read by one request. */
interface Run {
  packId: string;
  offset: number;
  length: number;
}

const readsMax = 4;
/** Reads under way while what was read before is sent. */
const aheadMax = 3;

/**
 * Writes the instances of a series one behind the other into a new blob. They are compared when it is read back, each with
 * the digest it had when it came: that finds what was damaged where it lay as well as on its way.
 * @returns the blob's key; it is durable, and not yet read back
 * @throws StorageError 'pack-not-found'; BlobError; the signal's reason. Then the target holds nothing.
 */
export async function copySeries(
  layout: CopiedLayout,
  packs: PackBytes,
  target: BlobStore,
  progress: CopyProgress | undefined,
  signal: AbortSignal,
): Promise<string> {
  return writeCopy(target, layout.bytes, signal, progress, async (writer) => {
    for await (const chunk of readLayout(layout, packs, signal)) {
      await writer.write(chunk);
      await progress?.copied(chunk.length);
    }
  });
}

function runsOf(instances: CopiedLayout['instances']): Run[] {
  const runs: Run[] = [];
  for (const instance of instances) {
    const last = runs.at(-1);
    if (last !== undefined && last.packId === instance.packId && last.offset + last.length === instance.offset) {
      last.length += instance.length;
    } else {
      const { packId, offset, length } = instance;
      runs.push({ packId, offset, length });
    }
  }
  return runs;
}

/**
 * The instances of a series as they came, one behind the other. A chunk's memory is used again when the next is asked for.
 * @throws as copySeries
 */
export async function* readLayout(layout: CopiedLayout, packs: PackBytes, signal: AbortSignal): AsyncGenerator<Buffer> {
  const ahead: Promise<Block>[] = [];
  const next = async function* (): AsyncGenerator<Buffer> {
    const { slab, length } = await ahead.shift()!;
    try {
      yield slab.subarray(0, length);
    } finally {
      giveSlabBack(slab);
    }
  };
  try {
    for (const run of runsOf(layout.instances)) {
      const source = { copies: layout.packs.get(run.packId)?.copies ?? [], run, packs, signal };
      if (!isReadInPlace(source)) {
        while (ahead.length > 0) yield* next();
        yield* streamRun(source);
        continue;
      }
      for (let at = 0; at < run.length; at += slabBytes) {
        if (ahead.length === aheadMax) yield* next();
        const block = readBlock(source, at, Math.min(slabBytes, run.length - at));
        block.catch(() => undefined); // told when it is its turn
        ahead.push(block);
      }
    }
    while (ahead.length > 0) yield* next();
  } finally {
    for (const block of await Promise.allSettled(ahead))
      if (block.status === 'fulfilled') giveSlabBack(block.value.slab);
  }
}

interface Source {
  run: Run;
  copies: readonly ReadyCopy[];
  packs: PackBytes;
  signal: AbortSignal;
}

interface Block {
  slab: Buffer;
  length: number;
}

/**
 * Whether a run is read into memory that is there: each stream of a file takes new memory, and collecting it costs more
 * than a copy does. Of a bucket that is one request all the same where the run is short.
 */
function isReadInPlace({ run, copies, packs }: Source): boolean {
  if (run.length <= slabBytes) return true;
  return copies.length > 0 && copies.every((copy) => packs.of(run.packId, copy).isLocal === true);
}

async function readBlock({ run, copies, packs, signal }: Source, at: number, length: number): Promise<Block> {
  const slab = takeSlab();
  try {
    for (let reads = 1; ; reads += 1) {
      signal.throwIfAborted();
      const copy = nextCopy(run, copies, reads);
      try {
        await packs.of(run.packId, copy).readInto(copy.key, run.offset + at, slab.subarray(0, length));
        return { slab, length };
      } catch (error) {
        signal.throwIfAborted();
        if (isGivenUp(error, reads)) throw error;
      }
    }
  } catch (error) {
    giveSlabBack(slab);
    throw error;
  }
}

async function* streamRun({ run, copies, packs, signal }: Source): AsyncGenerator<Buffer> {
  for (let done = 0, reads = 1; done < run.length; reads += 1) {
    signal.throwIfAborted();
    // What broke off is gone on with where it did.
    const copy = nextCopy(run, copies, reads);
    const source = packs.of(run.packId, copy);
    let chunks: AsyncIterator<Buffer> | undefined;
    try {
      for (;;) {
        let chunk: Buffer;
        try {
          chunks ??= (
            addAbortSignal(
              signal,
              await source.readRange(copy.key, run.offset + done, run.length - done),
            ) as AsyncIterable<Buffer>
          )[Symbol.asyncIterator]();
          const next = await chunks.next();
          if (next.done === true) break;
          chunk = next.value;
        } catch (error) {
          signal.throwIfAborted();
          if (isGivenUp(error, reads)) throw error;
          break;
        }
        done += chunk.length;
        yield chunk;
        if (source.givesChunksAway === true) freeChunk(chunk);
      }
    } finally {
      await chunks?.return?.();
    }
  }
}

/** Another one at each try, where there is one. */
function nextCopy(run: Run, copies: readonly ReadyCopy[], reads: number): ReadyCopy {
  const copy = copies[(reads - 1) % copies.length];
  if (copy === undefined) throw new StorageError('pack-not-found', `Pack ${run.packId} has no copy to read`);
  return copy;
}

const isGivenUp = (error: unknown, reads: number): boolean =>
  reads >= readsMax || (error instanceof BlobError && error.code === 'blob-archived');

/**
 * Reads a blob of a series back and compares each instance with its digest. It is hashed as one only where it goes into an
 * archive class, whose digests are of the whole.
 * @returns what its bytes must be from now on
 * @throws DamagedInstance; BlobError; the signal's reason
 */
export async function verifySeries(
  { store, key }: BlobAddress,
  { instances, bytes }: SeriesLayout,
  progress: Pick<MoveProgress, 'copied'>,
  signal: AbortSignal,
): Promise<ExpectedBytes> {
  // One instance is the whole.
  const pieces = instances.length > 1 ? instances.map(({ length }) => length) : undefined;
  const found = await store.digest(key, {
    ...(pieces !== undefined && { pieces, isWhole: store.archive !== undefined }),
    signal,
    take: (read) => progress.copied(read),
  });
  const { sha256 } = found;
  const digests = pieces !== undefined ? found.pieces : found.bytes === bytes ? [sha256!] : [];
  for (const [index, digest] of digests.entries()) compareInstance(instances[index]!, digest);
  if (found.bytes > bytes) throw tooLong();
  if (digests.length < instances.length) throw tooShort(instances[digests.length]);
  return sha256 === undefined
    ? { bytes, sha256: digestOfPieces(digests), pieceBytes: pieces! }
    : { bytes, sha256, pieceBytes: null };
}

/** What stored bytes become. It reads all of them. */
export type Expanded = (stored: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/** As {@link verifySeries}, where instances are stored otherwise than they came. @returns as verifySeries, of what is stored */
export async function verifyExpanded(
  blob: BlobAddress,
  layout: SeriesLayout,
  progress: Pick<MoveProgress, 'copied'>,
  signal: AbortSignal,
  expanded: Expanded,
): Promise<ExpectedBytes> {
  const { store, key } = blob;
  const whole = createHash('sha256');
  let bytes = 0;
  const digests = new InstanceDigests(layout.instances);
  async function* stored(): AsyncGenerator<Buffer> {
    for await (const chunk of readChunks(blob, signal)) {
      whole.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  try {
    for await (const chunk of expanded(stored())) {
      digests.update(chunk);
      await progress.copied(chunk.length);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BlobError || error instanceof DamagedInstance) throw error;
    throw new BlobError('blob-unavailable', `${key} in ${store.name} broke off`, { cause: error });
  }
  digests.end();
  return { bytes, sha256: whole.digest(), pieceBytes: null };
}

/** An instance that is not what it was when it came. */
export class DamagedInstance extends StorageError {
  constructor(
    readonly instance: PlacedInstance | undefined,
    message: string,
  ) {
    super('copy-damaged', message);
  }
}

const tooLong = () => new DamagedInstance(undefined, 'There are bytes too many at the end of the copy');
const tooShort = (instance: PlacedInstance | undefined) =>
  new DamagedInstance(instance, 'There are bytes missing at the end of the copy');

function compareInstance(instance: PlacedInstance, found: Buffer): void {
  const { sha256, instanceKey, offset } = instance;
  if (found.equals(sha256)) return;
  throw new DamagedInstance(
    instance,
    `Instance ${instanceKey} at ${offset} has SHA-256 ${found.toString('hex')}, and should have ${sha256.toString('hex')}`,
  );
}

/** Which of the copies that an instance was read from is damaged; undefined when it was damaged on its way. */
export async function findDamagedSource(
  layout: SeriesLayout,
  packs: PackBytes,
  instance: PlacedInstance,
): Promise<ReadyCopy | undefined> {
  for (const copy of layout.packs.get(instance.packId)?.copies ?? []) {
    const hash = createHash('sha256');
    const body = await packs.of(instance.packId, copy).readRange(copy.key, instance.offset, instance.length);
    for await (const chunk of body) hash.update(chunk as Buffer);
    if (!hash.digest().equals(instance.sha256)) return copy;
  }
  return undefined;
}

/** The digest of each instance in turn, as the bytes of all of them pass. */
class InstanceDigests {
  private index = 0;
  private left: number;
  private hash: Hash = createHash('sha256');

  constructor(private readonly instances: readonly PlacedInstance[]) {
    this.left = instances[0]?.length ?? 0;
  }

  /** @throws StorageError 'copy-damaged' */
  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + this.left);
      this.hash.update(piece);
      if (piece.length === 0) throw tooLong();
      this.left -= piece.length;
      at += piece.length;
      if (this.left === 0) this.compare();
    }
  }

  end(): void {
    if (this.index === this.instances.length) return;
    throw tooShort(this.instances[this.index]);
  }

  private compare(): void {
    compareInstance(this.instances[this.index]!, this.hash.digest());
    this.hash = createHash('sha256');
    this.index += 1;
    this.left = this.instances[this.index]?.length ?? 0;
  }
}
