import type { BlobStores } from '#libs/blobs';
import { type DataSource, query, readSetting, writeSetting } from '#libs/database';
import type { Logger } from '#libs/telemetry';
import { type ExpectedBytes, expectedColumns } from '../tiering/expected-bytes.js';
import type { Failures } from './failures.js';
import { lookAtBlob } from './look-at-blob.js';

interface NamedBlob extends ExpectedBytes {
  locationId: string;
  packId: string;
  store: string;
  key: string;
}

const setting = 'storage-presence-cursor';
const firstLocation = '00000000-0000-0000-0000-000000000000';

/**
 * Asks the stores for the blobs of the next `limit` locations that readers may be sent to; over the runs it goes round
 * all of them. One that is missing or another than it was is an alarm, and never a reason to delete its row: a backup may
 * still have the bytes.
 * @returns how many were asked for, and how many were not as they should be
 */
export async function checkPresence(
  db: DataSource,
  stores: BlobStores,
  limit: number,
  failures: Failures,
  logger: Logger,
  signal: AbortSignal,
): Promise<{ checked: number; missing: number }> {
  const after = await readCursor(db);
  const page = await readNamed(db, after, limit);
  let missing = 0;
  for (const blob of page) {
    signal.throwIfAborted();
    await failures.attempt({ packId: blob.packId, store: blob.store, key: blob.key }, async () => {
      const damage = await lookAtBlob({ store: stores.named(blob.store), key: blob.key }, blob);
      if (damage === undefined || !(await isStillReady(db, blob.locationId))) return;
      missing += 1;
      logger.error(
        {
          packId: blob.packId,
          store: blob.store,
          key: blob.key,
          bytes: blob.bytes,
          found: damage.bytes ?? null,
          damage: damage.text,
        },
        'a pack has lost its bytes here: restore the blob from a backup',
      );
    });
  }
  await writeSetting(db, setting, page.length === limit ? page.at(-1)!.locationId : firstLocation);
  return { checked: page.length, missing };
}

function readNamed(db: DataSource, after: string, limit: number): Promise<NamedBlob[]> {
  return query<NamedBlob>(
    db,
    `select l.location_id as "locationId", l.pack_id as "packId", l.store, l.key, ${expectedColumns}
       from location l join pack p using (pack_id)
      where l.location_id > $1 and l.state = 'ready'
      order by l.location_id limit $2`,
    [after, limit],
  );
}

/** A move may have retired it, and another run deleted it, since the page was read. */
async function isStillReady(db: DataSource, locationId: string): Promise<boolean> {
  const rows = await query(db, `select from location where location_id = $1 and state = 'ready'`, [locationId]);
  return rows.length > 0;
}

async function readCursor(db: DataSource): Promise<string> {
  return ((await readSetting(db, setting)) as string | undefined) ?? firstLocation;
}
