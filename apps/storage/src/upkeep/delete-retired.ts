import type { BlobStores } from '#libs/blobs';
import { type DataSource, execute, query } from '#libs/database';
import type { Logger } from '#libs/telemetry';
import { type ExpectedBytes, expectedColumns } from '../tiering/expected-bytes.js';
import type { Failures } from './failures.js';
import { lookAtBlob } from './look-at-blob.js';

interface RetiredCopy extends ExpectedBytes {
  locationId: string;
  packId: string;
  store: string;
  key: string;
  /** The copy that is read instead; null when there is none. */
  readyStore: string | null;
  readyKey: string | null;
}

const pageSize = 200;
const firstLocation = '00000000-0000-0000-0000-000000000000';

/**
 * Deletes copies that were retired longer than the grace ago: the blob, then its row, so that a cut between the two is
 * made good by the next run. A copy whose pack has no other in place stays, whatever its age.
 * @returns how many were deleted
 */
export async function deleteRetired(
  db: DataSource,
  stores: BlobStores,
  graceHours: number,
  failures: Failures,
  logger: Logger,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  for (let after = firstLocation; ;) {
    const page = await readRetired(db, graceHours, after);
    for (const copy of page) {
      signal.throwIfAborted();
      await failures.attempt({ packId: copy.packId, store: copy.store, key: copy.key }, async () => {
        if (!(await hasReadyCopy(stores, copy))) {
          logger.error(
            {
              packId: copy.packId,
              store: copy.store,
              key: copy.key,
              readyStore: copy.readyStore,
              readyKey: copy.readyKey,
            },
            'a retired copy is kept: the one that should have replaced it is missing or another',
          );
          return;
        }
        await stores.named(copy.store).delete(copy.key);
        await execute(db, `delete from location where location_id = $1 and state = 'retired'`, [copy.locationId]);
        deleted += 1;
      });
    }
    if (page.length < pageSize) return deleted;
    after = page.at(-1)!.locationId;
  }
}

function readRetired(db: DataSource, graceHours: number, after: string): Promise<RetiredCopy[]> {
  return query<RetiredCopy>(
    db,
    `select l.location_id as "locationId", l.pack_id as "packId", l.store, l.key,
            ${expectedColumns}, r.store as "readyStore", r.key as "readyKey"
       from location l
       join pack p using (pack_id)
       left join lateral (
         select store, key from location
          where pack_id = l.pack_id and state = 'ready'
          order by array_position(array['hot', 'warm', 'cold'], tier) limit 1) r on true
      where l.state = 'retired' and p.emptied_at is null and l.retired_at <= now() - $1::float8 * interval '1 hour'
        and l.location_id > $2
      order by l.location_id limit $3`,
    [graceHours, after, pageSize],
  );
}

async function hasReadyCopy(stores: BlobStores, { readyStore, readyKey, ...pack }: RetiredCopy): Promise<boolean> {
  if (readyStore === null || readyKey === null) return false;
  return (await lookAtBlob({ store: stores.named(readyStore), key: readyKey }, pack)) === undefined;
}
