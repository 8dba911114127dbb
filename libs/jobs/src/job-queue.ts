import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { queryPreparedIn, type Transaction } from '#libs/database';
import type { ConnectionOptions, PgBoss } from 'pg-boss';
import { jobCatalogue, jobKind, jobNames, type JobName, type JobPayload } from './job-catalogue.js';

export interface SendJobOptions {
  /** Not before so many seconds from now. */
  startAfterSeconds?: number;
  /** Greater goes first; 0 when not given. */
  priority?: number;
}

/** Sends jobs, always inside the transaction of the rows they are about: both exist or neither does. */
@Injectable()
export class JobQueue {
  constructor(private readonly boss: PgBoss) {}

  async send<Name extends JobName>(
    tx: Transaction,
    name: Name,
    payload: JobPayload<Name>,
    { startAfterSeconds, priority }: SendJobOptions = {},
  ): Promise<void> {
    const { data, ...key } = toJob(name, payload);
    await this.boss.send(name, data, {
      db: inTransaction(tx),
      ...key,
      ...(startAfterSeconds !== undefined && { startAfter: startAfterSeconds }),
      ...(priority !== undefined && { priority }),
    });
  }

  /** Ranks a job that waits anew; one that runs already, or ran, stays as it is. */
  async rank<Name extends JobName>(
    tx: Transaction,
    name: Name,
    payload: JobPayload<Name>,
    options: SendJobOptions & { priority: number },
  ): Promise<void> {
    const { singletonKey } = toJob(name, payload);
    if (singletonKey === undefined) throw new Error(`A job ${name} has no key it could be found by`);
    const { startAfterSeconds, priority } = options;
    await this.boss.update(name, undefined, {
      db: inTransaction(tx),
      singletonKey,
      match: 'all',
      priority,
      ...(startAfterSeconds !== undefined && { startAfter: startAfterSeconds }),
    });
  }

  /** The same for many jobs of a name, in one statement. */
  async sendAll<Name extends JobName>(
    tx: Transaction,
    name: Name,
    jobs: readonly { payload: JobPayload<Name>; options?: SendJobOptions }[],
  ): Promise<void> {
    if (jobs.length === 0) return;
    const inserts = jobs.map(({ payload, options: { startAfterSeconds, priority } = {} }) => ({
      ...toJob(name, payload),
      ...(startAfterSeconds !== undefined && { startAfter: startAfterSeconds }),
      ...(priority !== undefined && { priority }),
    }));
    await this.boss.insert(name, inserts, { db: inTransaction(tx) });
  }
}

function toJob<Name extends JobName>(name: Name, payload: JobPayload<Name>) {
  const data = jobCatalogue[name].payload.parse(payload) as JobPayload<Name>;
  const singletonKey = jobKind(name).key?.(data);
  return { data: data as object, ...(singletonKey !== undefined && { singletonKey }) };
}

/** pg-boss speaks through our transaction's connection. */
function inTransaction(tx: Transaction): NonNullable<ConnectionOptions['db']> {
  // Its statements are long, and few: each is planned once a connection.
  return {
    executeSql: async (text, values = []) => ({
      rows: await queryPreparedIn<object>(tx, `job ${hash('sha1', text)}`, text, values),
    }),
  };
}

/** Of former releases; what waits in them is found again by its rows. */
const formerQueues = ['study-arrived'];

// Never started in this time means nobody handles it: an operator's matter, not a reason to drop it.
const retentionSeconds = 10 * 365 * 24 * 3600;

/** Makes every queue of the catalogue, or brings its settings up to date. Every process does: each may send any job. */
export async function prepareQueues(boss: PgBoss): Promise<void> {
  // Dead letters first: a queue may name only one that exists.
  const ordered = [...jobNames].sort(
    (a, b) => Number(jobKind(a).deadLetter !== undefined) - Number(jobKind(b).deadLetter !== undefined),
  );
  for (const name of ordered) {
    const kind = jobKind(name);
    const options = {
      retryLimit: kind.retryLimit,
      retryDelay: kind.retryDelaySeconds,
      retryBackoff: true,
      expireInSeconds: kind.expireInSeconds,
      heartbeatSeconds: kind.heartbeatSeconds,
      retentionSeconds,
      notify: true,
      ...(kind.deadLetter !== undefined && { deadLetter: kind.deadLetter }),
    };
    const existing = await boss.getQueue(name);
    if (existing === null)
      await boss.createQueue(name, { ...options, policy: kind.key === undefined ? 'standard' : 'short' });
    else await boss.updateQueue(name, options);
  }
  for (const name of formerQueues) {
    if ((await boss.getQueue(name)) !== null) await boss.deleteQueue(name);
  }
}
