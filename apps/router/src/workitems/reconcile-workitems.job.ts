import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, query, transaction } from '#libs/database';
import { announceArrivals, type Job, JobQueue, OnJob } from '#libs/jobs';
import { type Logger, LOGGER } from '#libs/telemetry';
import { deleteUpsEvents, failWorkitem, type Priority, releaseWorkitem } from '#libs/workitems';
import { waitingForwards } from '../forwarding/forward-repository.js';
import { sendForward } from '../forwarding/send-forward.js';
import { sendInference } from './send-inference.js';

/** A worker of ours silent for so long has lost its workitem; one from outside has the time it was given when it claimed. */
export const heartbeatSecondsMax = 60;
/** A workitem is taken from the queue within this, or its job is sent again in case it was lost. */
export const scheduledSecondsMax = 60;
/** Attempts that ended without a result, after which a study is given up for a model: it is listed as failed. */
export const attemptsMax = 5;
const batchSize = 200;
/** Longer than the pause between two attempts to send a study on. */
const forwardSecondsMax = 6 * 3600;
/** No process is without its connection for so long: events older than this are deleted. */
const eventSecondsMax = 3_600;

export interface Reconciled {
  resent: number;
  released: number;
  canceled: number;
  studiesSent: number;
}

/**
 * Jobs carry the work, rows are the truth: sees to rows whose job or performer was lost, each minute and at start.
 * All ages are by the database's clock. Safe to run beside itself.
 */
@Injectable()
export class ReconcileWorkitemsJob implements OnApplicationBootstrap {
  private isFirst = true;

  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await transaction(this.dataSource, (tx) => this.jobs.send(tx, 'reconcile-workitems', {}));
  }

  @OnJob('reconcile-workitems')
  async handle({ signal }: Pick<Job<'reconcile-workitems'>, 'signal'>): Promise<void> {
    const done = await this.reconcile(signal, this.isFirst ? 'all' : 'open');
    this.isFirst = false;
    await this.resendForwards(signal);
    await deleteUpsEvents(this.dataSource, eventSecondsMax);
    if (Object.values(done).some((count) => count > 0)) this.logger.info({ ...done }, 'reconciled');
  }

  /** @param studies 'all' looks at every study ever stored, 'open' at those whose routing is not over */
  async reconcile(signal: AbortSignal, studies: 'all' | 'open'): Promise<Reconciled> {
    const { released, canceled } = await this.releaseLost(signal);
    const { resent, exhausted } = await this.resendScheduled(signal);
    return {
      released,
      canceled: canceled + exhausted,
      resent,
      studiesSent: await this.sendStudies(signal, studies),
    };
  }

  /** Forwards that nothing was heard of for a while: usually their job waits, too, or is at work, and this changes nothing. */
  private async resendForwards(signal: AbortSignal): Promise<void> {
    const waiting = await waitingForwards(this.dataSource, forwardSecondsMax, batchSize);
    signal.throwIfAborted();
    await transaction(this.dataSource, async (tx) => {
      for (const forwardId of waiting) await sendForward(this.jobs, tx, forwardId, null);
    });
  }

  /** IN PROGRESS without a heartbeat: another worker gets it, until the attempts are used up. */
  private async releaseLost(signal: AbortSignal): Promise<Pick<Reconciled, 'released' | 'canceled'>> {
    const done = { released: 0, canceled: 0 };
    for (let isMore = true; isMore;) {
      signal.throwIfAborted();
      isMore = await transaction(this.dataSource, async (tx) => {
        const lost = await query<{ workitem_uid: string; attempts: number; last: string | null }>(
          tx,
          `select workitem_uid, attempts, discontinuation_reason as last from workitem
            where kind = 'ai' and state = 'IN PROGRESS'
              and coalesce(heartbeat_at, claimed_at, updated_at) < clock_timestamp() - coalesce(silent_seconds_max, $1) * interval '1 second'
            order by workitem_key limit $2
              for update skip locked`,
          [heartbeatSecondsMax, batchSize],
        );
        for (const { workitem_uid: uid, attempts, last } of lost) {
          if (attempts + 1 >= attemptsMax) {
            if (await failWorkitem(tx, uid, givenUp(last))) done.canceled++;
            continue;
          }
          const workitem = await releaseWorkitem(tx, uid, undefined);
          if (workitem === undefined) continue;
          await sendInference(this.jobs, tx, uid, workitem.priority);
          done.released++;
        }
        return lost.length === batchSize;
      });
    }
    return done;
  }

  /** SCHEDULED for a while: usually its job waits too and this changes nothing; if the job was lost, here is another. */
  private async resendScheduled(signal: AbortSignal): Promise<{ resent: number; exhausted: number }> {
    const done = { resent: 0, exhausted: 0 };
    let after = 0;
    for (;;) {
      signal.throwIfAborted();
      const rows = await transaction(this.dataSource, async (tx) => {
        const scheduled = await query<{
          workitem_key: number;
          workitem_uid: string;
          priority: Priority;
          attempts: number;
          last: string | null;
        }>(
          tx,
          `select workitem_key, workitem_uid, priority, attempts, discontinuation_reason as last from workitem
            where kind = 'ai' and state = 'SCHEDULED' and workitem_key > $1
              and greatest(updated_at, scheduled_start) < clock_timestamp() - $2 * interval '1 second'
            order by workitem_key limit $3`,
          [after, scheduledSecondsMax, batchSize],
        );
        for (const { workitem_uid: uid, priority, attempts, last } of scheduled) {
          if (attempts < attemptsMax) {
            await sendInference(this.jobs, tx, uid, priority);
            done.resent++;
          } else if (await failWorkitem(tx, uid, givenUp(last))) {
            done.exhausted++;
          }
        }
        return scheduled;
      });
      if (rows.length < batchSize) return done;
      after = rows.at(-1)!.workitem_key;
    }
  }

  /**
   * Studies whose routing stopped half-way: never looked at, not since they changed, left in 'receiving', or waiting for a
   * model that has been registered meanwhile.
   */
  private async sendStudies(signal: AbortSignal, studies: 'all' | 'open'): Promise<number> {
    let sent = 0;
    let after = 0;
    for (;;) {
      signal.throwIfAborted();
      const rows = await transaction(this.dataSource, async (tx) => {
        const unrouted = await query<{ study_key: number; study_instance_uid: string }>(
          tx,
          `select s.study_key, s.study_instance_uid
             from study s
            where s.study_key > $1 and s.study_key in (
              select n.study_key from study n left join study_routing r using (study_key)
               where n.updated_at < clock_timestamp() - interval '1 minute'
                 and $4::boolean
                 and (r.study_key is null or r.updated_at < n.updated_at)
              union
              select r.study_key from study_routing r
               where r.state = 'receiving' and r.updated_at < clock_timestamp() - $3 * interval '1 second'
              union
              select r.study_key
                from study_routing r
                cross join lateral jsonb_array_elements(r.decision -> 'models') as wanted
                join model m on m.model_id = wanted ->> 'model'
                 and case when wanted ->> 'requested' = 'current' then m.is_current else m.version = wanted ->> 'requested' end
               where r.state = 'complete' and wanted ->> 'status' = 'not-registered')
            order by s.study_key limit $2`,
          [after, batchSize, 60 + this.config.quietPeriodSeconds, studies === 'all'],
        );
        await announceArrivals(
          tx,
          unrouted.map((row) => row.study_instance_uid),
        );
        return unrouted;
      });
      sent += rows.length;
      if (rows.length < batchSize) return sent;
      after = rows.at(-1)!.study_key;
    }
  }
}

/** @param last what the last attempt that could still speak said */
function givenUp(last: string | null): string {
  return `Given up after ${attemptsMax} attempts without a result${last === null ? '.' : `; one said: ${last}`}`;
}
