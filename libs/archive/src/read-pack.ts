import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { BlobError, BlobStores, type TierName } from '#libs/blobs';
import { DataSource, query } from '#libs/database';
import { ArchiveError } from './archive-error.js';

interface LocationRow {
  tier: TierName;
  store: string;
  key: string;
}

/** Reads ranges of packs from the best copy there is. */
@Injectable()
export class ReadPack {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
  ) {}

  /**
   * @throws ArchiveError 'archive-unavailable' when no copy can be read; BlobError 'blob-archived' when the only copy must
   * be restored first
   */
  async open(packId: string, offset: number, length: number): Promise<Readable> {
    // Bytes of length zero are in no blob, and every store refuses to read them.
    if (length === 0) return Readable.from([]);
    for (let attempt = 1; ; attempt += 1) {
      const { store, key } = await this.locate(packId);
      try {
        return await this.stores.named(store).readRange(key, offset, length);
      } catch (error) {
        // A move may have deleted this copy since the row was read: the row now names another.
        if (attempt === 1 && error instanceof BlobError && error.code === 'blob-not-found') continue;
        throw error;
      }
    }
  }

  private async locate(packId: string): Promise<LocationRow> {
    const [best] = await query<LocationRow>(
      this.dataSource,
      `select tier, store, key from location where pack_id = $1 and state = 'ready'
        order by array_position(array['hot', 'warm', 'cold'], tier) limit 1`,
      [packId],
    );
    if (best === undefined) throw new ArchiveError('archive-unavailable', `Pack ${packId} has no readable copy`);
    return best;
  }
}
