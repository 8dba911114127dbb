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
 * no new instance ever comes into a pack. What was deleted has had the grace of its deletion. What went into another pack
 * stays until its time, and while that other one is not where it should be.
 * @returns how many copies were deleted
 */
export async function deleteEmptied(
  db: DataSource,
  stores: BlobStores,
  failures: Failures,
  signal: AbortSignal,
): Promise<number> {
  // What was kept near of a pack that is no more.
  await execute(
    db,
    `update pack k set emptied_at = now()
      where k.emptied_at is null
        and k.pack_id in (select r.kept_pack_id from kept_range r join pack p on p.pack_id = r.pack_id
                           where p.emptied_at is not null and (p.keep_until is null or p.keep_until <= now()))`,
  );
  let deleted = 0;
  for (let after = firstLocation; ;) {
    const page = await readEmptied(db, after);
    for (const { locationId, packId, store, key } of page) {
      signal.throwIfAborted();
      await failures.attempt({ packId, store, key }, async () => {
        if (!(await hasSuccessors(db, stores, packId))) return;
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
    `delete from pack p where p.emptied_at is not null and (p.keep_until is null or p.keep_until <= now())
        and not exists (select from location l where l.pack_id = p.pack_id)`,
  );
  return deleted;
}

function readEmptied(db: DataSource, after: string): Promise<EmptiedCopy[]> {
  return query<EmptiedCopy>(
    db,
    `select l.location_id as "locationId", l.pack_id as "packId", l.store, l.key
       from location l join pack p using (pack_id)
      where p.emptied_at is not null and (p.keep_until is null or p.keep_until <= now()) and l.location_id > $1
      order by l.location_id limit $2`,
    [after, pageSize],
  );
}

/** Whether the packs that its instances went into are there, with all their bytes, and not known to be damaged. */
async function hasSuccessors(db: DataSource, stores: BlobStores, packId: string): Promise<boolean> {
  const successors = await query<{ bytes: number; store: string | null; key: string | null }>(
    db,
    `select p.bytes, l.store, l.key
       from pack_successor s join pack p on p.pack_id = s.successor_id and p.emptied_at is null
       left join lateral (
         select store, key from location where pack_id = p.pack_id and state = 'ready' and damage is null
          order by array_position(array['hot', 'warm', 'cold'], tier) limit 1) l on true
      where s.pack_id = $1`,
    [packId],
  );
  for (const { bytes, store, key } of successors) {
    if (store === null || key === null) return false;
    const { archive } = stores.named(store);
    const found = await stores.named(store).head(key);
    if (found === undefined || (archive === undefined && found.bytes !== bytes)) return false;
  }
  return true;
}
