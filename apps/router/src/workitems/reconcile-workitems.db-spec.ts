import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#libs/config';
import { query } from '#libs/database';
import { newUid } from '#libs/dicom';
import type { JobQueue } from '#libs/jobs';
import { createLogger } from '#libs/telemetry';
import { claimWorkitem, completeWorkitem, getWorkitem } from '#libs/workitems';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import {
  chestCt,
  clearJobs,
  insertModel,
  insertStudy,
  waitingArrivals,
  waitingJobs,
} from '../../../../test/support/router/insert-study.js';
import { RouteStudy } from '../routing/route-study.js';
import { SeedRules } from '../routing/seed-rules.js';
import { attemptsMax, ReconcileWorkitemsJob } from './reconcile-workitems.job.js';

const config = loadConfig('suite', {});
const signal = new AbortController().signal;

let db: TestDatabase;
let jobs: JobQueue;
let router: RouteStudy;
let reconciler: ReconcileWorkitemsJob;
beforeAll(async () => {
  db = await createTestDatabase();
  jobs = await db.jobs();
  router = new RouteStudy(db.dataSource, jobs, config);
  reconciler = new ReconcileWorkitemsJob(db.dataSource, jobs, config, createLogger('test', 'silent'));
  await new SeedRules(db.dataSource).onApplicationBootstrap();
});
afterAll(() => db.drop());
beforeEach(async () => {
  await query(db.dataSource, 'truncate study cascade');
  await query(db.dataSource, 'truncate model cascade');
  await insertModel(db.dataSource, 'radiology/lung-density');
  await clearJobs(db.dataSource);
});

const reconcile = (studies: 'all' | 'open' = 'all') => reconciler.reconcile(signal, studies);
const nothing = { resent: 0, released: 0, canceled: 0, studiesSent: 0 };

/** A routed study whose jobs were all lost. @returns its AI task */
async function lostTask(): Promise<{ uid: string; studyInstanceUid: string }> {
  const studyInstanceUid = await insertStudy(db.dataSource, { series: [chestCt] });
  await router.route(studyInstanceUid);
  await clearJobs(db.dataSource);
  const [row] = await query<{ workitem_uid: string }>(
    db.dataSource,
    `select workitem_uid from workitem join study using (study_key) where kind = 'ai' and study_instance_uid = $1`,
    [studyInstanceUid],
  );
  return { uid: row!.workitem_uid, studyInstanceUid };
}

const age = (uid: string, seconds: number) =>
  query(
    db.dataSource,
    `update workitem set updated_at = now() - $2 * interval '1 second', claimed_at = claimed_at - $2 * interval '1 second',
            heartbeat_at = heartbeat_at - $2 * interval '1 second' where workitem_uid = $1`,
    [uid, seconds],
  );

async function claimed(uid: string): Promise<string> {
  const transactionUid = newUid();
  await db.dataSource.transaction((tx) => claimWorkitem(tx, uid, { transactionUid, performer: 'worker-1' }));
  return transactionUid;
}

describe('an AI task nobody took', () => {
  it('is sent again after a minute, not before', async () => {
    const { uid } = await lostTask();
    await age(uid, 55);
    expect(await reconcile()).toEqual(nothing);
    await age(uid, 65);
    expect(await reconcile()).toEqual({ ...nothing, resent: 1 });
    expect(await waitingJobs(db.dataSource, 'run-inference')).toEqual([{ workitemUid: uid }]);
  });

  it('is not sent twice while its job waits', async () => {
    const { uid } = await lostTask();
    await age(uid, 65);
    await reconcile();
    await reconcile();
    expect(await waitingJobs(db.dataSource, 'run-inference')).toHaveLength(1);
  });

  it('is found among more than one batch of them', async () => {
    const { studyInstanceUid } = await lostTask();
    await query(
      db.dataSource,
      `insert into workitem (workitem_uid, kind, study_key, model_id, model_version, model_sha256, input_digest, dataset)
       select '2.25.' || n, 'ai', study_key, 'radiology/other', '1', n::text, 'd', '{}'
         from study, generate_series(1, 449) n where study_instance_uid = $1`,
      [studyInstanceUid],
    );
    await query(db.dataSource, `update workitem set updated_at = now() - interval '2 minutes'`);
    expect((await reconcile()).resent).toBe(450);
    expect(await waitingJobs(db.dataSource, 'run-inference')).toHaveLength(450);
  });
});

describe('an AI task whose worker fell silent', () => {
  it('goes to another worker, and the silent one is fenced off', async () => {
    const { uid } = await lostTask();
    const transactionUid = await claimed(uid);
    await age(uid, 55);
    expect(await reconcile()).toEqual(nothing);
    await age(uid, 10);
    expect(await reconcile()).toEqual({ ...nothing, released: 1 });
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({ state: 'SCHEDULED', attempts: 1, performer: null });
    expect(await waitingJobs(db.dataSource, 'run-inference')).toEqual([{ workitemUid: uid }]);
    expect(await db.dataSource.transaction((tx) => completeWorkitem(tx, uid, transactionUid, []))).toBe(false);
  });

  it('is released once by many reconcilers at once', async () => {
    const { uid } = await lostTask();
    await claimed(uid);
    await age(uid, 65);
    const done = await Promise.all(Array.from({ length: 5 }, () => reconcile()));
    expect(done.reduce((sum, { released }) => sum + released, 0)).toBe(1);
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({ attempts: 1 });
  });

  it('is given up after its attempts, and listed as failed', async () => {
    const { uid } = await lostTask();
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      await claimed(uid);
      await age(uid, 65);
      expect(await reconcile()).toMatchObject(attempt < attemptsMax ? { released: 1 } : { canceled: 1 });
      await clearJobs(db.dataSource);
    }
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({
      state: 'CANCELED',
      discontinuationReason: `Given up after ${attemptsMax} attempts without a result.`,
    });
    expect(await reconcile()).toEqual(nothing);
  });

  it('is given up when others used up its attempts', async () => {
    const { uid } = await lostTask();
    await query(
      db.dataSource,
      `update workitem set attempts = $2, discontinuation_reason = 'Out of memory' where workitem_uid = $1`,
      [uid, attemptsMax],
    );
    await age(uid, 65);
    expect(await reconcile()).toEqual({ ...nothing, canceled: 1 });
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({
      state: 'CANCELED',
      discontinuationReason: `Given up after ${attemptsMax} attempts without a result; one said: Out of memory`,
    });
    expect(await waitingJobs(db.dataSource, 'run-inference')).toEqual([]);
  });

  it('leaves the tasks of readers alone, however long they take', async () => {
    const { studyInstanceUid } = await lostTask();
    const [reading] = await query<{ workitem_uid: string }>(
      db.dataSource,
      `select workitem_uid from workitem join study using (study_key) where kind = 'reading' and study_instance_uid = $1`,
      [studyInstanceUid],
    );
    await claimed(reading!.workitem_uid);
    await age(reading!.workitem_uid, 86_400);
    expect(await reconcile()).toEqual(nothing);
  });
});

describe('a study whose routing stopped half-way', () => {
  it('is sent again when routing never saw it', async () => {
    const uid = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 120 }] });
    expect(await reconcile('open')).toEqual({ ...nothing, studiesSent: 1 });
    expect(await waitingArrivals(db.dataSource)).toEqual([uid]);
  });

  it('is left to its own job in its first minute', async () => {
    await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 30 }] });
    expect(await reconcile()).toEqual(nothing);
  });

  it('is found without a routing row too, at start', async () => {
    for (const days of [1, 30]) {
      await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: days * 86_400 }] });
    }
    await query(db.dataSource, 'delete from study_routing');
    expect(await reconcile('open')).toEqual(nothing);
    expect(await reconcile('all')).toEqual({ ...nothing, studiesSent: 2 });
  });

  it('is sent again when it was left receiving', async () => {
    const uid = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 0 }] });
    expect(await router.route(uid)).toBe('waiting');
    await clearJobs(db.dataSource);
    expect(await reconcile()).toEqual(nothing);
    await query(db.dataSource, `update study_routing set updated_at = now() - interval '2 minutes'`);
    expect(await reconcile()).toEqual({ ...nothing, studiesSent: 1 });
  });

  it('is sent again when instances arrived after routing and their job was lost', async () => {
    const { studyInstanceUid } = await lostTask();
    await query(db.dataSource, `update study_routing set updated_at = now() - interval '1 hour'`);
    await insertStudy(db.dataSource, { studyInstanceUid, series: [{ ...chestCt, secondsAgo: 120 }] });
    expect(await reconcile('open')).toMatchObject({ studiesSent: 1 });
  });

  it('is left alone once all is done', async () => {
    await lostTask();
    expect(await reconcile()).toEqual(nothing);
  });
});

describe('a study that waits for a model', () => {
  beforeEach(() => query(db.dataSource, 'truncate model cascade'));

  it('is sent again once the model is registered, and then no more', async () => {
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    expect(await router.route(uid)).toBe('waiting-for-models');
    expect(await reconcile()).toEqual(nothing);
    await insertModel(db.dataSource, 'radiology/other');
    await insertModel(db.dataSource, 'radiology/lung-density', '0.9.0', false);
    expect(await reconcile()).toEqual(nothing);
    await insertModel(db.dataSource, 'radiology/lung-density', '1.0.0', true);
    expect(await reconcile()).toEqual({ ...nothing, studiesSent: 1 });
    expect(await router.route(uid)).toBe('routed');
    await clearJobs(db.dataSource);
    expect(await reconcile()).toEqual(nothing);
  });
});

describe('at start', () => {
  it('sends itself', async () => {
    await reconciler.onApplicationBootstrap();
    expect(await waitingJobs(db.dataSource, 'reconcile-workitems')).toEqual([{}]);
  });

  it('stops between batches when the process does', async () => {
    const stopping = new AbortController();
    stopping.abort(new Error('stopping'));
    await expect(reconciler.reconcile(stopping.signal, 'all')).rejects.toThrow('stopping');
  });
});
