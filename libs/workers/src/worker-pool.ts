import { type Answer, Child } from './child.js';
import { WorkerError } from './worker-error.js';
import { workerModulePath } from './worker-module.js';

export interface WorkerPoolOptions {
  /** The compiled worker module: `new URL('./decode-worker.js', import.meta.url)`. From .ts sources, its twin under dist/. */
  module: URL;
  /** How many processes at most; each is started when first needed. */
  size: number;
  /** For one request, from when a worker takes it. Waiting in the queue and starting a process do not count. */
  timeoutMilliseconds: number;
  /** Resident memory of one process, everything counted: JavaScript, WebAssembly, native libraries. */
  memoryBytesMax: number;
  /** For error messages. */
  name: string;
  /** Requests that may wait for a free worker; more are refused as `overloaded`. 256 when absent. */
  queueLengthMax?: number;
  /** Requests one process is at, at once. 1 when absent: then what ends it ends that request and no other. */
  requestsPerProcess?: number;
  /**
   * Large arrays of requests and answers go through memory that is open in both processes, where the system has such,
   * rather than over the channel. For a process that is at one request at a time.
   */
  sharesMemory?: boolean;
  /** Replaces a process after so many requests, for libraries that leak. Never when absent. */
  jobsPerProcessMax?: number;
  /** Ends a process that nobody has needed for so long, and gives its memory back. Never when absent. */
  idleMillisecondsMax?: number;
  /** For loading the worker module. 30 seconds when absent. */
  startTimeoutMilliseconds?: number;
  /** Environment of the processes, beside PATH and its like. They inherit nothing else. */
  environment?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /** From when a worker takes it; the pool's own when absent. */
  timeoutMilliseconds?: number | undefined;
  /** Greater is taken first, and 2 or more even by a process that is full, one beyond what it takes otherwise. 0 when absent. */
  urgency?: number;
  /** No other request is in the process meanwhile, so that what ends it is this one's doing. */
  alone?: boolean;
}

interface Job {
  request: unknown;
  timeoutMilliseconds: number;
  urgency: number;
  alone: boolean;
  resolve: (response: unknown) => void;
  reject: (error: WorkerError) => void;
}

/**
 * Runs requests in child processes, so that what crashes, hangs or eats memory takes down one request and nothing else.
 * Processes rather than threads: a segmentation fault or an abort in native code ends the whole process it is in.
 *
 * Requests are taken the most urgent first, then in the order they came. A process that dies is replaced when the next request needs one; a request
 * is never tried twice. When the parent dies, however it dies, its children end.
 */
export class WorkerPool<Request, Response> {
  private readonly options: WorkerPoolOptions;
  private readonly path: string;
  private readonly queue: Job[] = [];
  private readonly queueLengthMax: number;
  private readonly children = new Set<Child>();
  /** The one that worked last is taken first, so that those not needed stay idle until they are ended. */
  private readonly idle: Child[] = [];
  private readonly idleTimers = new Map<Child, NodeJS.Timeout>();
  private lastId = 0;
  private isClosed = false;

  /** @throws Error when the worker module is not there, or a limit makes no sense. */
  constructor(options: WorkerPoolOptions) {
    for (const limit of ['size', 'timeoutMilliseconds', 'memoryBytesMax'] as const) {
      if (!(options[limit] >= 1))
        throw new Error(`${options.name}: ${limit} must be at least 1, not ${options[limit]}.`);
    }
    if (options.sharesMemory && (options.requestsPerProcess ?? 1) > 1) {
      throw new Error(`${options.name}: processes that share memory are at one request at a time.`);
    }
    this.options = options;
    this.path = workerModulePath(options.module);
    this.queueLengthMax = options.queueLengthMax ?? 256;
  }

  /**
   * Has one worker handle `request`. Requests and responses are copied as by structuredClone.
   *
   * @throws WorkerError of any code; the pool goes on.
   */
  run(request: Request, { timeoutMilliseconds, urgency = 0, alone = false }: RunOptions = {}): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      if (this.isClosed) return reject(this.closedError());
      const isFull = this.freeWorkers() === 0 && this.queue.length >= this.queueLengthMax;
      if (isFull) {
        return reject(
          new WorkerError(
            'overloaded',
            `${this.options.name}: ${this.queue.length} requests wait already; try again later.`,
          ),
        );
      }
      const before = this.queue.findIndex((other) => other.urgency < urgency);
      this.queue.splice(before < 0 ? this.queue.length : before, 0, {
        request,
        timeoutMilliseconds: timeoutMilliseconds ?? this.options.timeoutMilliseconds,
        urgency,
        alone,
        resolve: resolve as (response: unknown) => void,
        reject,
      });
      this.startNext();
    });
  }

  /** Ends all workers; requests without an answer fail as `closed`. Resolves when every process has ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const job of this.queue.splice(0)) job.reject(this.closedError());
    const children = [...this.children];
    for (const timer of this.idleTimers.values()) clearTimeout(timer);
    for (const child of children) child.setIdle(false);
    for (const child of children) child.kill(this.closedError());
    await Promise.all(children.map((child) => child.ended));
  }

  private freeWorkers(): number {
    return this.idle.length + this.options.size - this.children.size;
  }

  private startNext(): void {
    for (let job = this.queue[0]; job !== undefined; job = this.queue[0]) {
      const child = this.freeWorkers() > 0 ? (this.takeIdle() ?? this.startChild()) : this.withRoomFor(job);
      if (child === undefined) return;
      this.queue.shift();
      child.isReserved = job.alone;
      void this.work(child, job);
    }
  }

  /** The process at least work that may take one more. */
  private withRoomFor({ alone, urgency }: Job): Child | undefined {
    const room =
      (this.options.requestsPerProcess ?? 1) + Number(urgency >= 2 && this.options.requestsPerProcess !== undefined);
    if (alone) return undefined;
    return [...this.children]
      .filter((child) => !child.isReserved && child.jobsAtWork > 0 && child.jobsAtWork < room && child.canTakeMore)
      .sort((a, b) => a.jobsAtWork - b.jobsAtWork)[0];
  }

  private takeIdle(): Child | undefined {
    const child = this.idle.pop();
    if (child !== undefined) this.stopIdleTimer(child);
    return child;
  }

  private startIdleTimer(child: Child): void {
    const { idleMillisecondsMax, name } = this.options;
    if (idleMillisecondsMax === undefined) return;
    const timer = setTimeout(() => {
      this.idleTimers.delete(child);
      this.idle.splice(this.idle.indexOf(child), 1);
      child.kill(new WorkerError('closed', `${name}: the worker had nothing to do for ${idleMillisecondsMax} ms.`));
    }, idleMillisecondsMax);
    // An idle worker does not keep this process alive, and neither does its end.
    timer.unref();
    this.idleTimers.set(child, timer);
  }

  private stopIdleTimer(child: Child): void {
    clearTimeout(this.idleTimers.get(child));
    this.idleTimers.delete(child);
  }

  private startChild(): Child {
    const child = new Child({
      path: this.path,
      name: this.options.name,
      memoryBytesMax: this.options.memoryBytesMax,
      environment: this.options.environment ?? {},
      sharesMemory: this.options.sharesMemory ?? false,
    });
    this.children.add(child);
    void child.ended.then(() => {
      this.children.delete(child);
      this.stopIdleTimer(child);
      const at = this.idle.indexOf(child);
      if (at >= 0) this.idle.splice(at, 1);
      this.startNext();
    });
    return child;
  }

  private async work(child: Child, job: Job): Promise<void> {
    child.setIdle(false);
    child.jobsAtWork += 1;
    const failedStart = await this.within(
      this.options.startTimeoutMilliseconds ?? 30_000,
      'load the worker module',
      child,
      child.whenReady(),
    );
    if (failedStart instanceof WorkerError) return job.reject(this.ofOne(failedStart, child));

    const answer = await this.within(
      job.timeoutMilliseconds,
      'answer a request',
      child,
      child.ask(++this.lastId, job.request),
    );
    if (answer instanceof WorkerError) {
      // A request that could not even be sent leaves the worker as it was.
      if (answer.code === 'failed') this.release(child);
      return job.reject(this.ofOne(answer, child));
    }

    // Free the worker before the answer is acted upon, so that a caller who asks again at once finds it.
    this.release(child);
    settle(job, answer);
  }

  /** The process ended for all it was at; each of them is told with how many others. */
  private ofOne(error: WorkerError, child: Child): WorkerError {
    if (error.code === 'failed' || child.jobsAtWork < 2) return error;
    return new WorkerError(error.code, error.message, { companions: child.jobsAtWork - 1, cause: error });
  }

  /** What `work` gives; or why the child ended before, killed by us when it took too long. */
  private async within<T>(
    milliseconds: number,
    what: string,
    child: Child,
    work: Promise<T>,
  ): Promise<T | WorkerError> {
    const timer = setTimeout(
      () =>
        child.kill(
          new WorkerError(
            'timed-out',
            `${this.options.name}: the worker did not ${what} within ${milliseconds} ms and was ended.`,
          ),
        ),
      milliseconds,
    );
    try {
      return await Promise.race([work, child.ended]);
    } catch (error) {
      return new WorkerError(
        'failed',
        `${this.options.name}: the request cannot be sent: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  private release(child: Child): void {
    child.jobsDone += 1;
    child.jobsAtWork -= 1;
    child.isReserved = false;
    if (child.jobsDone >= (this.options.jobsPerProcessMax ?? Infinity)) {
      child.canTakeMore = false;
      if (child.jobsAtWork > 0) return;
      // Its place is free once it has ended; see startChild.
      child.kill(
        new WorkerError('closed', `${this.options.name}: the worker was replaced after ${child.jobsDone} requests.`),
      );
      return;
    }
    if (!this.children.has(child)) return;
    if (child.jobsAtWork > 0) return this.startNext();
    child.setIdle(true);
    this.idle.push(child);
    this.startIdleTimer(child);
    this.startNext();
  }

  private closedError(): WorkerError {
    return new WorkerError('closed', `${this.options.name}: the pool is closed.`);
  }
}

function settle(job: Job, answer: Answer): void {
  if (answer.kind === 'answer') job.resolve(answer.response);
  else job.reject(new WorkerError('failed', answer.message, { remoteCode: answer.code }));
}
