import { BlobError, type BlobStores } from '#libs/blobs';
import { type DataSource, execute, query } from '#libs/database';
import { StorageError } from '../storage-error.js';
import { copyBlob, verifyBlob } from '../tiering/copy-blob.js';
import type { ExpectedBytes } from '../tiering/expected-bytes.js';

/** A copy of a pack as upkeep looks at it. */
export interface NamedCopy extends ExpectedBytes {
  locationId: string;
  packId: string;
  tier: string;
  store: string;
  key: string;
}

/**
 * Writes a damaged copy anew from another copy of its pack, one that was replaced and waits for its grace included, and
 * reads it back. The row then names the new one; the damaged blob is deleted.
 * @returns whether there was one to repair it from
 * @throws BlobError, the signal's reason
 */
export async function repairCopy(
  db: DataSource,
  stores: BlobStores,
  copy: NamedCopy,
  signal: AbortSignal,
): Promise<boolean> {
  const others = await query<{ store: string; key: string }>(
    db,
    `select store, key from location where pack_id = $1 and location_id <> $2
      order by state, array_position(array['hot', 'warm', 'cold'], tier)`,
    [copy.packId, copy.locationId],
  );
  const target = stores.named(copy.store);
  for (const other of others) {
    let key: string;
    try {
      const source = { store: stores.named(other.store), key: other.key };
      if (source.store.archive !== undefined) continue;
      key = await copyBlob(source, target, copy, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof StorageError || error instanceof BlobError) continue; // it is no better: the next may be
      throw error;
    }
    try {
      await verifyBlob({ store: target, key }, copy, signal);
      await target.archive?.archive(key, copy.sha256);
    } catch (error) {
      await target.delete(key).catch(() => undefined);
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
