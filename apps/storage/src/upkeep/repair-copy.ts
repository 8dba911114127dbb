import type { PackBytes } from '#libs/archive';
import { BlobError, type BlobStores } from '#libs/blobs';
import { type DataSource, execute, query } from '#libs/database';
import { StorageError } from '../storage-error.js';
import { copyBlob, verifyBlob } from '../tiering/copy-blob.js';
import { copySeries } from '../tiering/copy-series.js';
import type { ExpectedBytes } from '../tiering/expected-bytes.js';
import { readOrigin } from './read-origin.js';

/** A copy of a pack as upkeep looks at it. */
export interface NamedCopy extends ExpectedBytes {
  locationId: string;
  packId: string;
  tier: string;
  store: string;
  key: string;
}

/**
 * Writes a damaged copy anew and reads it back: from another copy of its pack, one that was replaced and waits for its grace
 * included, or from the packs that it was made of, as long as they wait for theirs. The row then names the new one; the
 * damaged blob is deleted.
 * @returns whether there was one to repair it from
 * @throws BlobError, the signal's reason
 */
export async function repairCopy(
  db: DataSource,
  stores: BlobStores,
  packs: PackBytes,
  copy: NamedCopy,
  signal: AbortSignal,
): Promise<boolean> {
  const target = stores.named(copy.store);
  for await (const key of copiesAnew(db, stores, packs, copy, signal)) {
    try {
      await verifyBlob({ store: target, key }, copy, signal);
      await target.archive?.archive(key, copy.sha256);
    } catch (error) {
      await target.delete(key).catch(() => undefined);
      // What it was made of is damaged, too, or not all of it is there.
      if (error instanceof StorageError) continue;
      throw error;
    }
    const switched = await execute(
      db,
      `update location set key = $3, damage = null, verified_at = now() where location_id = $1 and key = $2`,
      [copy.locationId, copy.key, key],
    );
    await target.delete(switched > 0 ? copy.key : key).catch(() => undefined); // else the garbage collector's
    return true;
  }
  return false;
}

/** Writes it from one source after the other. @returns the keys of what was written, not yet read back */
async function* copiesAnew(
  db: DataSource,
  stores: BlobStores,
  packs: PackBytes,
  copy: NamedCopy,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const target = stores.named(copy.store);
  const isReadable = ({ store }: { store: string }) => stores.named(store).archive === undefined;
  const others = await query<{ store: string; key: string }>(
    db,
    `select store, key from location where pack_id = $1 and location_id <> $2
      order by state, array_position(array['hot', 'warm', 'cold'], tier)`,
    [copy.packId, copy.locationId],
  );
  const sources = others.filter(isReadable).map((other) => {
    const source = { store: stores.named(other.store), key: other.key };
    return () => copyBlob(source, target, copy, signal);
  });
  const origin = await readOrigin(db, copy.packId, copy.bytes);
  if (origin !== undefined && [...origin.packs.values()].every(({ copies }) => copies.every(isReadable)))
    sources.push(() => copySeries(origin, packs, target, undefined, signal));
  for (const write of sources) {
    try {
      yield await write();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof StorageError || error instanceof BlobError)) throw error;
      // It is no better: the next may be.
    }
  }
}
