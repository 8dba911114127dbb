import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query, transaction } from '#libs/database';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import type { JobQueue } from './index.js';

describe('JobQueue', () => {
  let db: TestDatabase;
  let jobs: JobQueue;
  beforeAll(async () => {
    db = await createTestDatabase();
    jobs = await db.jobs();
  });
  afterAll(() => db.drop());

  const waiting = (name: string) =>
    query<{ data: unknown }>(
      db.dataSource,
      `select data from jobs.job where name = $1 and state = 'created' order by created_on`,
      [name],
    );

  it('sends a job with the rows it is about, and not without them', async () => {
    await expect(
      transaction(db.dataSource, async (tx) => {
        await jobs.send(tx, 'run-inference', { workitemUid: '1.2.3' });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await waiting('run-inference')).toEqual([]);
    await transaction(db.dataSource, (tx) => jobs.send(tx, 'run-inference', { workitemUid: '1.2.3' }));
    expect(await waiting('run-inference')).toEqual([{ data: { workitemUid: '1.2.3' } }]);
  });

  it('keeps one waiting job for equal keys', async () => {
    for (const uid of ['1.1', '1.1', '1.2']) {
      await transaction(db.dataSource, (tx) => jobs.send(tx, 'run-inference', { workitemUid: uid }));
    }
    expect((await waiting('run-inference')).filter(({ data }) => /1\.[12]"/.test(JSON.stringify(data)))).toHaveLength(
      2,
    );
  });

  it('refuses a payload that is not the job’s', async () => {
    const send = transaction(db.dataSource, (tx) => jobs.send(tx, 'run-inference', { workitemUid: '../etc' }));
    await expect(send).rejects.toThrow();
  });
});
