import type { BlobStores } from '#libs/blobs';
import { type DataSource, execute, query } from '#libs/database';
import type { Failures } from './failures.js';

interface EmptiedCopy {
  locationId: string;
  packId: string;
  store: string;
  key: string;
}

const pageSize = 200;
const firstLocation = '00000000-0000-0000-0000-000000000000';

/**
 * Deletes the packs that hold nothing any more: their copies, blob before row, then the pack. Nothing refers to them, and
 * no new instance ever comes into a pack; the grace was that of the deletions.
 * @returns how many copies were deleted
 */
export async function deleteEmptied(
  db: DataSource,
  stores: BlobStores,
  failures: Failures,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  for (let after = firstLocation; ;) {
    const page = await readEmptied(db, after);
    for (const { locationId, packId, store, key } of page) {
      signal.throwIfAborted();
      await failures.attempt({ packId, store, key }, async () => {
        await stores.named(store).delete(key);
        await execute(db, 'delete from location where location_id = $1', [locationId]);
        deleted += 1;
      });
    }
    if (page.length < pageSize) break;
    after = page.at(-1)!.locationId;
  }
  await execute(
    db,
    `delete from pack p where p.emptied_at is not null
        and not exists (select from location l where l.pack_id = p.pack_id)`,
  );
  return deleted;
}

function readEmptied(db: DataSource, after: string): Promise<EmptiedCopy[]> {
  return query<EmptiedCopy>(
    db,
    `select l.location_id as "locationId", l.pack_id as "packId", l.store, l.key
       from location l join pack p using (pack_id)
      where p.emptied_at is not null and l.location_id > $1
      order by l.location_id limit $2`,
    [after, pageSize],
  );
}
