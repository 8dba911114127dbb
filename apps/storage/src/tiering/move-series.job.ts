import { Inject, Injectable } from '@nestjs/common';
import { expand, FrameCodec, PackBytes, piecesOf, RecallPacks } from '#libs/archive';
import { BlobError, type BlobStore, BlobStores } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, execute, query, transaction } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { StorageError } from '../storage-error.js';
import { copySeries, DamagedInstance, findDamagedSource, verifyExpanded, verifySeries } from './copy-series.js';
import type { ExpectedBytes } from './expected-bytes.js';
import { keepPreview, type KeptPreview } from './keep-previews.js';
import { MovePack } from './move-pack.js';
import { MoveProgress } from './move-progress.js';
import { type RecompressedCopy, recompressSeries } from './recompress-series.js';
import { type PlacedInstance, readSeries, type SeriesLayout } from './read-series.js';
import {
  beginMove,
  endMove,
  leaveAsItIs,
  readMove,
  recordCopy,
  recordRecompression,
  type SeriesMove,
} from './series-moves.js';
import { insertPreview, placesOf, switchSeries } from './switch-series.js';
import { StoreRoom } from './store-room.js';
import { isColder } from './tiers.js';

/** moved: it is read from one pack on the tier. superseded: nothing was there to move, or it moved by other hands. */
export type SeriesOutcome = 'moved' | 'superseded';

/** A series as it was copied and is not yet read. */
interface SeriesCopy {
  store: BlobStore;
  key: string;
  /** There where frames were compressed. */
  recompressed?: RecompressedCopy;
}

/**
 * Moves a series: its instances become one pack on the tier, read back and compared, then one transaction switches the
 * readers over. Until then they read what was there before; afterwards that stays for the grace. Cut off anywhere, it goes
 * on from what was copied when the series is still as it was, and begins anew when it is not.
 */
@Injectable()
export class MoveSeriesJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly packs: MovePack,
    private readonly room: StoreRoom,
    private readonly recalls: RecallPacks,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly bytes: PackBytes,
    private readonly codec: FrameCodec,
  ) {}

  @OnJob('move-series')
  async handle({ payload: { moveId }, signal }: Pick<Job<'move-series'>, 'payload' | 'signal'>): Promise<void> {
    const begun = Date.now();
    const move = await readMove(this.dataSource, moveId);
    if (move === undefined || !['waiting', 'copying', 'verifying'].includes(move.state)) return;
    try {
      const outcome = await this.move(move, signal);
      await endMove(this.dataSource, moveId, outcome === 'moved' ? 'done' : 'superseded');
      const { studyInstanceUid, seriesInstanceUid, tier } = move;
      this.logger.info(
        { studyInstanceUid, seriesInstanceUid, tier, outcome, milliseconds: Date.now() - begun },
        'series moved',
      );
    } catch (error) {
      // At once: asking the stores takes minutes where one takes requests and answers none.
      await this.recordFailure(moveId, error as Error);
      const reason = signal.aborted ? undefined : await this.room.whyPutOff(error, move.tier);
      if (reason !== undefined) {
        // No try is used up, however long it takes: resume-moves sends it on its way again.
        await endMove(this.dataSource, moveId, 'waiting', reason.slice(0, 1_000));
        this.logger.warn({ moveId, reason }, 'a move waits for a store');
        return;
      }
      throw error;
    }
  }

  /** Its last try failed: it is offered to the next plan again. */
  @OnJob('move-failed')
  async fail({ payload: { moveId } }: Pick<Job<'move-failed'>, 'payload'>): Promise<void> {
    const [row] = await query<{ error: string | null }>(
      this.dataSource,
      'select error from series_move where move_id = $1',
      [moveId],
    );
    await endMove(this.dataSource, moveId, 'failed', row?.error ?? 'its process ended');
    this.logger.error({ moveId, error: row?.error }, 'a series could not be moved');
  }

  /** @throws StorageError, BlobError, the signal's reason; nothing was retired then */
  async move(move: SeriesMove, signal: AbortSignal): Promise<SeriesOutcome> {
    const layout = await readSeries(this.dataSource, move.studyInstanceUid, move.seriesInstanceUid);
    if (layout === undefined) return 'superseded';
    await beginMove(this.dataSource, move.moveId, layout.bytes);
    if (await this.recallArchived(layout, move)) {
      throw new StorageError('source-archived', 'The series is being restored from its archive class first');
    }
    const isNearer = [...layout.packs.values()].every(
      ({ copies }) => copies[0] !== undefined && isColder(copies[0].tier, move.tier),
    );
    // Back to a nearer tier each pack is a copy beside the one that stays.
    if (isNearer) return this.movePacks(move, layout, signal);
    // One pack already: it keeps its name, unless its frames are to be compressed and are not.
    const isAsAsked = move.recompress === null || layout.packs.get(layout.wholePackId ?? '')?.originalBytes != null;
    if (layout.wholePackId !== undefined && isAsAsked) return this.movePacks(move, layout, signal);
    return this.compact(move, layout, signal);
  }

  private async movePacks(move: SeriesMove, layout: SeriesLayout, signal: AbortSignal): Promise<SeriesOutcome> {
    const progress = new MoveProgress(this.dataSource, move.moveId);
    if (move.tier !== 'hot') await this.keepPreviewOf(layout);
    let isMoved = false;
    for (const packId of layout.packs.keys()) {
      const target = await this.room.choose(move.tier);
      const outcome = await this.packs.move(packId, move.tier, signal, { target, progress });
      isMoved ||= outcome !== 'superseded';
    }
    return isMoved ? 'moved' : 'superseded';
  }

  private async compact(move: SeriesMove, layout: SeriesLayout, signal: AbortSignal): Promise<SeriesOutcome> {
    const progress = new MoveProgress(this.dataSource, move.moveId);
    const copy = (await this.copied(move, layout)) ?? (await this.copy(move, layout, progress, signal));
    const { store, key, recompressed } = copy;
    let stored: ExpectedBytes;
    let preview: KeptPreview | undefined;
    try {
      await progress.verifying();
      stored = await this.verify(copy, layout, progress, signal);
      await store.archive?.archive(key, stored.sha256);
      const places = placesOf(layout.instances);
      if (move.tier !== 'hot') {
        preview = await keepPreview(
          this.dataSource,
          this.stores,
          this.bytes,
          layout,
          (instance) => places[layout.instances.indexOf(instance)]!,
        );
      }
    } catch (error) {
      // A store that does not answer may have it still; one whose bytes are wrong is not gone on with.
      if (error instanceof StorageError) await this.discard(store, key);
      if (error instanceof DamagedInstance && error.instance !== undefined) {
        const isSourceDamaged = await this.markDamaged(layout, error.instance, error.message);
        // Whatever it was that came back otherwise: the next try carries it as it is.
        if (recompressed !== undefined && !isSourceDamaged) await leaveAsItIs(this.dataSource, move.moveId);
      }
      throw error;
    }
    const pack = {
      ...stored,
      tier: move.tier,
      store: store.name,
      key,
      recompressed: recompressed && { encoding: move.recompress!, parts: recompressed.parts },
    };
    const moved = await transaction(this.dataSource, (tx) =>
      switchSeries(tx, move.studyInstanceUid, layout, pack, preview, this.config.graceHours),
    );
    if (moved > 0) return 'moved';
    await this.discard(store, key);
    if (preview !== undefined) await this.discard(this.stores.named(preview.store), preview.blob.key);
    return 'superseded';
  }

  /** What an earlier run copied, when the series is still as it was then. */
  private async copied(move: SeriesMove, layout: SeriesLayout): Promise<SeriesCopy | undefined> {
    const { key, layoutDigest } = move;
    if (key === null || move.store === null) return undefined;
    const store = this.stores.named(move.store);
    if (layoutDigest?.equals(layout.digest) === true && (await store.head(key))?.bytes === layout.bytes) {
      return { store, key };
    }
    // The transaction may have been committed all the same, and its answer lost.
    const isNamed = await query(this.dataSource, 'select from location where store = $1 and key = $2', [
      move.store,
      key,
    ]);
    if (isNamed.length === 0) await this.discard(store, key);
    return undefined;
  }

  private async copy(
    move: SeriesMove,
    layout: SeriesLayout,
    progress: MoveProgress,
    signal: AbortSignal,
  ): Promise<SeriesCopy> {
    const store = await this.room.choose(move.tier);
    const { moveId } = move;
    if (move.recompress !== null) {
      const recompressed = await recompressSeries(
        this.dataSource,
        layout,
        this.bytes,
        this.codec,
        store,
        progress,
        signal,
      );
      const { key } = recompressed;
      // Which bytes are which is known to this run alone: one that is cut off here begins anew.
      const isSmaller = recompressed.bytes < layout.bytes;
      const layoutDigest = isSmaller ? null : layout.digest;
      await recordCopy(this.dataSource, moveId, { store: store.name, key, layoutDigest });
      await recordRecompression(this.dataSource, moveId, recompressed);
      return isSmaller ? { store, key, recompressed } : { store, key };
    }
    const key = await copySeries(layout, this.bytes, store, progress, signal);
    await recordCopy(this.dataSource, moveId, { store: store.name, key, layoutDigest: layout.digest });
    return { store, key };
  }

  private async verify(
    { store, key, recompressed }: SeriesCopy,
    layout: SeriesLayout,
    progress: MoveProgress,
    signal: AbortSignal,
  ): Promise<ExpectedBytes> {
    if (recompressed === undefined) return verifySeries({ store, key }, layout, progress, signal);
    const { bytes, parts } = recompressed;
    const found = await store.head(key);
    if (found?.bytes !== bytes) {
      throw new StorageError(
        'copy-damaged',
        `${key} in ${store.name} should have ${bytes} bytes and has ${found?.bytes}`,
      );
    }
    return verifyExpanded({ store, key }, layout, progress, signal, (stored) =>
      expand(stored, piecesOf(parts, 0, layout.bytes), this.codec),
    );
  }

  /** For a pack that keeps its name on its way. */
  private async keepPreviewOf(layout: SeriesLayout): Promise<void> {
    const packId = layout.wholePackId;
    if (packId === undefined) return;
    const known = await query(this.dataSource, 'select from kept_range where pack_id = $1 limit 1', [packId]);
    if (known.length > 0) return;
    const preview = await keepPreview(this.dataSource, this.stores, this.bytes, layout, ({ offset }) => offset);
    if (preview !== undefined) await transaction(this.dataSource, (tx) => insertPreview(tx, packId, preview));
  }

  /** @returns whether bytes of the series must be restored before they can be read */
  private async recallArchived(layout: SeriesLayout, move: SeriesMove): Promise<boolean> {
    let isArchived = false;
    for (const { packId, copies } of layout.packs.values()) {
      const isReadable = copies.some(({ store }) => this.stores.named(store).archive === undefined);
      if (isReadable || copies.some(({ tier }) => tier === move.tier)) continue;
      isArchived = true;
      await this.recalls.request(packId, move.tier === 'warm' ? 'warm' : 'hot', 'move');
    }
    return isArchived;
  }

  private async recordFailure(moveId: string, error: Error): Promise<void> {
    await execute(this.dataSource, `update series_move set error = $2, updated_at = now() where move_id = $1`, [
      moveId,
      error.message.slice(0, 1_000),
    ]).catch(() => undefined);
  }

  /** Scrubbing looks at it next, and repairs it from another copy where there is one. @returns whether a copy is damaged */
  private async markDamaged(layout: SeriesLayout, instance: PlacedInstance, damage: string): Promise<boolean> {
    const copy = await findDamagedSource(layout, this.bytes, instance);
    if (copy === undefined) return false;
    await execute(
      this.dataSource,
      `update location set damage = coalesce(damage, $2), verified_at = '-infinity' where location_id = $1`,
      [copy.locationId, damage],
    );
    return true;
  }

  /** What cannot be deleted now is an orphan, which the garbage collector finds. */
  private async discard(store: BlobStore, key: string): Promise<void> {
    try {
      await store.delete(key);
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      this.logger.warn({ err: error, store: store.name, key }, 'a surplus copy is left to the garbage collector');
    }
  }
}
