import { Inject, Injectable } from '@nestjs/common';
import { DataSource, transaction } from '#libs/database';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { readPack } from './copies.js';
import { MovePack } from './move-pack.js';
import { putOffSeconds, StoreRoom } from './store-room.js';

/** Moves one pack that was ordered by its name. */
@Injectable()
export class MovePackJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    private readonly packs: MovePack,
    private readonly room: StoreRoom,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('move-pack')
  async handle({ payload, signal }: Pick<Job<'move-pack'>, 'payload' | 'signal'>): Promise<void> {
    const { packId, tier } = payload;
    try {
      const outcome = await this.packs.move(packId, tier, signal, { target: await this.room.choose(tier) });
      this.logger.info({ packId, tier, outcome }, 'pack moved');
    } catch (error) {
      signal.throwIfAborted();
      const from = (await readPack(this.dataSource, packId))?.copies.map((copy) => copy.tier);
      const reason = await this.room.whyPutOff(error, tier, from);
      if (reason === undefined) throw error;
      this.logger.warn({ packId, tier, reason }, 'a pack waits for a store');
      await transaction(this.dataSource, (tx) =>
        this.jobs.send(tx, 'move-pack', payload, { startAfterSeconds: putOffSeconds }),
      );
    }
  }
}
