import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Connection, type Request } from './connection.js';
import { cpuSeconds } from './process-usage.js';
import { quantile } from './statistics.js';

export interface Server {
  name: string;
  url: URL;
  /** Its processes, for processor seconds and memory. */
  pids: readonly number[];
}

/** One request, and what its answer must be. */
export interface Task {
  request: Request;
  /** @returns what is wrong */
  check: (answer: Answer) => string | undefined;
  /** How much work it is, in the unit of its row. Default 1. */
  amount?: number;
}

export interface Measurement {
  requests: number;
  /** Done a second, in the unit of the row. */
  rate: number;
  medianMilliseconds: number;
  p95Milliseconds: number;
  /** Of the server's processes, for 1,000 units. */
  cpuSecondsPer1000: number | undefined;
  errors: string[];
}

export interface LoopOptions {
  connections: number;
  /** No request begins after this. */
  seconds?: number;
  /** @returns undefined when there is nothing left to do */
  next: () => Task | undefined;
  isStopped?: () => boolean;
}

/** A closed loop: each connection has one request in flight, until the time is over or the work is done. */
export async function runLoop(server: Server, options: LoopOptions): Promise<Measurement> {
  const times: number[] = [];
  const errors: string[] = [];
  let amount = 0;
  const cpuBefore = server.pids.length > 0 ? cpuSeconds(server.pids) : undefined;
  const started = performance.now();
  const end = started + (options.seconds ?? Infinity) * 1000;
  const work = async () => {
    const connection = new Connection(server.url);
    while (performance.now() < end && !options.isStopped?.()) {
      const task = options.next();
      if (task === undefined) break;
      const before = performance.now();
      const problem = await connection.send(task.request).then(
        (answer) => {
          times.push(performance.now() - before);
          return task.check(answer);
        },
        (error: Error) => error.message,
      );
      if (problem === undefined) amount += task.amount ?? 1;
      else errors.push(`${task.request.path}: ${problem}`);
      // A server that fails at once would be asked for ever.
      if (errors.length > 100) break;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: options.connections }, work));
  const seconds = (performance.now() - started) / 1000;
  return {
    requests: times.length,
    rate: amount / seconds,
    medianMilliseconds: quantile(times, 0.5),
    p95Milliseconds: quantile(times, 0.95),
    cpuSecondsPer1000:
      cpuBefore === undefined || amount === 0 ? undefined : ((cpuSeconds(server.pids) - cpuBefore) * 1000) / amount,
    errors,
  };
}

/** @throws when the answer is not what it must be: nothing after it would mean anything */
export async function runOnce(server: Server, task: Task): Promise<Measurement> {
  let left: Task | undefined = task;
  const next = () => {
    const now = left;
    left = undefined;
    return now;
  };
  const measured = await runLoop(server, { connections: 1, next });
  if (measured.errors.length > 0) throw new Error(`${server.name}: ${measured.errors[0]}`);
  return measured;
}

/** Waits until the servers do next to nothing any more: work they put off belongs to the row before. */
export async function untilAtRest(servers: readonly Server[], secondsMax: number): Promise<void> {
  const pids = servers.flatMap((server) => server.pids);
  const end = performance.now() + secondsMax * 1000;
  while (pids.length > 0 && performance.now() < end) {
    const before = cpuSeconds(pids);
    await sleep(300);
    if (cpuSeconds(pids) - before <= 0.03) return;
  }
}
