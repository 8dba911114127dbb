import { Inject, Injectable } from '@nestjs/common';
import { BlobStores } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, transaction } from '#libs/database';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { chooseMoves } from './choose-moves.js';
import { firstPage, readPackFacts } from './read-pack-facts.js';

export interface PlanLimits {
  /** Packs looked at in one statement. */
  pageSize: number;
  /** Moves ordered in one run: what is left is ordered by a later one, when these are done. */
  movesMax: number;
}

const usualLimits: PlanLimits = { pageSize: 500, movesMax: 5_000 };

/** Orders the moves that the policy asks for. Twice is no harm: a move that waits already is not ordered again. */
@Injectable()
export class PlanTieringJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly jobs: JobQueue,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('plan-tiering')
  async handle({ signal }: Pick<Job<'plan-tiering'>, 'signal'>): Promise<void> {
    const ordered = await this.plan(signal);
    if (ordered > 0) this.logger.info({ moves: ordered }, 'packs are to move');
  }

  /** @returns how many moves were ordered */
  async plan(signal: AbortSignal, { pageSize, movesMax }: PlanLimits = usualLimits): Promise<number> {
    const { warmAfterDays, coldAfterDays } = this.config;
    const policy = { warmAfterDays, coldAfterDays, available: this.stores.tiers };
    if (policy.available.length < 2) return 0;
    let ordered = 0;
    for (let after: string | undefined = firstPage; after !== undefined && ordered < movesMax;) {
      signal.throwIfAborted();
      const page = await readPackFacts(this.dataSource, policy, after, pageSize);
      const moves = chooseMoves(page.facts, policy).slice(0, movesMax - ordered);
      await transaction(this.dataSource, async (tx) => {
        for (const { packId, to } of moves) await this.jobs.send(tx, 'move-pack', { packId, tier: to });
      });
      ordered += moves.length;
      after = page.next;
    }
    return ordered;
  }
}
