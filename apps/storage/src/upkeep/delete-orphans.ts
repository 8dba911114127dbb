import type { BlobStore } from '#libs/blobs';
import { type DataSource, query } from '#libs/database';
import type { Logger } from '#libs/telemetry';
import { isOverdue } from './is-overdue.js';

export interface OrphanLimits {
  /** Keys asked for in one statement. */
  pageSize: number;
  /** Orphans deleted in one run; the next takes the rest. */
  deletedMax: number;
  /** More orphans than this, and more than blobs that are named, are no crash's leftovers: nothing is deleted. */
  suspiciousMin: number;
}

const usualLimits: OrphanLimits = { pageSize: 1_000, deletedMax: 10_000, suspiciousMin: 100 };

/**
 * Deletes the blobs of a store that no location names and that are older than the grace: what writers left that died
 * between their blob and its row. The whole store is looked through before the first is deleted: where most of it is
 * unknown, the store belongs to another database, or this one was restored from an old backup.
 * @returns how many were deleted
 */
export async function deleteOrphans(
  db: DataSource,
  store: BlobStore,
  { now, graceHours }: { now: Date; graceHours: number },
  logger: Logger,
  signal: AbortSignal,
  limits: OrphanLimits = usualLimits,
): Promise<number> {
  const found = await findOrphans(db, store, (blob) => isOverdue(blob, now, graceHours), limits, signal);
  if (found.orphans > limits.suspiciousMin && found.orphans > found.named) {
    logger.error(
      { store: store.name, orphans: found.orphans, named: found.named },
      'most blobs of this store are unknown to this database: none is deleted. Is the store shared, or the database restored?',
    );
    return 0;
  }
  let deleted = 0;
  for (let at = 0; at < found.keys.length; at += limits.pageSize) {
    const page = found.keys.slice(at, at + limits.pageSize);
    const named = await findNamed(db, page);
    for (const key of page) {
      signal.throwIfAborted();
      if (named.has(key)) continue;
      await store.delete(key);
      logger.info({ store: store.name, key }, 'a blob without a row was deleted');
      deleted += 1;
    }
  }
  return deleted;
}

async function findOrphans(
  db: DataSource,
  store: BlobStore,
  isOld: (blob: { key: string; modifiedAt: Date }) => boolean,
  { pageSize, deletedMax }: OrphanLimits,
  signal: AbortSignal,
): Promise<{ orphans: number; named: number; keys: string[] }> {
  const found = { orphans: 0, named: 0, keys: [] as string[] };
  let page: string[] = [];
  const judge = async () => {
    const named = await findNamed(db, page);
    const orphans = page.filter((key) => !named.has(key));
    found.orphans += orphans.length;
    found.named += page.length - orphans.length;
    found.keys.push(...orphans.slice(0, deletedMax - found.keys.length));
    page = [];
  };
  for await (const blob of store.list()) {
    signal.throwIfAborted();
    if (!isOld(blob)) continue;
    page.push(blob.key);
    if (page.length === pageSize) await judge();
  }
  if (page.length > 0) await judge();
  return found;
}

/**
 * Those of the keys that any location or move under way names, whatever its store: two stores may share a bucket and differ only in the
 * storage class they write, and a store that is no longer configured still has its blobs there. Keys are random, so that
 * the same one elsewhere is the same blob. The store names come first, by hops through the index (store, key), so that
 * the keys are looked up in it.
 */
async function findNamed(db: DataSource, keys: string[]): Promise<Set<string>> {
  const rows = await query<{ key: string }>(
    db,
    `with recursive store_name (store) as (
       (select store from location order by store limit 1)
       union all
       select (select l.store from location l where l.store > s.store order by l.store limit 1)
         from store_name s where s.store is not null)
     select l.key
       from store_name s cross join unnest($1::text[]) as k (key)
       join location l on l.store = s.store and l.key = k.key
     union all
     select m.key from series_move m
      where m.state in ('waiting', 'copying', 'verifying') and m.key = any($1)`,
    [keys],
  );
  return new Set(rows.map(({ key }) => key));
}
