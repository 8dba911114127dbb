import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, query, transaction } from '#libs/database';
import { JobQueue, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { StoreRoom } from './store-room.js';
import { TestStores } from './test-stores.js';
import type { Tier } from './tiers.js';

/**
 * Sends those moves on their way again that were put off because no store of their tier took anything. By the clock, for
 * room that was made, and as soon as a store can be used again.
 */
@Injectable()
export class ResumeMovesJob implements OnApplicationBootstrap {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    private readonly room: StoreRoom,
    private readonly tests: TestStores,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.tests.onUsable((store) => {
      this.order().catch((error: unknown) =>
        this.logger.warn({ err: error, store }, 'moves to a store that works again wait for the clock'),
      );
    });
  }

  @OnJob('resume-moves')
  async handle(): Promise<void> {
    const resumed = await this.resume();
    if (resumed > 0) this.logger.info({ moves: resumed }, 'moves go on');
  }

  /** @returns how many moves go on */
  async resume(): Promise<number> {
    const tiers = await query<{ tier: Tier }>(
      this.dataSource,
      `select distinct tier from series_move where state = 'waiting' and error is not null`,
    );
    let resumed = 0;
    for (const { tier } of tiers) {
      if ((await this.room.whyNot(tier)) === undefined) resumed += await this.resumeTier(tier);
    }
    return resumed;
  }

  /** A move whose job is there all the same is done once: it looks at the state. */
  private resumeTier(tier: Tier): Promise<number> {
    return transaction(this.dataSource, async (tx) => {
      const moves = await query<{ moveId: string }>(
        tx,
        `update series_move set error = null, updated_at = now()
          where state = 'waiting' and error is not null and tier = $1 returning move_id as "moveId"`,
        [tier],
      );
      await this.jobs.sendAll(
        tx,
        'move-series',
        moves.map((payload) => ({ payload })),
      );
      return moves.length;
    });
  }

  /** What was not planned meanwhile is planned, too. */
  private async order(): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      await this.jobs.send(tx, 'resume-moves', {});
      await this.jobs.send(tx, 'plan-tiering', {});
    });
  }
}
