import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { AppName } from '#libs/config';
import { DATABASE_URL, DataSource, Listener, transaction } from '#libs/database';
import { HANDLED_APPS } from '#libs/jobs';
import { type Logger, LOGGER } from '#libs/telemetry';
import { RouteStudy } from './route-study.js';
import { lockRouting } from './routing-repository.js';
import { dropArrivals, hasArrivals, markUrgentArrivals, postponeArrivals, takeArrivals } from './take-arrivals.js';

/** Rows looked at in one transaction. */
const takenMax = 200;
/** The first study to arrive is looked at at once; those that come on its heels together, this much later. */
const gatherMilliseconds = 400;
/** Studies whose time has come, and what was told while nobody listened. */
const pollMilliseconds = 1_000;
const retryMilliseconds = 1_000;

/**
 * Looks at studies of which instances were stored, or whose time has come. The rows of `study_arrival` are the queue: they
 * go in the transaction that does what there is to do, so that a process may be cut off anywhere. Many processes may.
 */
@Injectable()
export class StudyArrivals implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly listener: Listener;
  private readonly stopping = new AbortController();
  private alarm = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly dataSource: DataSource,
    private readonly routeStudy: RouteStudy,
    @Inject(DATABASE_URL) url: string,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HANDLED_APPS) private readonly apps: readonly AppName[],
  ) {
    // With a reason, for without one each of thousands of calls makes an error.
    const wake = () => this.alarm.abort('arrivals');
    this.listener = new Listener(url, 'arrivals', wake, wake);
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.apps.includes('router')) return;
    await this.listener.start();
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.alarm.abort();
    await this.listener.close();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.alarm = new AbortController();
      try {
        const taken = await this.look();
        if (taken === 0) await pause(pollMilliseconds, this.alarm.signal);
        else if (taken >= takenMax) await markUrgentArrivals(this.dataSource);
        else await pause(gatherMilliseconds, this.stopping.signal);
      } catch (error) {
        // The database is away for a moment.
        this.logger.warn({ err: error }, 'arrivals');
        await pause(retryMilliseconds, this.stopping.signal);
      }
    }
  }

  /** @returns how many studies were looked at */
  private async look(): Promise<number> {
    if (!(await hasArrivals(this.dataSource))) return 0;
    const started = performance.now();
    let keys: number[] = [];
    try {
      await transaction(this.dataSource, async (tx) => {
        keys = await takeArrivals(tx, takenMax);
        if (keys.length > 0) await this.routeStudy.look(tx, keys);
      });
    } catch (error) {
      if (keys.length === 0) throw error;
      this.logger.warn({ err: error, studies: keys.length }, 'studies could not be routed together');
      for (const key of keys) await this.lookAtOne(key);
    }
    const milliseconds = Math.round(performance.now() - started);
    if (keys.length > 0) this.logger.debug({ studies: keys.length, milliseconds }, 'routing');
    return keys.length;
  }

  /** What is wrong with one study keeps no other from its reader, nor itself: it is listed, whatever becomes of the rest. */
  private async lookAtOne(studyKey: number): Promise<void> {
    if (this.stopping.signal.aborted) return;
    try {
      await transaction(this.dataSource, async (tx) => {
        await lockRouting(tx, studyKey);
        await this.routeStudy.list(tx, [studyKey]);
      });
      await transaction(this.dataSource, async (tx) => {
        await lockRouting(tx, studyKey);
        await dropArrivals(tx, studyKey);
        await this.routeStudy.look(tx, [studyKey]);
      });
    } catch (error) {
      this.logger.warn({ err: error, studyKey }, 'a study could not be routed');
      await postponeArrivals(this.dataSource, studyKey);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
