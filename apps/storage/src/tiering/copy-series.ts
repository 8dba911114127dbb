import { createHash, type Hash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import { BlobError, type BlobStore, type BlobStores, type BlobWriter, type StoredBlob } from '#libs/blobs';
import { StorageError } from '../storage-error.js';
import type { MoveProgress } from './move-progress.js';
import type { PlacedInstance, SeriesLayout } from './read-series.js';

/** Instances that lie one behind the other: read by one request. */
interface Run {
  packId: string;
  offset: number;
  length: number;
  instances: PlacedInstance[];
}

const readsMax = 4;

/**
 * Writes the instances of a series one behind the other into a new blob. Each is compared with its digest on the way, so
 * that what was damaged where it lay is not carried on.
 * @returns the blob; it is durable, and not yet read back
 * @throws StorageError 'copy-damaged'; BlobError; the signal's reason. Then the target holds nothing.
 */
export async function copySeries(
  layout: SeriesLayout,
  stores: BlobStores,
  target: BlobStore,
  progress: MoveProgress,
  signal: AbortSignal,
): Promise<StoredBlob> {
  const writer = await target.write({ bytes: layout.bytes });
  const stop = () => void writer.abort().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (writer.key !== undefined) await progress.begun(target.name, writer.key);
    for (const run of runsOf(layout.instances)) await copyRun(run, layout, stores, writer, progress, signal);
    signal.throwIfAborted();
    return await writer.commit();
  } catch (error) {
    await writer.abort();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export function runsOf(instances: readonly PlacedInstance[]): Run[] {
  const runs: Run[] = [];
  for (const instance of instances) {
    const last = runs.at(-1);
    if (last !== undefined && last.packId === instance.packId && last.offset + last.length === instance.offset) {
      last.length += instance.length;
      last.instances.push(instance);
    } else {
      const { packId, offset, length } = instance;
      runs.push({ packId, offset, length, instances: [instance] });
    }
  }
  return runs;
}

async function copyRun(
  run: Run,
  layout: SeriesLayout,
  stores: BlobStores,
  writer: BlobWriter,
  progress: MoveProgress,
  signal: AbortSignal,
): Promise<void> {
  const digests = new InstanceDigests(run.instances);
  const copies = layout.packs.get(run.packId)?.copies ?? [];
  if (copies.length === 0) throw new StorageError('pack-not-found', `Pack ${run.packId} has no copy to read`);
  for (let done = 0, reads = 1; done < run.length; reads += 1) {
    signal.throwIfAborted();
    // What broke off is gone on with where it did, from another copy where there is one.
    const copy = copies[(reads - 1) % copies.length]!;
    try {
      const body = await stores.named(copy.store).readRange(copy.key, run.offset + done, run.length - done);
      for await (const chunk of addAbortSignal(signal, body) as AsyncIterable<Buffer>) {
        digests.update(chunk);
        await writer.write(chunk);
        done += chunk.length;
        await progress.copied(chunk.length);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof StorageError) {
        throw new StorageError(error.code, `${copy.key} in ${copy.store}: ${error.message}`, {
          cause: error,
          locationId: copy.locationId,
        });
      }
      if (reads >= readsMax || (error instanceof BlobError && error.code === 'blob-archived')) throw error;
    }
  }
  digests.end();
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
      this.left -= piece.length;
      at += piece.length;
      if (this.left === 0) this.compare();
    }
  }

  end(): void {
    if (this.index !== this.instances.length) throw new StorageError('copy-damaged', 'there are bytes missing');
  }

  private compare(): void {
    const { sha256, instanceKey, offset } = this.instances[this.index]!;
    const found = this.hash.digest();
    if (!found.equals(sha256)) {
      const wanted = sha256.toString('hex');
      throw new StorageError(
        'copy-damaged',
        `the instance ${instanceKey} at ${offset} has SHA-256 ${found.toString('hex')}, and should have ${wanted}`,
      );
    }
    this.hash = createHash('sha256');
    this.index += 1;
    this.left = this.instances[this.index]?.length ?? 0;
  }
}
