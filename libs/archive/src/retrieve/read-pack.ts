import { Readable } from 'node:stream';
import { Injectable, type OnModuleDestroy, Optional } from '@nestjs/common';
import { BlobError, BlobStores, type TierName } from '#libs/blobs';
import { DataSource, query } from '#libs/database';
import { ArchiveError } from '../archive-error.js';
import { type ByteRanges, PackBytes } from '../packs/pack-bytes.js';
import { KeptRanges } from './kept-ranges.js';
import { NoteReads } from './note-reads.js';
import { RecallPacks } from './recall-packs.js';

/** A copy of a pack that can be read. */
export interface PackLocation {
  tier: TierName;
  store: string;
  key: string;
  /** Absent where the pack is stored as it came. */
  encoding?: string;
}

/** The best ready copy of the pack that `packId` names, as JSON: the nearest tier's. */
export const bestLocation = (packId: string): string => `
  (select json_strip_nulls(json_build_object('tier', l.tier, 'store', l.store, 'key', l.key, 'encoding', l.encoding))
     from location l where l.pack_id = ${packId} and l.state = 'ready'
    order by array_position(array['hot', 'warm', 'cold'], l.tier) limit 1)`;

/** A read of one range, in whichever store it is. */
type Read<Result> = (store: ByteRanges, key: string, offset: number) => Promise<Result>;

/** Reads ranges of packs from the best copy there is. */
@Injectable()
export class ReadPack implements OnModuleDestroy {
  private readonly reads: NoteReads;
  private readonly kept: KeptRanges;
  private readonly bytes: PackBytes;

  /** @param recalls orders back what must be restored first; without it, that is only said */
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    @Optional() private readonly recalls?: RecallPacks,
    @Optional() bytes?: PackBytes,
  ) {
    this.bytes = bytes ?? new PackBytes(dataSource, stores);
    this.reads = new NoteReads(dataSource);
    this.kept = new KeptRanges(dataSource);
  }

  onModuleDestroy(): Promise<void> {
    return this.reads.write();
  }

  /**
   * @param known where its row said the pack is when the caller read it; undefined when it had no readable copy
   * @throws ArchiveError 'archive-unavailable' when no copy can be read; 'being-restored' when the only copy must be
   * restored first, which it then is
   */
  async open(packId: string, offset: number, length: number, known?: PackLocation | null): Promise<Readable> {
    // Bytes of length zero are in no blob, and every store refuses to read them.
    if (length === 0) return Readable.from([]);
    return this.fromBest(packId, offset, length, known, (store, key, at) => store.readRange(key, at, length));
  }

  /** Fills `target` with what is at `offset`: for what is small enough to be held. @throws as `open` */
  async readInto(packId: string, offset: number, target: Uint8Array, known?: PackLocation | null): Promise<void> {
    const { length } = target;
    if (length === 0) return;
    await this.fromBest(packId, offset, length, known, (store, key, at) => store.readInto(key, at, target));
  }

  private async fromBest<Result>(
    packId: string,
    offset: number,
    length: number,
    known: PackLocation | null | undefined,
    read: Read<Result>,
  ): Promise<Result> {
    this.reads.note(packId);
    for (let attempt = 1; ; attempt += 1) {
      const place = (attempt === 1 ? known : undefined) ?? (await this.locate(packId));
      if (place === undefined) {
        const next = await this.successor(packId, offset);
        return this.fromBest(next.packId, next.offset, length, undefined, read);
      }
      const { tier, store, key } = place;
      try {
        if (tier !== 'hot') {
          const near = await this.fromKept(packId, offset, length, read);
          if (near !== undefined) return near.result;
        }
        return await read(this.bytes.of(packId, place), key, offset);
      } catch (error) {
        const code = error instanceof BlobError ? error.code : undefined;
        // A move may have deleted this copy since the row was read: the row now names another.
        if (attempt === 1 && code === 'blob-not-found') continue;
        if (code === 'blob-archived') throw await this.recall(packId, store, error);
        // A store that does not answer is no loss of what it holds.
        if (code === 'blob-unavailable') throw unavailable(packId, store, error);
        throw error;
      }
    }
  }

  /** What is kept near of a far pack. @returns undefined when it is not, or cannot be read */
  private async fromKept<Result>(
    packId: string,
    offset: number,
    length: number,
    read: Read<Result>,
  ): Promise<{ result: Result } | undefined> {
    try {
      const near = await this.kept.find(packId, offset, length);
      if (near === undefined) return undefined;
      return { result: await read(this.stores.named(near.store), near.key, near.keptOffset) };
    } catch {
      this.kept.forget(packId);
      return undefined;
    }
  }

  private async recall(packId: string, store: string, cause: unknown): Promise<ArchiveError> {
    await this.recalls?.request(packId, 'hot', 'read');
    const text =
      'What was asked for lies in an archive and is being restored; metadata and previews are there meanwhile';
    return new ArchiveError('being-restored', text, { cause, retryAfterSeconds: this.recalls?.secondsOf(store) ?? 60 });
  }

  private async locate(packId: string): Promise<PackLocation | undefined> {
    const [row] = await query<{ location: PackLocation | null }>(
      this.dataSource,
      `select ${bestLocation('$1')} as location`,
      [packId],
    );
    return row?.location ?? undefined;
  }

  /** Where what was there lies since the series was made one pack. @throws ArchiveError 'archive-unavailable' */
  private async successor(packId: string, offset: number): Promise<{ packId: string; offset: number }> {
    const [row] = await query<{ packId: string; offset: number }>(
      this.dataSource,
      `select s.successor_id as "packId", p.place + $2 - p.former as offset
         from pack_successor s cross join lateral unnest(s.former_offsets, s.offsets) as p (former, place)
        where s.pack_id = $1 and p.former <= $2 order by p.former desc limit 1`,
      [packId, offset],
    );
    if (row === undefined) throw new ArchiveError('archive-unavailable', `Pack ${packId} has no readable copy`);
    return row;
  }
}

function unavailable(packId: string, store: string, cause: unknown): ArchiveError {
  return new ArchiveError('archive-unavailable', `The store ${store} does not give pack ${packId} now`, { cause });
}
