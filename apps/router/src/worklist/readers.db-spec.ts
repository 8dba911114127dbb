import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#libs/config';
import { query, transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import {
  chestCt,
  clearJobs,
  insertModel,
  insertResult,
  insertStudy,
  waitingJobs,
} from '../../../../test/support/router/insert-study.js';
import { FoldFiguresJob } from '../metrics/fold-figures.job.js';
import { readFigures } from '../metrics/read-figures.js';
import { RouteStudy } from '../routing/route-study.js';
import { SeedRules } from '../routing/seed-rules.js';
import { Webhooks } from '../webhooks/webhooks.js';
import { ChangePriority } from './change-priority.js';
import { EscalateReadingsJob } from './escalate-readings.job.js';
import { findWorklist } from './find-worklist.js';
import { prioritiseStudy } from './prioritise-study.js';
import { ReadStudy } from './read-study.js';
import { ResultReadyJob } from './result-ready.job.js';
import { ReviewFinding } from './review-finding.js';
import { ServiceLevels } from './service-levels.js';
import { readTimeline } from './study-timeline.js';

const signal = new AbortController().signal;

let db: TestDatabase;
let jobs: JobQueue;
let router: RouteStudy;
let resultReady: ResultReadyJob;
let readStudy: ReadStudy;
let priority: ChangePriority;
let reviews: ReviewFinding;
let levels: ServiceLevels;
let escalate: EscalateReadingsJob;
let webhooks: Webhooks;
beforeAll(async () => {
  db = await createTestDatabase();
  jobs = await db.jobs();
  router = new RouteStudy(db.dataSource, jobs, loadConfig('suite', {}));
  resultReady = new ResultReadyJob(db.dataSource, jobs);
  readStudy = new ReadStudy(db.dataSource);
  priority = new ChangePriority(db.dataSource, jobs);
  reviews = new ReviewFinding(db.dataSource, jobs);
  levels = new ServiceLevels(db.dataSource, jobs);
  escalate = new EscalateReadingsJob(db.dataSource, jobs);
  webhooks = new Webhooks(db.dataSource, jobs);
  await new SeedRules(db.dataSource).onApplicationBootstrap();
  await insertModel(db.dataSource, 'radiology/lung-density');
});
afterAll(() => db.drop());
beforeEach(async () => {
  await query(db.dataSource, 'truncate study, escalation, study_event, figure_sample, figure_bucket, webhook cascade');
  await query(db.dataSource, `delete from service_level where specialty <> '*'`);
  await clearJobs(db.dataSource);
});

async function routed(): Promise<{ uid: string; workitemUid: string; task: string }> {
  const uid = await insertStudy(db.dataSource, { series: [chestCt] });
  await router.route(uid);
  const { workitemUid, ai } = await item(uid);
  return { uid, workitemUid, task: ai.results[0]!.workitemUid };
}

async function item(uid: string) {
  const { items } = await findWorklist(db.dataSource, { studyInstanceUid: [uid] }, { limit: 1 });
  return items[0]!;
}

async function report(task: string, result: Parameters<typeof insertResult>[2]): Promise<void> {
  await insertResult(db.dataSource, task, result);
  await resultReady.handle({ payload: { workitemUid: task }, attempt: 0, signal });
}

const minutes = (from: string, to: string | null) => (Date.parse(to!) - Date.parse(from)) / 60_000;

describe('a reader and the priority', () => {
  it('raises and lowers, also under the order, with the reason kept', async () => {
    const { uid, workitemUid } = await routed();
    await priority.change(workitemUid, 'Dr. A', 'HIGH', 'The ward called');
    expect(await item(uid)).toMatchObject({ priority: 'HIGH', priorityReason: 'Dr. A: The ward called' });
    await priority.change(workitemUid, 'Dr. B', 'LOW', 'A follow-up without change');
    const lowered = await item(uid);
    expect(lowered).toMatchObject({ priority: 'LOW', priorityReason: 'Dr. B: A follow-up without change' });
    expect(minutes(lowered.receivedAt, lowered.deadline)).toBe(4320);
    await priority.change(workitemUid, 'Dr. B', null, 'I was mistaken');
    expect(await item(uid)).toMatchObject({ priority: 'MEDIUM', priorityReason: 'The order names no priority.' });
    const kept = await query(
      db.dataSource,
      'select reader, from_priority, to_priority, reason from priority_change where workitem_uid = $1 order by change_key',
      [workitemUid],
    );
    expect(kept).toEqual([
      { reader: 'Dr. A', from_priority: 'MEDIUM', to_priority: 'HIGH', reason: 'The ward called' },
      { reader: 'Dr. B', from_priority: 'HIGH', to_priority: 'LOW', reason: 'A follow-up without change' },
      { reader: 'Dr. B', from_priority: 'LOW', to_priority: null, reason: 'I was mistaken' },
    ]);
  });

  it('takes along what waits for a model, and takes it back to no later', async () => {
    const { workitemUid, task } = await routed();
    const taskNow = async () => {
      const [row] = await query(
        db.dataSource,
        `select w.priority, w.priority_reason as reason, j.priority as rank, j.data
           from workitem w join jobs.job j on j.name = 'run-inference' and j.singleton_key = w.workitem_uid
          where w.workitem_uid = $1`,
        [task],
      );
      return row;
    };
    expect(await taskNow()).toMatchObject({ priority: 'MEDIUM', rank: 1 });
    await priority.change(workitemUid, 'Dr. A', 'HIGH', 'The ward called');
    const raised = {
      priority: 'HIGH',
      reason: 'As urgent as its study became.',
      rank: 2,
      data: { workitemUid: task },
    };
    expect(await taskNow()).toEqual(raised);
    await priority.change(workitemUid, 'Dr. B', 'LOW', 'A follow-up without change');
    expect(await taskNow()).toEqual(raised);
  });

  it('lets a later result raise what a reader lowered, and not one that the reader knew', async () => {
    const known = await routed();
    await report(known.task, { outcome: 'positive', priority: 'HIGH' });
    await priority.change(known.workitemUid, 'Dr. A', 'LOW', 'Known since years');
    await router.route(known.uid);
    expect((await item(known.uid)).priority).toBe('LOW');

    const later = await routed();
    await priority.change(later.workitemUid, 'Dr. A', 'LOW', 'Nothing urgent');
    await report(later.task, { outcome: 'positive', priority: 'HIGH' });
    expect((await item(later.uid)).priority).toBe('HIGH');
  });

  it('loses to nobody who prioritises at the same time', async () => {
    const studies = await Promise.all(Array.from({ length: 4 }, () => routed()));
    const prioritised = levels.apply({ signal });
    await Promise.all(
      studies.map(({ workitemUid }) => priority.change(workitemUid, 'Dr. A', 'HIGH', 'The ward called')),
    );
    await prioritised;
    // And surely: who waits for a reader's transaction sees what it said.
    const { uid, workitemUid } = studies[0]!;
    const [study] = await query<{ study_key: number }>(
      db.dataSource,
      'select study_key from study where study_instance_uid = $1',
      [uid],
    );
    const isWritten = Promise.withResolvers<void>();
    const mayCommit = Promise.withResolvers<void>();
    const reader = transaction(db.dataSource, async (tx) => {
      await query(tx, 'select 1 from workitem where workitem_uid = $1 for update', [workitemUid]);
      await query(
        tx,
        `insert into priority_change (workitem_uid, reader, from_priority, to_priority, reason)
         values ($1, 'Dr. B', 'HIGH', 'LOW', 'Known')`,
        [workitemUid],
      );
      isWritten.resolve();
      await mayCommit.promise;
    });
    await isWritten.promise;
    const other = transaction(db.dataSource, (tx) => prioritiseStudy(tx, study!.study_key));
    const isBlocked = async () =>
      (
        await query(
          db.dataSource,
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).length > 0;
    while (!(await isBlocked())) await new Promise((done) => setTimeout(done, 10));
    mayCommit.resolve();
    await Promise.all([reader, other]);
    expect((await item(uid)).priorityReason).toBe('Dr. B: Known');
    for (const one of studies.slice(1)) expect((await item(one.uid)).priority).toBe('HIGH');
  });

  it('changes nothing that is over', async () => {
    const { workitemUid } = await routed();
    await readStudy.claim(workitemUid, 'Dr. A');
    await readStudy.complete(workitemUid, 'Dr. A');
    await expect(priority.change(workitemUid, 'Dr. A', 'HIGH', 'Too late')).rejects.toMatchObject({
      code: 'reading-over',
    });
  });
});

describe('a reader and a result', () => {
  const said = { finding: null, comment: '' };

  it('disagrees: the result is overridden, raises the study no more, and a report is on its way', async () => {
    const { uid, workitemUid, task } = await routed();
    await report(task, { outcome: 'positive', priority: 'HIGH', summary: 'Emphysema index 12.4 %' });
    expect(await item(uid)).toMatchObject({ priority: 'HIGH', ai: { state: 'positive' } });
    await reviews.review(workitemUid, 'Dr. A', { ...said, result: task, verdict: 'disagree', comment: 'An artefact' });
    expect(await item(uid)).toMatchObject({
      priority: 'MEDIUM',
      ai: {
        state: 'overridden',
        summary: 'Dr. A disagrees: Emphysema index 12.4 %',
        results: [{ outcome: 'positive', reviews: [{ verdict: 'disagree', reader: 'Dr. A', comment: 'An artefact' }] }],
      },
    });
    expect(await waitingJobs(db.dataSource, 'store-review')).toHaveLength(1);
    // A mind may be changed.
    await reviews.review(workitemUid, 'Dr. A', { ...said, result: task, verdict: 'agree' });
    expect(await item(uid)).toMatchObject({ priority: 'HIGH', ai: { state: 'positive' } });
  });

  it('says the same twice, and it is one', async () => {
    const { uid, workitemUid, task } = await routed();
    await report(task, {});
    const review = { ...said, result: task, verdict: 'agree' as const };
    expect(await reviews.review(workitemUid, 'Dr. A', review)).toEqual(
      await reviews.review(workitemUid, 'Dr. A', review),
    );
    await reviews.review(workitemUid, 'Dr. B', review);
    expect((await item(uid)).ai.results[0]!.reviews.map(({ reader }) => reader)).toEqual(['Dr. A', 'Dr. B']);
  });

  it('disagrees with one finding: the result stands', async () => {
    const { uid, workitemUid, task } = await routed();
    await report(task, { outcome: 'positive', priority: 'HIGH' });
    const review = { ...said, result: task, verdict: 'disagree' as const, finding: 'Emphysema index' };
    await reviews.review(workitemUid, 'Dr. A', review);
    expect((await item(uid)).ai.state).toBe('positive');
    await expect(reviews.review(workitemUid, 'Dr. A', { ...review, finding: 'Something else' })).rejects.toMatchObject({
      code: 'no-finding',
      message: expect.stringContaining('Emphysema index') as unknown,
    });
  });

  it('can say nothing of a result that is not there, or of another study', async () => {
    const [one, other] = [await routed(), await routed()];
    await report(other.task, {});
    for (const task of [one.task, other.task, '1.2.3']) {
      await expect(
        reviews.review(one.workitemUid, 'Dr. A', { ...said, result: task, verdict: 'agree' }),
      ).rejects.toMatchObject({ code: 'no-result' });
    }
  });
});

describe('service levels', () => {
  it('give deadlines by specialty and priority, and the open readings follow them', async () => {
    const { uid } = await routed();
    const before = await item(uid);
    expect(minutes(before.receivedAt, before.deadline)).toBe(1440);
    const level = { specialty: 'radiology', priority: 'MEDIUM' as const, updatedBy: 'Admin' };
    await levels.set({ ...level, readWithinMinutes: 90, escalateBeforeMinutes: 30 });
    expect(await waitingJobs(db.dataSource, 'apply-service-levels')).toHaveLength(1);
    await levels.apply({ signal });
    const after = await item(uid);
    expect(minutes(after.receivedAt, after.deadline)).toBe(90);
    const another = await routed();
    expect(minutes((await item(another.uid)).receivedAt, (await item(another.uid)).deadline)).toBe(90);
    expect((await levels.list()).map(({ specialty, priority }) => `${specialty} ${priority}`)).toEqual([
      '* HIGH',
      '* MEDIUM',
      '* LOW',
      'radiology MEDIUM',
    ]);
    expect(await levels.remove('radiology', 'MEDIUM')).toBe(true);
    expect(await levels.remove('*', 'MEDIUM')).toBe(false);
    await levels.apply({ signal });
    expect((await item(uid)).deadline).toBe(before.deadline);
  });
});

describe('escalation', () => {
  const near = (workitemUid: string, seconds: number) =>
    query(db.dataSource, `update workitem set deadline = now() + $2 * interval '1 second' where workitem_uid = $1`, [
      workitemUid,
      seconds,
    ]);
  const told = () => query<{ event: string }>(db.dataSource, 'select * from webhook_delivery order by created_at');

  it('tells of a deadline that nears once, however many look and however often', async () => {
    await webhooks.create(
      { name: 'a', url: 'https://example.org', events: ['escalation'], specialties: null, isEnabled: true },
      null,
    );
    const [due, later] = [await routed(), await routed()];
    await near(due.workitemUid, 60);
    await near(later.workitemUid, 9_000);
    await Promise.all([escalate.handle({ signal }), escalate.handle({ signal }), escalate.handle({ signal })]);
    await escalate.handle({ signal });
    expect(await told()).toHaveLength(1);
    expect((await item(due.uid)).escalatedAt).not.toBeNull();
    expect((await item(later.uid)).escalatedAt).toBeNull();
    const timeline = await readTimeline(db.dataSource, due.uid);
    expect(timeline!.filter(({ kind }) => kind === 'escalated')).toHaveLength(1);
    // Another deadline is another matter.
    await near(due.workitemUid, 30);
    await escalate.handle({ signal });
    expect(await told()).toHaveLength(2);
  });

  it('tells nobody of what is read, and of what is claimed it does', async () => {
    await webhooks.create(
      { name: 'a', url: 'https://example.org', events: ['escalation'], specialties: null, isEnabled: true },
      null,
    );
    const [read, claimed] = [await routed(), await routed()];
    for (const { workitemUid } of [read, claimed]) {
      await readStudy.claim(workitemUid, 'Dr. A');
      await near(workitemUid, 60);
    }
    await readStudy.complete(read.workitemUid, 'Dr. A');
    await escalate.handle({ signal });
    const [delivery, ...others] = await query<{ body: string }>(db.dataSource, 'select body from webhook_delivery');
    expect(others).toEqual([]);
    expect(JSON.parse(delivery!.body)).toMatchObject({
      type: 'escalation',
      data: { studyInstanceUid: claimed.uid, reader: 'Dr. A', state: 'IN PROGRESS', priority: 'MEDIUM' },
    });
    expect(delivery!.body).not.toContain('Doe');
  });

  it('comes back in time for the next, rather than a minute late', async () => {
    const { workitemUid } = await routed();
    await near(workitemUid, 120 * 60 + 20);
    await clearJobs(db.dataSource);
    await escalate.handle({ signal });
    const [job] = await query<{ seconds: number }>(
      db.dataSource,
      `select extract(epoch from start_after - now())::float8 as seconds from jobs.job where name = 'escalate-readings'`,
    );
    expect(job!.seconds).toBeGreaterThan(5);
    expect(job!.seconds).toBeLessThan(25);
  });
});

describe('webhooks of results', () => {
  it('are told once of each result, and only those that asked for it', async () => {
    const settings = { url: 'https://example.org', isEnabled: true, specialties: null };
    await webhooks.create({ ...settings, name: 'wants', events: ['result'] }, null);
    await webhooks.create({ ...settings, name: 'other event', events: ['escalation'] }, null);
    await webhooks.create(
      { ...settings, name: 'other specialty', events: ['result'], specialties: ['cardiology'] },
      null,
    );
    await webhooks.create({ ...settings, name: 'off', events: ['result'], isEnabled: false }, null);
    const { uid, task } = await routed();
    await report(task, { outcome: 'positive', summary: 'Something' });
    await resultReady.handle({ payload: { workitemUid: task }, attempt: 1, signal });
    const rows = await query<{ name: string; body: string }>(
      db.dataSource,
      'select h.name, d.body from webhook_delivery d join webhook h using (webhook_id)',
    );
    expect(rows.map(({ name }) => name)).toEqual(['wants']);
    expect(JSON.parse(rows[0]!.body)).toMatchObject({
      type: 'result',
      data: {
        studyInstanceUid: uid,
        outcome: 'positive',
        aiState: 'positive',
        priority: 'HIGH',
        specialty: 'radiology',
      },
    });
    expect(await waitingJobs(db.dataSource, 'deliver-webhook')).toHaveLength(1);
  });
});

describe('the timeline', () => {
  it('tells what happened, in order, with times and who', async () => {
    const { uid, workitemUid, task } = await routed();
    await report(task, { outcome: 'positive', priority: 'HIGH', summary: 'Something' });
    await readStudy.claim(workitemUid, 'Dr. A');
    await readStudy.release(workitemUid, 'Dr. A');
    await readStudy.claim(workitemUid, 'Dr. B');
    await readStudy.complete(workitemUid, 'Dr. B');
    const timeline = (await readTimeline(db.dataSource, uid))!;
    const kinds = timeline.map(({ kind }) => kind);
    for (const kind of ['received', 'complete', 'routed', 'ai-ordered', 'ai-inferred', 'priority']) {
      expect(kinds).toContain(kind);
    }
    expect(timeline.slice(-4).map(({ kind, actor }) => [kind, actor])).toEqual([
      ['claimed', 'Dr. A'],
      ['released', 'Dr. A'],
      ['claimed', 'Dr. B'],
      ['read', 'Dr. B'],
    ]);
    expect(timeline.find(({ kind }) => kind === 'ai-inferred')!.text).toBe(
      'radiology/lung-density 1.0.0: positive. Something',
    );
    expect(timeline[0]).toMatchObject({ kind: 'received', at: (await item(uid)).receivedAt });
    expect(await readTimeline(db.dataSource, '1.2.3')).toBeUndefined();
  });
});

describe('the figures', () => {
  it('are how long studies waited, each counted once', async () => {
    const { workitemUid, task } = await routed();
    await routed();
    await report(task, { outcome: 'negative', priority: 'LOW' });
    await readStudy.claim(workitemUid, 'Dr. A');
    await readStudy.complete(workitemUid, 'Dr. A');
    // They arrived an hour ago.
    const [figure] = await readFigures(db.dataSource, 7);
    expect(figure).toMatchObject({
      specialty: 'radiology',
      priority: 'MEDIUM',
      arrived: 2,
      open: 1,
      overdue: 0,
      readInTime: 1,
      arrivalToResult: { samples: 1 },
      arrivalToRead: { samples: 1 },
    });
    for (const { medianSeconds } of [figure!.arrivalToResult, figure!.arrivalToRead]) {
      expect(medianSeconds).toBeGreaterThan(3599);
      expect(medianSeconds).toBeLessThan(3900);
    }
    const fold = new FoldFiguresJob(db.dataSource);
    await Promise.all([fold.handle({ signal }), fold.handle({ signal })]);
    const buckets = await query<{ figure: string; upper_seconds: number; samples: number }>(
      db.dataSource,
      'select figure, upper_seconds, samples from figure_bucket order by figure, upper_seconds',
    );
    const of = (name: string, upper: number) =>
      buckets.find(({ figure, upper_seconds: bound }) => figure === name && bound === upper)?.samples;
    expect([of('arrival-to-read', 1_800), of('arrival-to-read', 14_400)]).toEqual([0, 1]);
    expect([of('arrival-to-result', 1_800), of('arrival-to-result', Infinity)]).toEqual([0, 1]);
    expect(await query(db.dataSource, 'select 1 from figure_sample')).toEqual([]);
  });
});
