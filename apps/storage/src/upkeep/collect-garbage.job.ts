import { Inject, Injectable } from '@nestjs/common';
import { numberChanges, purgeOverdue, trimChanges } from '#libs/archive';
import { BlobStores } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, query } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { isBackedUpNow } from '../backup/backup-lock.js';
import { checkPresence } from './check-presence.js';
import { deleteEmptied } from './delete-emptied.js';
import { deleteOrphans } from './delete-orphans.js';
import { deleteRetired } from './delete-retired.js';
import { Failures } from './failures.js';

export interface Collected {
  /** Deletions whose grace was over. */
  purged: number;
  /** Copies deleted of packs that hold nothing any more. */
  emptied: number;
  /** Copies deleted whose pack is read elsewhere. */
  retired: number;
  /** Blobs deleted that no row named. */
  orphans: number;
  /** Files and uploads removed that a writer had begun and left. */
  staged: number;
  /** Locations whose blob was asked for. */
  checked: number;
  /** Of these, blobs that were not there or had another size. */
  missing: number;
}

const stagingHours = 24;
const presenceChecks = 2_000;

/**
 * Deletes what no reader can be sent to any more, and looks whether the rest is there. Safe to run beside itself. What the
 * change feed has waiting is numbered on the way: it must not wait for a reader who never comes.
 */
@Injectable()
export class CollectGarbageJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('collect-garbage')
  async handle({ signal }: Pick<Job<'collect-garbage'>, 'signal'>): Promise<void> {
    const collected = await this.collect(signal);
    this.logger.info({ ...collected }, 'garbage collected');
  }

  /**
   * @param now for the ages of blobs and staged files; retired copies go by the database's clock
   * @throws AggregateError at the end, when something could not be done
   */
  async collect(signal: AbortSignal, now?: Date): Promise<Collected> {
    const { graceHours } = this.config;
    if (await isBackedUpNow(this.dataSource)) {
      this.logger.info({}, 'no garbage is collected while a backup is made');
      return { purged: 0, emptied: 0, retired: 0, orphans: 0, staged: 0, checked: 0, missing: 0 };
    }
    const time = now ?? (await this.earlierClock());
    const failures = new Failures(this.logger, signal);
    const collected: Collected = { purged: 0, emptied: 0, retired: 0, orphans: 0, staged: 0, checked: 0, missing: 0 };

    collected.purged = await purgeOverdue(this.dataSource, signal, (deletionId, work) =>
      failures.attempt({ deletionId }, work),
    );
    collected.emptied = await deleteEmptied(this.dataSource, this.stores, failures, signal);
    collected.retired = await deleteRetired(this.dataSource, this.stores, graceHours, failures, this.logger, signal);
    for (const store of this.stores.all) {
      await failures.attempt({ store: store.name }, async () => {
        const when = { now: time, graceHours };
        collected.orphans += await deleteOrphans(this.dataSource, store, when, this.logger, signal);
        const before = new Date(time.getTime() - stagingHours * 3_600_000);
        collected.staged += (await store.clearStaging?.(before)) ?? 0;
      });
    }
    const presence = await checkPresence(this.dataSource, this.stores, presenceChecks, failures, this.logger, signal);
    await failures.attempt({}, async () => {
      const { changeFeedDays } = this.config;
      if (changeFeedDays === undefined) await numberChanges(this.dataSource);
      else await trimChanges(this.dataSource, changeFeedDays, signal);
    });
    failures.throwAny();
    return { ...collected, ...presence };
  }

  /** A clock that is ahead would make young blobs old: of ours and the database's, the one behind counts. */
  private async earlierClock(): Promise<Date> {
    const [row] = await query<{ now: Date }>(this.dataSource, 'select clock_timestamp() as now');
    return new Date(Math.min(row!.now.getTime(), Date.now()));
  }
}
