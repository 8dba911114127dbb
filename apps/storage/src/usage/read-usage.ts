import { statfs } from 'node:fs/promises';
import type { BlobStores } from '#libs/blobs';
import { type DataSource, query } from '#libs/database';
import { type Tier, tiers } from '../tiering/tiers.js';

export interface TierUsage {
  tier: Tier;
  /** Whether something can be moved there. */
  hasStore: boolean;
  /** The tier's store, and those of another configuration that still hold packs of it. */
  stores: string[];
  packs: number;
  bytes: number;
}

export interface StorageUsage {
  studies: number;
  instances: number;
  /** By the copies that are read, nearest tier first. A pack called back to a warmer tier counts on both. */
  tiers: TierUsage[];
  /** What is kept near of series that are far, on the hot tier; not among its packs. */
  previews: { packs: number; bytes: number };
  /** Copies that were replaced and wait for their grace to end. */
  retired: { copies: number; bytes: number };
  /** What was deleted or replaced and can still be brought back. Its bytes count on the tiers, too: packs hold them. */
  deleted: { deletions: number; instances: number; bytes: number };
  /** The file system of the data folder. */
  dataFolder: { bytesFree: number; bytesTotal: number };
}

/** How much is where. */
export async function readUsage(db: DataSource, stores: BlobStores, dataDir: string): Promise<StorageUsage> {
  const copies = await query<{ tier: Tier; state: 'ready' | 'retired'; stores: string[]; n: number; bytes: number }>(
    db,
    `select l.tier, l.state, array_agg(distinct l.store) as stores, count(*) as n, sum(p.bytes)::bigint as bytes
       from location l join pack p using (pack_id)
      where not exists (select from kept_range r where r.kept_pack_id = p.pack_id)
      group by l.tier, l.state`,
  );
  const [previews] = await query<StorageUsage['previews']>(
    db,
    `select count(*) as packs, coalesce(sum(bytes), 0)::bigint as bytes from pack p
      where p.emptied_at is null and exists (select from kept_range r where r.kept_pack_id = p.pack_id)`,
  );
  const [counts] = await query<{ studies: number; instances: number }>(
    db,
    `select count(*) as studies, coalesce(sum(number_of_instances), 0)::bigint as instances from study`,
  );
  const [deleted] = await query<StorageUsage['deleted']>(
    db,
    `select count(*)::integer as deletions, coalesce(sum(instances), 0)::bigint as instances,
            coalesce(sum(bytes), 0)::bigint as bytes
       from deletion where state = 'recoverable'`,
  );
  const disk = await statfs(dataDir);
  const retired = copies.filter(({ state }) => state === 'retired');
  return {
    ...counts!,
    tiers: tiers.map((tier) => {
      const ready = copies.find((row) => row.tier === tier && row.state === 'ready');
      const configured = stores.ofTier(tier);
      const names = new Set([...(configured === undefined ? [] : [configured.name]), ...(ready?.stores ?? [])]);
      return {
        tier,
        hasStore: configured !== undefined,
        stores: [...names],
        packs: ready?.n ?? 0,
        bytes: ready?.bytes ?? 0,
      };
    }),
    previews: previews!,
    retired: {
      copies: retired.reduce((sum, { n }) => sum + n, 0),
      bytes: retired.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    deleted: deleted!,
    dataFolder: { bytesFree: disk.bavail * disk.bsize, bytesTotal: disk.blocks * disk.bsize },
  };
}
