import cluster, { type Worker } from 'node:cluster';
import type { Config } from '#libs/config';
import { isShareQuestion, sendShare, type Share } from './share.js';
import { Relay } from './siblings.js';

const pauseMillisecondsMin = 500;
const pauseMillisecondsMax = 30_000;
/** One that lived so long died of something new. */
const steadyMilliseconds = 60_000;

/** Keeps the processes of one port running. */
export class Supervisor {
  private readonly members = new Map<number, Worker>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly relay = new Relay();
  private hasStarted = false;
  private isStopping = false;

  constructor(
    private readonly config: Config,
    private readonly where: Pick<Share, 'port' | 'databaseUrl'>,
  ) {
    // In turn, everywhere: left to the system, most connections would go to one process.
    cluster.schedulingPolicy = cluster.SCHED_RR;
  }

  /** The first alone, for it makes the tables; then the others. @returns false when one of them ended instead */
  async start(): Promise<boolean> {
    const numbers = Array.from({ length: this.config.httpProcesses }, (_, index) => index + 1);
    const areListening =
      (await this.fork(1)) && (await Promise.all(numbers.slice(1).map((number) => this.fork(number)))).every(Boolean);
    this.hasStarted = true;
    return areListening;
  }

  /** Ends them as one process ends, and waits until they are gone. @returns the greatest of their exit statuses */
  async stop(): Promise<number> {
    this.isStopping = true;
    for (const timer of this.timers) clearTimeout(timer);
    const codes = [...this.members.values()].map(
      (worker) =>
        new Promise<number>((done) => {
          // One that was still being loaded does not know the signal yet, and ends of it.
          worker.once('exit', (code: number | null, signal) => done(signal === 'SIGTERM' ? 0 : (code ?? 1)));
        }),
    );
    for (const worker of this.members.values()) worker.process.kill('SIGTERM');
    return Math.max(0, ...(await Promise.all(codes)));
  }

  /** @returns whether it came to listen */
  private fork(number: number, pause = pauseMillisecondsMin): Promise<boolean> {
    const worker = cluster.fork();
    const share: Share = { ...this.where, number, of: this.config.httpProcesses, isFirstStart: !this.hasStarted };
    const since = Date.now();
    this.members.set(number, worker);
    worker.on('error', () => undefined);
    worker.on('message', (message) => {
      if (isShareQuestion(message)) sendShare(worker, share);
      else this.relay.hear(worker, message);
    });
    return new Promise((listens) => {
      worker.once('listening', () => {
        this.relay.add(worker);
        listens(true);
      });
      worker.once('exit', (code, signal) => {
        listens(false);
        this.relay.remove(worker);
        this.members.delete(number);
        if (this.isStopping || !this.hasStarted) return;
        const next = Date.now() - since > steadyMilliseconds ? pauseMillisecondsMin : pause;
        this.replace(number, next, signal ?? `status ${code}`);
      });
    });
  }

  private replace(number: number, pause: number, end: string): void {
    void this.report(number, pause, end);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.fork(number, Math.min(pause * 2, pauseMillisecondsMax));
    }, pause);
    this.timers.add(timer);
  }

  /** The logger is loaded when there is something to say: it brings much of the framework with it. */
  private async report(number: number, pause: number, end: string): Promise<void> {
    const { createLogger } = await import('#libs/telemetry');
    createLogger(this.config.app, this.config.logLevel).error(
      { process: number, end, replacedInMilliseconds: pause },
      'a process that serves HTTP ended: another takes its place',
    );
  }
}
