import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { AppName } from '#libs/config';
import { Health, LOGGER, type Logger } from '#libs/telemetry';
import { PgBoss } from 'pg-boss';
import { jobKind, jobNames, type JobName } from './job-catalogue.js';
import { type JobHandler, onJobMetadata } from './on-job.js';

/** Injection token: the apps whose jobs this process handles. */
export const HANDLED_APPS = Symbol('HandledApps');

type AnyHandler = JobHandler<JobName>;

/**
 * Gathers the handlers of the apps that are here and works their queues. A job without a handler, a handler without a
 * job, or two for one stops the start. A process that is given no app's jobs only sends.
 */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private handlers = new Map<JobName, AnyHandler>();

  constructor(
    private readonly boss: PgBoss,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    @Inject(HANDLED_APPS) private readonly apps: readonly AppName[],
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly health: Health,
  ) {}

  /** Refuses a start that would leave a job unhandled. */
  onApplicationBootstrap(): void {
    this.handlers = this.gather();
    this.health.register('jobs', async () => {
      if (!(await this.boss.isInstalled())) throw new Error('the job tables are gone');
    });
  }

  /** Begins to work, once the server answers. */
  async start(): Promise<void> {
    for (const [name, handler] of this.handlers) await this.work(name, handler);
  }

  /** Handlers see their signal abort and give up what they hold; what was not finished is retried at the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort(new Error('The process is stopping'));
    await this.boss.stop({ graceful: true, timeout: 10_000, close: true });
  }

  private gather(): Map<JobName, AnyHandler> {
    const handlers = new Map<JobName, AnyHandler>();
    if (this.apps.length === 0) return handlers;
    for (const { instance } of this.discovery.getProviders()) {
      if (instance === null || typeof instance !== 'object') continue;
      const prototype = Object.getPrototypeOf(instance) as Record<string, unknown> | null;
      if (prototype === null) continue;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const name = Reflect.getMetadata(onJobMetadata, prototype[method] as object) as JobName | undefined;
        if (name === undefined) continue;
        const where = `${instance.constructor.name}.${method}`;
        if (handlers.has(name)) throw new Error(`Two handlers for the job ${name}; the second is ${where}`);
        if (!this.apps.includes(jobKind(name).handledBy)) {
          throw new Error(`${where} handles ${name}, which the catalogue gives to the app ${jobKind(name).handledBy}`);
        }
        handlers.set(name, (instance as Record<string, AnyHandler>)[method]!.bind(instance));
      }
    }
    const missing = jobNames.filter((name) => this.apps.includes(jobKind(name).handledBy) && !handlers.has(name));
    if (missing.length > 0) throw new Error(`No handler for ${missing.join(', ')}: add a method with @OnJob`);
    return handlers;
  }

  private async work(name: JobName, handler: AnyHandler): Promise<void> {
    const kind = jobKind(name);
    // Each with an id of its own, by which it is told to look again.
    if (kind.isBacklog) for (let at = 0; at < kind.concurrency; at++) await this.workWith(name, handler, 1);
    else await this.workWith(name, handler, kind.concurrency);
    if (kind.ownHandlerFrom !== undefined) await this.workWith(name, handler, 1, kind.ownHandlerFrom);
    if (kind.cron !== undefined) await this.boss.schedule(name, kind.cron, {});
  }

  private async workWith(name: JobName, handler: AnyHandler, concurrency: number, minPriority?: number): Promise<void> {
    const kind = jobKind(name);
    const id = await this.boss.work(
      name,
      {
        localConcurrency: concurrency,
        batchSize: 1,
        includeMetadata: true,
        pollingIntervalSeconds: 1,
        // What is to be done now is told; asked for is only what was put off, and each asking costs a plan.
        notifyPollingIntervalSeconds: 5,
        ...(minPriority !== undefined && { minPriority }),
      },
      async ([job]) => {
        if (job === undefined) return;
        const started = performance.now();
        const logger = this.logger.child({ job: name, jobId: job.id, attempt: job.retryCount });
        try {
          const payload = kind.payload.parse(job.data) as never;
          await handler({
            payload,
            attempt: job.retryCount,
            signal: AbortSignal.any([job.signal, this.stopping.signal]),
          });
          logger.info(
            { outcome: 'done', milliseconds: Math.round(performance.now() - started), ...(job.data as object) },
            'job',
          );
        } catch (error) {
          logger.warn(
            {
              outcome: 'failed',
              milliseconds: Math.round(performance.now() - started),
              err: error,
              ...(job.data as object),
            },
            'job',
          );
          throw error;
        } finally {
          if (kind.isBacklog) this.boss.notifyWorker(id);
        }
      },
    );
  }
}
