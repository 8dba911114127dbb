import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { BlobError, type BlobStore, BlobStores, type TierName } from '#libs/blobs';
import { DataSource, query } from '#libs/database';
import { ArchiveError } from '../archive-error.js';

/** A copy of a pack that can be read. */
export interface PackLocation {
  tier: TierName;
  store: string;
  key: string;
}

/** The best ready copy of the pack that `packId` names, as JSON: the nearest tier's. */
export const bestLocation = (packId: string): string => `
  (select json_build_object('tier', l.tier, 'store', l.store, 'key', l.key)
     from location l where l.pack_id = ${packId} and l.state = 'ready'
    order by array_position(array['hot', 'warm', 'cold'], l.tier) limit 1)`;

/** Reads ranges of packs from the best copy there is. */
@Injectable()
export class ReadPack {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
  ) {}

  /**
   * @param known where its row said the pack is when the caller read it; undefined when it had no readable copy
   * @throws ArchiveError 'archive-unavailable' when no copy can be read; BlobError 'blob-archived' when the only copy must
   * be restored first
   */
  async open(packId: string, offset: number, length: number, known?: PackLocation | null): Promise<Readable> {
    // Bytes of length zero are in no blob, and every store refuses to read them.
    if (length === 0) return Readable.from([]);
    return this.fromBest(packId, known, (store, key) => store.readRange(key, offset, length));
  }

  /** Fills `target` with what is at `offset`: for what is small enough to be held. @throws as `open` */
  async readInto(packId: string, offset: number, target: Uint8Array, known?: PackLocation | null): Promise<void> {
    if (target.length === 0) return;
    await this.fromBest(packId, known, (store, key) => store.readInto(key, offset, target));
  }

  private async fromBest<Result>(
    packId: string,
    known: PackLocation | null | undefined,
    read: (store: BlobStore, key: string) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const { store, key } = (attempt === 1 ? known : undefined) ?? (await this.locate(packId));
      try {
        return await read(this.stores.named(store), key);
      } catch (error) {
        // A move may have deleted this copy since the row was read: the row now names another.
        if (attempt === 1 && error instanceof BlobError && error.code === 'blob-not-found') continue;
        throw error;
      }
    }
  }

  private async locate(packId: string): Promise<PackLocation> {
    const [row] = await query<{ location: PackLocation | null }>(
      this.dataSource,
      `select ${bestLocation('$1')} as location`,
      [packId],
    );
    if (!row?.location) throw new ArchiveError('archive-unavailable', `Pack ${packId} has no readable copy`);
    return row.location;
  }
}
