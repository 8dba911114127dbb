import { type BlobStores, CachedBlobStore, type S3Check } from '#libs/blobs';
import type { StoreRoom } from '../tiering/store-room.js';
import type { TestStores } from '../tiering/test-stores.js';
import type { Tier } from '../tiering/tiers.js';

export interface StoreReport {
  name: string;
  tier: Tier;
  takesNew: boolean;
  isArchive: boolean;
  /** By the index. */
  bytesUsed: number;
  bytesMax: number | null;
  /** Of its file system, where it has one. */
  space: { bytesFree: number; bytesTotal: number } | null;
  status: 'ok' | 'failing';
  error?: string;
  /** Of an S3 store that takes new packs: what the start found out. */
  selfTest?: { testedAt: string; isUsable: boolean; checks: S3Check[] };
  /** Of what is kept of it on the local disk. */
  readCache?: { bytes: number; bytesMax: number; hits: number; misses: number };
}

/** What each store is, holds and can do. */
export async function readStores(stores: BlobStores, room: StoreRoom, tests: TestStores): Promise<StoreReport[]> {
  const used = await room.usedBytes();
  return Promise.all(
    stores.entries.map(async ({ store, tier, isReadOnly = false, bytesMax }): Promise<StoreReport> => {
      const test = tests.results.get(store.name);
      const report = {
        name: store.name,
        tier,
        takesNew: !isReadOnly && !stores.isFull(store.name) && test?.isUsable !== false,
        isArchive: store.archive !== undefined,
        bytesUsed: used.get(store.name) ?? 0,
        bytesMax: bytesMax ?? null,
        ...(test !== undefined && {
          selfTest: { testedAt: test.testedAt, isUsable: test.isUsable, checks: test.checks },
        }),
        ...(store instanceof CachedBlobStore && { readCache: store.cached }),
      };
      try {
        await store.probe();
        return { ...report, space: (await store.space?.()) ?? null, status: 'ok' };
      } catch (error) {
        return { ...report, space: null, status: 'failing', error: (error as Error).message };
      }
    }),
  );
}
