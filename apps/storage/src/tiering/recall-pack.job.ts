import { Inject, Injectable } from '@nestjs/common';
import { type BlobStore, BlobStores } from '#libs/blobs';
import { DataSource, execute, query, transaction } from '#libs/database';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { type PackWithCopies, readPack } from './copies.js';
import { MovePack } from './move-pack.js';
import { putOffSeconds, StoreRoom } from './store-room.js';
import { tiers } from './tiers.js';

/** How often a store is asked whether a restore is over: a little at first, for those that are quick. */
const askSecondsMin = 2;
const askSecondsMax = 300;

/**
 * Brings a pack to a nearer tier, as a copy beside the one that stays. What an archive class holds is restored first; the
 * job ends meanwhile and comes again, so that nothing waits for hours with something in its hands.
 */
@Injectable()
export class RecallPackJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly jobs: JobQueue,
    private readonly packs: MovePack,
    private readonly room: StoreRoom,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('recall-pack')
  async handle({
    payload,
    signal,
    attempt,
  }: Pick<Job<'recall-pack'>, 'payload' | 'signal' | 'attempt'>): Promise<void> {
    const { packId, tier } = payload;
    const pack = await readPack(this.dataSource, packId);
    try {
      const nearest = pack?.copies[0];
      if (pack === undefined || nearest === undefined) return await this.record(packId, 'failed', 'it is no more');
      if (tiers.indexOf(nearest.tier) <= tiers.indexOf(tier)) return await this.record(packId, 'done');
      if (await this.isRestored(pack)) {
        await this.record(packId, 'copying');
        await this.packs.move(packId, tier, signal, { target: await this.room.choose(tier) });
        await this.record(packId, 'done');
        this.logger.info({ packId, tier }, 'pack recalled');
      } else await this.askLater(payload);
    } catch (error) {
      signal.throwIfAborted();
      const from = pack?.copies.map((copy) => copy.tier);
      const reason = await this.room.whyPutOff(error, tier, from);
      if (reason === undefined) {
        await this.record(packId, attempt >= 5 ? 'failed' : 'requested', (error as Error).message);
        throw error;
      }
      await this.record(packId, 'requested', reason);
      this.logger.warn({ packId, tier, reason }, 'a recall waits for a store');
      await transaction(this.dataSource, (tx) =>
        this.jobs.send(tx, 'recall-pack', payload, { startAfterSeconds: putOffSeconds }),
      );
    }
  }

  /** Asks for a restore where one is needed. */
  private async isRestored(pack: PackWithCopies): Promise<boolean> {
    const archived: { store: BlobStore; key: string }[] = [];
    for (const { store: name, key } of pack.copies) {
      const store = this.stores.named(name);
      if (store.archive === undefined || (await store.archive.stateOf(key)) === 'readable') return true;
      archived.push({ store, key });
    }
    const { store, key } = archived[0]!;
    if ((await store.archive!.stateOf(key)) === 'archived') await store.archive!.restore(key);
    return false;
  }

  private async askLater(payload: Job<'recall-pack'>['payload']): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      const [waited] = await query<{ seconds: number }>(
        tx,
        `update pack_recall set state = 'restoring', updated_at = now() where pack_id = $1
         returning extract(epoch from now() - requested_at)::float8 as seconds`,
        [payload.packId],
      );
      const seconds = waited?.seconds ?? 0;
      const startAfterSeconds = Math.round(Math.min(askSecondsMax, Math.max(askSecondsMin, seconds / 4)));
      await this.jobs.send(tx, 'recall-pack', payload, { startAfterSeconds });
    });
  }

  private async record(packId: string, state: string, error?: string): Promise<void> {
    await execute(
      this.dataSource,
      `update pack_recall set state = $2, error = $3, updated_at = now(),
              finished_at = case when $2 in ('done', 'failed') then now() end where pack_id = $1`,
      [packId, state, error ?? null],
    );
  }
}
