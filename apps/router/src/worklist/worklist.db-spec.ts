import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#libs/config';
import { query, transaction } from '#libs/database';
import { cancelWorkitem, createWorkitem, getWorkitem, heartbeatWorkitem } from '#libs/workitems';
import { newUid } from '#libs/dicom';
import type { JobQueue } from '#libs/jobs';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { chestCt, insertModel, insertResult, insertStudy } from '../../../../test/support/router/insert-study.js';
import { sopClass } from '../../../../test/support/router/make-facts.js';
import { RouteStudy } from '../routing/route-study.js';
import { SeedRules } from '../routing/seed-rules.js';
import { countWorklist, findWorklist, type WorklistFilter, type WorklistPlace } from './find-worklist.js';
import { prioritiseStudy } from './prioritise-study.js';
import { ReadStudy } from './read-study.js';
import { ResultReadyJob } from './result-ready.job.js';

const signal = new AbortController().signal;

let db: TestDatabase;
let router: RouteStudy;
let resultReady: ResultReadyJob;
let readStudy: ReadStudy;
let jobs: JobQueue;
beforeAll(async () => {
  db = await createTestDatabase();
  jobs = await db.jobs();
  router = new RouteStudy(db.dataSource, jobs, loadConfig('suite', {}));
  resultReady = new ResultReadyJob(db.dataSource, jobs);
  readStudy = new ReadStudy(db.dataSource);
  await new SeedRules(db.dataSource).onApplicationBootstrap();
  await insertModel(db.dataSource, 'radiology/lung-density');
  await insertModel(db.dataSource, 'cardiology/ecg-rhythm');
});
afterAll(() => db.drop());
beforeEach(async () => {
  await query(db.dataSource, 'truncate study cascade');
});

const find = (filter: WorklistFilter = {}, limit = 100, after?: WorklistPlace) =>
  findWorklist(db.dataSource, filter, { limit, after });
const order = async (filter: WorklistFilter = {}) =>
  (await find(filter)).items.map(({ studyInstanceUid }) => studyInstanceUid);
const item = async (uid: string) => (await find({ studyInstanceUid: [uid] })).items[0]!;

async function routed(description: Parameters<typeof insertStudy>[1] = { series: [chestCt] }): Promise<string> {
  const uid = await insertStudy(db.dataSource, description);
  await router.route(uid);
  return uid;
}

async function aiTask(uid: string): Promise<string> {
  const [row] = await query<{ workitem_uid: string }>(
    db.dataSource,
    `select workitem_uid from workitem join study using (study_key) where study_instance_uid = $1 and kind = 'ai'
      order by workitem_key desc limit 1`,
    [uid],
  );
  return row!.workitem_uid;
}

async function report(uid: string, result: Parameters<typeof insertResult>[2]): Promise<void> {
  const workitemUid = await aiTask(uid);
  await insertResult(db.dataSource, workitemUid, result);
  await resultReady.handle({ payload: { workitemUid }, attempt: 0, signal });
}

const setPriority = (uid: string, priority: string, deadline: string | null) =>
  query(
    db.dataSource,
    `update workitem w set priority = $2, deadline = $3 from study s
      where s.study_key = w.study_key and w.kind = 'reading' and s.study_instance_uid = $1`,
    [uid, priority, deadline],
  );

describe('result-ready', () => {
  it('raises the study, says why and when it is due', async () => {
    const uid = await routed();
    await report(uid, { outcome: 'positive', priority: 'HIGH', summary: 'Emphysema index 12.4 %' });
    const raised = await item(uid);
    expect(raised).toMatchObject({
      priority: 'HIGH',
      priorityReason: 'radiology/lung-density 1.0.0: Emphysema index 12.4 %',
      ai: {
        state: 'positive',
        summary: 'Emphysema index 12.4 %',
        results: [
          {
            model: 'radiology/lung-density',
            version: '1.0.0',
            state: 'COMPLETED',
            outcome: 'positive',
            error: null,
            findings: [{ name: 'Emphysema index', value: 12.4, unit: '%', flag: 'abnormal' }],
            report: { seriesInstanceUid: '1.2.3.4', sopInstanceUid: '1.2.3.4.5' },
          },
        ],
      },
    });
    expect(Date.parse(raised.deadline!) - Date.parse(raised.receivedAt)).toBe(3_600_000);
  });

  it.each([
    ['negative', 'LOW'],
    ['inconclusive', 'LOW'],
  ])('a %s result neither lowers nor hides the study', async (outcome, priority) => {
    const uid = await routed();
    const before = await item(uid);
    await report(uid, { outcome, priority, summary: 'Nothing' });
    expect(await item(uid)).toMatchObject({
      priority: 'MEDIUM',
      priorityReason: before.priorityReason,
      deadline: before.deadline,
      ai: { state: outcome },
    });
    expect(await order()).toEqual([uid]);
  });

  it('changes nothing when it runs twice', async () => {
    const uid = await routed();
    await report(uid, { priority: 'HIGH' });
    const once = await item(uid);
    await resultReady.handle({ payload: { workitemUid: await aiTask(uid) }, attempt: 1, signal });
    expect(await item(uid)).toEqual(once);
  });

  it('ends with the most urgent when two results arrive at once', async () => {
    const uid = await routed({
      series: [{ ...chestCt, attributes: { BodyPartExamined: 'CHEST', RequestedProcedurePriority: 'LOW' } }],
    });
    const [study] = await query<{ study_key: number }>(
      db.dataSource,
      'select study_key from study where study_instance_uid = $1',
      [uid],
    );
    const studyKey = study!.study_key;
    const urgent = await aiTask(uid);
    const other = newUid();
    await transaction(db.dataSource, (tx) =>
      createWorkitem(tx, {
        uid: other,
        kind: 'ai',
        studyKey,
        priority: 'LOW',
        priorityReason: '',
        deadline: null,
        modelId: 'radiology/other',
        modelVersion: '1.0.0',
        modelSha256: 'e'.repeat(64),
        inputDigest: 'f'.repeat(64),
        dataset: {},
      }),
    );

    const isWritten = Promise.withResolvers<void>();
    const mayCommit = Promise.withResolvers<void>();
    const first = transaction(db.dataSource, async (tx) => {
      await insertResult(tx, urgent, { priority: 'HIGH', summary: 'Urgent' });
      await prioritiseStudy(tx, studyKey);
      isWritten.resolve();
      await mayCommit.promise;
    });
    await isWritten.promise;
    const second = transaction(db.dataSource, async (tx) => {
      await insertResult(tx, other, { priority: 'MEDIUM', outcome: 'negative', summary: 'Nothing' });
      await prioritiseStudy(tx, studyKey);
    });
    const isBlocked = async () => {
      const rows = await query(
        db.dataSource,
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    };
    while (!(await isBlocked())) await new Promise((done) => setTimeout(done, 10));
    mayCommit.resolve();
    await Promise.all([first, second]);
    expect(await item(uid)).toMatchObject({ priority: 'HIGH', ai: { state: 'positive', summary: 'Urgent' } });
  });

  it('leaves a finished reading as it is, and shows the result', async () => {
    const uid = await routed();
    const { workitemUid } = await item(uid);
    await readStudy.claim(workitemUid, 'Dr. Early');
    await readStudy.complete(workitemUid, 'Dr. Early');
    await report(uid, { priority: 'HIGH' });
    expect(await item(uid)).toMatchObject({ priority: 'MEDIUM', state: 'COMPLETED', ai: { state: 'positive' } });
  });

  it('fails, to be seen, for a workitem that is not there', async () => {
    await expect(resultReady.handle({ payload: { workitemUid: '1.2.3' }, attempt: 0, signal })).rejects.toThrow(
      '1.2.3',
    );
  });
});

describe('findWorklist', () => {
  it('orders by priority, then deadline, then arrival; without a deadline last', async () => {
    const uids = [];
    for (let index = 0; index < 6; index++) uids.push(await routed({ series: [{ ...chestCt, instances: 1 }] }));
    const [a, b, c, d, e, f] = uids as [string, string, string, string, string, string];
    await setPriority(a, 'LOW', '2026-01-01T00:00:00Z');
    await setPriority(b, 'MEDIUM', null);
    await setPriority(c, 'MEDIUM', '2026-01-02T00:00:00Z');
    await setPriority(d, 'HIGH', '2026-01-03T00:00:00Z');
    await setPriority(e, 'HIGH', '2026-01-02T00:00:00Z');
    await setPriority(f, 'MEDIUM', '2026-01-02T00:00:00Z');
    expect(await order()).toEqual([e, d, c, f, b, a]);
  });

  it('gives pages that neither repeat nor skip, also while studies come and go', async () => {
    const open: WorklistFilter = { state: ['SCHEDULED', 'IN PROGRESS'] };
    for (let index = 0; index < 5; index++) await routed({ series: [{ ...chestCt, instances: 1 }] });
    const whole = await order(open);
    const uids = (items: { studyInstanceUid: string }[]) => items.map(({ studyInstanceUid }) => studyInstanceUid);
    const first = await find(open, 2);
    const second = await find(open, 2, first.next!);
    // Read meanwhile: what is behind it keeps its place.
    await readStudy.claim(first.items[0]!.workitemUid, 'Dr. A');
    await readStudy.complete(first.items[0]!.workitemUid, 'Dr. A');
    const third = await find(open, 2, second.next!);
    expect([...uids(first.items), ...uids(second.items), ...uids(third.items)]).toEqual(whole);
    expect(third.next).toBeNull();
    expect(await countWorklist(db.dataSource, { state: ['SCHEDULED', 'IN PROGRESS'] })).toEqual({
      total: 4,
      isTotalExact: true,
    });
  });

  it('puts what is over behind what is open, the latest first', async () => {
    const uids = [await routed(), await routed(), await routed()] as const;
    for (const uid of [uids[0], uids[2]]) {
      await readStudy.claim((await item(uid)).workitemUid, 'Dr. A');
      await readStudy.complete((await item(uid)).workitemUid, 'Dr. A');
    }
    expect(await order()).toEqual([uids[1], uids[2], uids[0]]);
    expect(await order({ state: ['COMPLETED'] })).toEqual([uids[2], uids[0]]);
    const { next } = await find({}, 2);
    expect((await find({}, 2, next!)).items.map(({ studyInstanceUid }) => studyInstanceUid)).toEqual([uids[0]]);
  });

  it('is empty when nothing is there', async () => {
    expect(await find()).toEqual({ items: [], next: null });
    expect(await countWorklist(db.dataSource, {})).toEqual({ total: 0, isTotalExact: true });
  });

  it('filters by specialty, modality, state and what AI says', async () => {
    const ct = await routed();
    const ecg = await routed({ series: [{ modality: 'ECG', sopClassUid: sopClass.ecg12, instances: 1 }] });
    const mr = await routed({ series: [{ modality: 'MR', sopClassUid: sopClass.mr }] });
    await report(ct, { outcome: 'negative', priority: 'LOW' });
    expect(await order({ specialty: ['cardiology'] })).toEqual([ecg]);
    expect((await order({ modality: ['MR', 'CT'] })).sort()).toEqual([ct, mr].sort());
    expect(await order({ ai: ['negative'] })).toEqual([ct]);
    expect(await order({ ai: ['pending'] })).toEqual([ecg]);
    expect(await order({ ai: ['not-analysed'] })).toEqual([mr]);
    expect(await order({ ai: ['positive', 'failed'] })).toEqual([]);
    expect(await order({ ai: ['negative', 'pending'], modality: ['CT'] })).toEqual([ct]);
    expect(await order({ bodyPart: ['CHEST'] })).toEqual([ct]);
    expect(await order({ bodyPart: ['CHEST', 'KNEE'], specialty: ['cardiology'] })).toEqual([]);
    await readStudy.claim((await item(mr)).workitemUid, 'Dr. A');
    expect(await order({ state: ['IN PROGRESS'] })).toEqual([mr]);
    expect(await order({ state: ['COMPLETED'] })).toEqual([]);
    expect(await order({ performer: ['Dr. A'] })).toEqual([mr]);
    expect(await order({ performer: ['Dr. B'] })).toEqual([]);
  });

  it('gives a line as the contract has it', async () => {
    const uid = await routed({ patientId: 'ISOCENTER-SAMPLE-3', series: [{ ...chestCt, instances: 2 }] });
    const { ai, deadline, receivedAt, workitemUid, ...rest } = await item(uid);
    expect(workitemUid).toMatch(/^2\.25\.\d+$/);
    expect(Number.isNaN(Date.parse(receivedAt)) || Number.isNaN(Date.parse(deadline!))).toBe(false);
    expect(ai.state).toBe('pending');
    expect(rest).toEqual({
      studyInstanceUid: uid,
      patientName: 'Doe^Jane',
      patientId: 'ISOCENTER-SAMPLE-3',
      patientBirthDate: null,
      patientSex: null,
      studyDate: '20260131',
      studyTime: null,
      studyDescription: 'A study',
      accessionNumber: null,
      modalities: ['CT'],
      bodyParts: ['CHEST'],
      escalatedAt: null,
      finishedAt: null,
      specialty: 'radiology',
      numberOfSeries: 1,
      numberOfInstances: 2,
      priority: 'MEDIUM',
      priorityReason: 'The order names no priority.',
      state: 'SCHEDULED',
      performer: null,
      isSample: true,
      thumbnailUrl: `/dicom-web/studies/${uid}/thumbnail`,
    });
  });

  it('says pending while a newer run of a model is awaited, though an older one was negative', async () => {
    const uid = await routed();
    await report(uid, { outcome: 'negative', priority: 'LOW' });
    await insertStudy(db.dataSource, { studyInstanceUid: uid, series: [chestCt] });
    await router.route(uid);
    expect((await item(uid)).ai).toMatchObject({
      state: 'pending',
      results: [{ state: 'SCHEDULED' }, { outcome: 'negative' }],
    });
    await db.dataSource.transaction(async (tx) => cancelWorkitem(tx, await aiTask(uid), undefined, 'No.'));
    expect((await item(uid)).ai.state).toBe('failed');
  });

  it('does not say failed for a task that was replaced', async () => {
    const uid = await routed();
    await insertStudy(db.dataSource, {
      studyInstanceUid: uid,
      series: [{ modality: 'SM', sopClassUid: sopClass.wholeSlide, instances: 1 }],
    });
    await query(db.dataSource, `update routing_rule set is_enabled = false`);
    await router.route(uid);
    await query(db.dataSource, `update routing_rule set is_enabled = true`);
    expect((await item(uid)).ai).toMatchObject({ state: 'not-analysed', results: [] });
  });
});

describe('ReadStudy', () => {
  it('gives a study to one of many readers', async () => {
    const { workitemUid } = await item(await routed());
    const readers = Array.from({ length: 8 }, (_, index) => `Dr. ${index}`);
    const claims = await Promise.allSettled(readers.map((reader) => readStudy.claim(workitemUid, reader)));
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refusals = claims.flatMap((claim) => (claim.status === 'rejected' ? [claim.reason as { code: string }] : []));
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['reading-taken']));
  });

  it('lets a reader claim again what it has', async () => {
    const { workitemUid } = await item(await routed());
    await readStudy.claim(workitemUid, 'Dr. A');
    expect(await readStudy.claim(workitemUid, 'Dr. A')).toMatchObject({ state: 'IN PROGRESS', performer: 'Dr. A' });
  });

  it('takes back and finishes only what the reader has', async () => {
    const uid = await routed();
    const { workitemUid } = await item(uid);
    await expect(readStudy.release(workitemUid, 'Dr. A')).rejects.toMatchObject({ code: 'reading-not-yours' });
    await expect(readStudy.complete(workitemUid, 'Dr. A')).rejects.toMatchObject({ code: 'reading-not-yours' });
    await readStudy.claim(workitemUid, 'Dr. A');
    await expect(readStudy.release(workitemUid, 'Dr. B')).rejects.toMatchObject({ code: 'reading-taken' });
    await expect(readStudy.complete(workitemUid, 'Dr. B')).rejects.toMatchObject({ code: 'reading-taken' });
    expect(await readStudy.release(workitemUid, 'Dr. A')).toMatchObject({ state: 'SCHEDULED', performer: null });
    await readStudy.claim(workitemUid, 'Dr. B');
    expect(await readStudy.complete(workitemUid, 'Dr. B')).toMatchObject({ state: 'COMPLETED' });
    await expect(readStudy.claim(workitemUid, 'Dr. A')).rejects.toMatchObject({ code: 'reading-over' });
    expect(await item(uid)).toMatchObject({ state: 'COMPLETED', performer: 'Dr. B' });
  });

  it('touches no AI task', async () => {
    const task = await aiTask(await routed());
    await expect(readStudy.claim(task, 'Dr. A')).rejects.toMatchObject({ code: 'no-reading-task' });
    expect(await getWorkitem(db.dataSource, task)).toMatchObject({ state: 'SCHEDULED' });
    expect(await heartbeatWorkitem(db.dataSource, task, '1.2.3')).toBe(false);
  });
});
