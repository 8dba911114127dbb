import { Inject, Injectable } from '@nestjs/common';
import { BlobStores } from '#libs/blobs';
import { DataSource, readSetting, type Transaction, transaction, writeSetting } from '#libs/database';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { chooseMoves, type Move } from './choose-moves.js';
import { orderMove } from './order-move.js';
import { daysMin, type Policy } from './policy.js';
import { readStudyFacts } from './read-study-facts.js';
import { StoreRoom } from './store-room.js';
import { TieringPolicies } from './tiering-policies.js';
import type { Tier } from './tiers.js';

export interface PlanLimits {
  /** Studies looked at in one statement. */
  pageSize: number;
  /** Studies looked at in one run; the next goes on behind them, and begins anew after the last. */
  studiesMax: number;
  /** Moves ordered in one run: what is left is ordered by a later one, when these are done. */
  movesMax: number;
}

export const usualLimits: PlanLimits = { pageSize: 200, studiesMax: 100_000, movesMax: 5_000 };
const cursor = 'storage-plan-cursor';

/** Orders the moves that the policies ask for. Twice is no harm: a move that waits already is not ordered again. */
@Injectable()
export class PlanTieringJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly jobs: JobQueue,
    private readonly policies: TieringPolicies,
    private readonly room: StoreRoom,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('plan-tiering')
  async handle({ signal }: Pick<Job<'plan-tiering'>, 'signal'>): Promise<void> {
    const ordered = await this.plan(signal);
    if (ordered > 0) this.logger.info({ moves: ordered }, 'series are to move');
  }

  /** @returns how many moves were ordered */
  async plan(signal: AbortSignal, limits: PlanLimits = usualLimits): Promise<number> {
    if (this.stores.tiers.length < 2) return 0;
    const policies = await this.policies.active();
    const taking = await this.taking();
    let ordered = 0;
    let after = ((await readSetting(this.dataSource, cursor)) as number | undefined) ?? 0;
    let seen = 0;
    for await (const page of this.pages(policies, after, limits.pageSize)) {
      signal.throwIfAborted();
      const possible = page.moves.filter(({ to }) => taking.has(to));
      const moves = possible.slice(0, limits.movesMax - ordered);
      ordered += await transaction(this.dataSource, (tx) => this.order(tx, moves));
      seen += page.studies;
      // Of a page that was too much, the rest is for the next run.
      if (moves.length === possible.length) after = page.next ?? 0;
      if (ordered >= limits.movesMax || seen >= limits.studiesMax) break;
    }
    await writeSetting(this.dataSource, cursor, after);
    return ordered;
  }

  /**
   * What policies would move, a page of studies at a time, from the first study on.
   * @param policies those that are stored when absent
   */
  async *preview(policies?: readonly Policy[]): AsyncGenerator<{ moves: Move[]; studies: number }> {
    if (this.stores.tiers.length < 2) return;
    yield* this.pages(policies ?? (await this.policies.active()), 0, usualLimits.pageSize);
  }

  /** What would go to another tier is planned when that takes something again. */
  private async taking(): Promise<Set<Tier>> {
    const taking = new Set<Tier>();
    for (const tier of this.stores.tiers) {
      const reason = await this.room.whyNot(tier);
      if (reason === undefined) taking.add(tier);
      else this.logger.warn({ tier, reason: reason.message }, 'nothing is planned to go to a tier');
    }
    return taking;
  }

  private async *pages(
    policies: readonly Policy[],
    from: number,
    pageSize: number,
  ): AsyncGenerator<{ moves: Move[]; studies: number; next: number | undefined }> {
    for (let after: number | undefined = from; after !== undefined;) {
      const { facts, next } = await readStudyFacts(this.dataSource, daysMin(policies), after, pageSize);
      const moves = facts.flatMap((study) => chooseMoves(study, policies, this.stores.tiers));
      yield { moves, studies: facts.length, next };
      after = next;
    }
  }

  private async order(tx: Transaction, moves: Move[]): Promise<number> {
    let ordered = 0;
    for (const move of moves) if (await orderMove(tx, this.jobs, move)) ordered += 1;
    return ordered;
  }
}
