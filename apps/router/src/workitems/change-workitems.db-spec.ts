import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#libs/config';
import { query } from '#libs/database';
import { type DicomJson, newUid } from '#libs/dicom';
import type { JobQueue } from '#libs/jobs';
import { HttpProblem } from '#libs/server';
import { createLogger } from '#libs/telemetry';
import { claimWorkitem, getWorkitem, releaseSilentWorkitem } from '#libs/workitems';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import {
  chestCt,
  clearJobs,
  insertModel,
  insertStudy,
  waitingJobs,
} from '../../../../test/support/router/insert-study.js';
import { newWorkitem, performedStep } from '../../../../test/support/ups.js';
import { RouteStudy } from '../routing/route-study.js';
import { SeedRules } from '../routing/seed-rules.js';
import { ChangeWorkitems } from './change-workitems.js';
import { ReconcileWorkitemsJob } from './reconcile-workitems.job.js';

const service = 'http://localhost/dicom-web';
const config = loadConfig('suite', { ISOCENTER_PERFORMER_SILENT_SECONDS: '600' });

let db: TestDatabase;
let jobs: JobQueue;
let router: RouteStudy;
let ups: ChangeWorkitems;
let reconciler: ReconcileWorkitemsJob;
beforeAll(async () => {
  db = await createTestDatabase();
  jobs = await db.jobs();
  router = new RouteStudy(db.dataSource, jobs, config);
  ups = new ChangeWorkitems(db.dataSource, jobs, config);
  reconciler = new ReconcileWorkitemsJob(db.dataSource, jobs, config, createLogger('test', 'silent'));
  await new SeedRules(db.dataSource).onApplicationBootstrap();
  await insertModel(db.dataSource, 'radiology/lung-density');
});
afterAll(() => db.drop());
beforeEach(() => clearJobs(db.dataSource));

async function aiTask(): Promise<{ uid: string; studyInstanceUid: string }> {
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

const change = (uid: string, state: string, transactionUid: string, requester = 'ACME') =>
  ups.changeState(
    service,
    uid,
    { '00741000': { vr: 'CS', Value: [state] }, '00081195': { vr: 'UI', Value: [transactionUid] } },
    requester,
    undefined,
  );

const age = (uid: string, seconds: number) =>
  query(
    db.dataSource,
    `update workitem set claimed_at = claimed_at - $2 * interval '1 second',
            heartbeat_at = heartbeat_at - $2 * interval '1 second' where workitem_uid = $1`,
    [uid, seconds],
  );

const reconcile = () => reconciler.reconcile(new AbortController().signal, 'open');

describe('claims', () => {
  it('go to one of many performers, of the suite and from outside alike', async () => {
    const { uid } = await aiTask();
    const claims = Array.from({ length: 12 }, (_, index) => async () => {
      const performer = `P${index}`;
      if (index % 2 === 0) return change(uid, 'IN PROGRESS', newUid(), performer).then(() => performer);
      const claim = { transactionUid: newUid(), performer };
      const won = await db.dataSource.transaction((tx) => claimWorkitem(tx, uid, claim));
      if (won === undefined) throw new Error('lost');
      return performer;
    });
    const results = await Promise.allSettled(claims.map((claim) => claim()));
    const winners = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
    expect(winners).toHaveLength(1);
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({ state: 'IN PROGRESS', performer: winners[0] });
  });

  it('end once, whoever says so how often at once', async () => {
    const { uid } = await aiTask();
    const transactionUid = newUid();
    await change(uid, 'IN PROGRESS', transactionUid);
    await ups.update(service, uid, performedStep(), transactionUid);
    const ends = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => change(uid, 'COMPLETED', transactionUid)),
      ...Array.from({ length: 4 }, () => change(uid, 'CANCELED', transactionUid)),
    ]);
    const { state } = (await getWorkitem(db.dataSource, uid))!;
    expect(['COMPLETED', 'CANCELED']).toContain(state);
    // Of each kind four asked: those who asked for what it became succeeded, one of them without a warning.
    const done = ends.filter((end) => end.status === 'fulfilled').map(({ value }) => value.warning);
    expect(done.filter((warning) => warning === undefined)).toHaveLength(1);
    expect(done.filter((warning) => warning?.includes(`requested state of ${state}`))).toHaveLength(3);
    expect(await waitingJobs(db.dataSource, 'result-ready')).toHaveLength(state === 'COMPLETED' ? 1 : 0);
  });
});

describe('a performer from outside that falls silent', () => {
  it('has the time it was given, counted from its last word, and then loses the task for good', async () => {
    const { uid } = await aiTask();
    const transactionUid = newUid();
    await change(uid, 'IN PROGRESS', transactionUid);
    // Longer than a worker of ours may be silent.
    await age(uid, 500);
    expect(await reconcile()).toMatchObject({ released: 0 });
    expect(await db.dataSource.transaction((tx) => releaseSilentWorkitem(tx, uid, 15))).toBeUndefined();
    await ups.update(service, uid, { '00400400': { vr: 'LT', Value: ['Still here'] } }, transactionUid);
    await age(uid, 500);
    expect(await reconcile()).toMatchObject({ released: 0 });
    await age(uid, 200);
    expect(await reconcile()).toMatchObject({ released: 1 });
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({ state: 'SCHEDULED', performer: null, attempts: 1 });
    expect(await waitingJobs(db.dataSource, 'run-inference')).toEqual([{ workitemUid: uid }]);

    // Its late word is refused, before and after somebody else has claimed the task.
    const late = async () => {
      for (const attempt of [
        ups.update(service, uid, performedStep(), transactionUid),
        change(uid, 'COMPLETED', transactionUid),
      ]) {
        const error = await attempt.catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(HttpProblem);
        expect((error as HttpProblem).getStatus()).toBe(409);
      }
    };
    await late();
    await change(uid, 'IN PROGRESS', newUid(), 'OTHER');
    await late();
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({ state: 'IN PROGRESS', performer: 'OTHER' });
  });

  it('keeps a reading task, however long it reads', async () => {
    const { studyInstanceUid } = await aiTask();
    const [reading] = await query<{ workitem_uid: string }>(
      db.dataSource,
      `select workitem_uid from workitem join study using (study_key) where kind = 'reading' and study_instance_uid = $1`,
      [studyInstanceUid],
    );
    await change(reading!.workitem_uid, 'IN PROGRESS', newUid());
    await age(reading!.workitem_uid, 86_400);
    expect(await reconcile()).toMatchObject({ released: 0 });
  });
});

describe('requestCancellation', () => {
  it('takes a task from a worker of the suite', async () => {
    const { uid } = await aiTask();
    const claim = { transactionUid: newUid(), performer: 'worker-1' };
    await db.dataSource.transaction((tx) => claimWorkitem(tx, uid, claim));
    await ups.requestCancellation(service, uid, { '00741238': { vr: 'LT', Value: ['Wrong patient'] } }, 'WARD');
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({
      state: 'CANCELED',
      discontinuationReason: 'Wrong patient',
    });
  });
});

describe('create', () => {
  it('makes one workitem of a UID, however many try at once', async () => {
    const uid = newUid();
    const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => ups.create(service, newWorkitem(), uid)));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('belongs to the study it speaks of, if there is one', async () => {
    const { studyInstanceUid } = await aiTask();
    const request: DicomJson = { '0020000D': { vr: 'UI', Value: [studyInstanceUid] } };
    const { uid } = await ups.create(service, newWorkitem({ '0040A370': { vr: 'SQ', Value: [request] } }), undefined);
    expect(await getWorkitem(db.dataSource, uid)).toMatchObject({ kind: 'other', studyInstanceUid });
  });
});
