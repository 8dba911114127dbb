import { Injectable } from '@nestjs/common';
import { BlobError, type BlobStore, BlobStores, type StoreEntry } from '#libs/blobs';
import { DataSource, query } from '#libs/database';
import { StorageError } from '../storage-error.js';
import { TestStores } from './test-stores.js';
import type { Tier } from './tiers.js';

const freeShareMin = 0.02;

/** Says into which store of a tier a pack goes: of those that work and have room, the one that holds the least. */
@Injectable()
export class StoreRoom {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly tests: TestStores,
  ) {}

  /** @throws StorageError 'tier-without-store'; BlobError 'blob-no-space' when none of its stores takes anything */
  async choose(tier: Tier): Promise<BlobStore> {
    const entries = this.stores.writable(tier);
    if (entries.length === 0) {
      throw new StorageError('tier-without-store', `No store is configured for the tier ${tier}`);
    }
    const used = await this.usedBytes();
    const usable: StoreEntry[] = [];
    const refused: string[] = [];
    for (const entry of entries) {
      const reason = await this.refusal(entry, used.get(entry.store.name) ?? 0);
      if (reason === undefined) usable.push(entry);
      else refused.push(`${entry.store.name} ${reason}`);
    }
    const [best] = usable.sort((a, b) => share(a, used) - share(b, used));
    if (best === undefined)
      throw new BlobError('blob-no-space', `The tier ${tier} takes nothing: ${refused.join(', ')}`);
    return best.store;
  }

  async usedBytes(): Promise<Map<string, number>> {
    const rows = await query<{ store: string; bytes: number }>(
      this.dataSource,
      `select l.store, sum(p.bytes)::bigint as bytes from location l join pack p using (pack_id) group by l.store`,
    );
    return new Map(rows.map(({ store, bytes }) => [store, bytes]));
  }

  private async refusal({ store, bytesMax }: StoreEntry, used: number): Promise<string | undefined> {
    if (bytesMax !== undefined && used >= bytesMax) return `holds its ${bytesMax} bytes`;
    const space = await store.space?.();
    if (space !== undefined && space.bytesFree < space.bytesTotal * freeShareMin) {
      return `has ${space.bytesFree} bytes left`;
    }
    const test = this.tests.results.get(store.name);
    return test === undefined || test.isUsable ? undefined : 'did not pass its self-test';
  }
}

/** How much of what it may hold it does; without an end, by bytes alone. */
function share({ store, bytesMax }: StoreEntry, used: Map<string, number>): number {
  const bytes = used.get(store.name) ?? 0;
  return bytesMax === undefined ? bytes / 1e18 : bytes / bytesMax;
}
