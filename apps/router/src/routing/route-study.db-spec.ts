import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#libs/config';
import { query, transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import { claimWorkitem, getWorkitem, toUpsDataset } from '#libs/workitems';
import { newUid } from '#libs/dicom';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import {
  chestCt,
  clearJobs,
  insertModel,
  insertResult,
  insertStudy,
  waitingArrivals,
  waitingJobs,
} from '../../../../test/support/router/insert-study.js';
import { sopClass } from '../../../../test/support/router/make-facts.js';
import { explainStudy } from '../admin/explain-study.js';
import { RouteStudy } from './route-study.js';
import { lockRouting } from './routing-repository.js';
import { SeedRules } from './seed-rules.js';

const config = loadConfig('suite', { ISOCENTER_QUIET_PERIOD_SECONDS: '60' });

let db: TestDatabase;
let jobs: JobQueue;
let router: RouteStudy;
beforeAll(async () => {
  db = await createTestDatabase();
  jobs = await db.jobs();
  router = new RouteStudy(db.dataSource, jobs, config);
});
afterAll(() => db.drop());
beforeEach(async () => {
  await query(db.dataSource, 'truncate routing_rule, model, setting cascade');
  await clearJobs(db.dataSource);
  await new SeedRules(db.dataSource).onApplicationBootstrap();
});

interface Task {
  workitem_uid: string;
  kind: string;
  state: string;
  model_id: string | null;
  input_digest: string | null;
  priority: string;
}

const tasks = (uid: string, kind: 'ai' | 'reading') =>
  query<Task>(
    db.dataSource,
    `select w.* from workitem w join study using (study_key)
      where study_instance_uid = $1 and kind = $2 order by workitem_key`,
    [uid, kind],
  );
const explain = async (uid: string) => {
  const explanation = await explainStudy(db.dataSource, uid);
  if (explanation === undefined) throw new Error(`study ${uid} is not listed`);
  return explanation;
};

describe('a study that arrives', () => {
  it('is on the worklist at once, long before it is complete', async () => {
    const uid = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 1 }] });
    expect(await router.route(uid)).toBe('waiting');
    expect(await tasks(uid, 'reading')).toMatchObject([{ state: 'SCHEDULED', priority: 'MEDIUM' }]);
    expect(await tasks(uid, 'ai')).toEqual([]);
    const { item, routing } = await explain(uid);
    expect(item).toMatchObject({
      specialty: 'radiology',
      ai: { state: 'not-analysed', summary: 'The study is still arriving.' },
    });
    expect(routing).toMatchObject({ state: 'receiving', completeness: { isComplete: false }, rules: [] });
  });

  it('has the networks opened that it will be given to, once for many such studies', async () => {
    const fresh = new RouteStudy(db.dataSource, jobs, config);
    await insertModel(db.dataSource, 'radiology/lung-density');
    for (let count = 0; count < 2; count++)
      await fresh.route(await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 1 }] }));
    expect(await waitingJobs(db.dataSource, 'warm-up-model')).toEqual([
      expect.objectContaining({ modelId: 'radiology/lung-density' }),
    ]);
  });

  it('is looked at again after the quiet period', async () => {
    const uid = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 15 }] });
    await router.route(uid);
    expect(await waitingArrivals(db.dataSource)).toEqual([uid]);
    const [arrival] = await query<{ seconds: number }>(
      db.dataSource,
      `select extract(epoch from look_at - now())::float8 as seconds from study_arrival`,
    );
    expect(arrival?.seconds).toBeGreaterThan(30);
    expect(arrival?.seconds).toBeLessThanOrEqual(46);
  });

  it('is unknown when it is not there', async () => {
    expect(await router.route('1.2.3.4.5')).toBe('unknown-study');
    expect(await waitingArrivals(db.dataSource)).toEqual([]);
  });

  it('keeps its place on the worklist whatever is wrong with the rules', async () => {
    await query(db.dataSource, `insert into setting (name, value) values ('routing-match', '"nonsense"')`);
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await expect(router.route(uid)).rejects.toThrow('routing-match');
    expect(await tasks(uid, 'reading')).toHaveLength(1);
    expect((await explain(uid)).item).toMatchObject({ specialty: 'radiology', ai: { state: 'not-analysed' } });
  });

  it('goes on at once when its sender says that it is complete', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 0 }] });
    expect(await router.route(uid, { isComplete: true })).toBe('routed');
    expect((await explain(uid)).routing.completeness).toMatchObject({
      isComplete: true,
      evidence: [{ kind: 'explicit-notice' }],
    });
  });
});

describe('a complete study', () => {
  it('goes to the model its rule names, with everything a performer needs', async () => {
    const sha256 = await insertModel(db.dataSource, 'radiology/lung-density', '1.2.0');
    const uid = await insertStudy(db.dataSource, {
      series: [
        { ...chestCt, instances: 3 },
        { modality: 'SR', sopClassUid: sopClass.comprehensiveSr, instances: 1 },
      ],
    });
    expect(await router.route(uid)).toBe('routed');

    const [task] = await tasks(uid, 'ai');
    expect(await waitingJobs(db.dataSource, 'run-inference')).toEqual([{ workitemUid: task!.workitem_uid }]);
    const workitem = await getWorkitem(db.dataSource, task!.workitem_uid);
    expect(workitem).toMatchObject({
      kind: 'ai',
      studyInstanceUid: uid,
      modelId: 'radiology/lung-density',
      modelVersion: '1.2.0',
      modelSha256: sha256,
      inputDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      priority: 'MEDIUM',
      state: 'SCHEDULED',
    });
    const ups = JSON.parse(JSON.stringify(toUpsDataset(workitem!)));
    expect(ups).toMatchObject({
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] },
      '00100020': { Value: ['P1'] },
      '00404018': { Value: [{ '00080100': { Value: ['110004'] }, '00080102': { Value: ['DCM'] } }] },
      '00404041': { Value: ['READY'] },
      '00741202': { Value: ['radiology'] },
    });
    const parameters = ups['00741210'].Value.map(
      (item: Record<string, { Value: string[] }>) => item['0040A160']?.Value[0],
    );
    expect(parameters).toEqual(['radiology/lung-density', '1.2.0', sha256]);
    // Its input is the CT series, instance by instance, and not the report.
    expect(ups['00404021'].Value).toHaveLength(1);
    expect(ups['00404021'].Value[0]['00081199'].Value).toHaveLength(3);
    expect(ups['00404021'].Value[0]['0040E025'].Value[0]['0040E010'].Value[0]).toContain(
      `/dicom-web/studies/${uid}/series/`,
    );
    expect((await explain(uid)).item.ai.state).toBe('pending');
  });

  it.each([
    ['cardiology', 'ECG', sopClass.ecg12, 'cardiology/ecg-rhythm'],
    ['pathology', 'SM', sopClass.wholeSlide, 'pathology/he-cellularity'],
  ])('of %s goes to its department and model', async (specialty, modality, sopClassUid, model) => {
    await insertModel(db.dataSource, model);
    const uid = await insertStudy(db.dataSource, { series: [{ modality, sopClassUid, instances: 1 }] });
    await router.route(uid);
    expect(await tasks(uid, 'ai')).toMatchObject([{ model_id: model }]);
    const { item } = await explain(uid);
    expect(item.specialty).toBe(specialty);
    const reading = await getWorkitem(db.dataSource, item.workitemUid);
    expect(reading?.dataset['00741202']).toEqual({ vr: 'LO', Value: [specialty] });
  });

  it('is decided once, however often and by however many it is routed', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => router.route(uid)));
    outcomes.push(await router.route(uid));
    expect(outcomes.filter((outcome) => outcome === 'routed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'unchanged')).toHaveLength(6);
    expect(await tasks(uid, 'ai')).toHaveLength(1);
    expect(await tasks(uid, 'reading')).toHaveLength(1);
    expect(await waitingJobs(db.dataSource, 'run-inference')).toHaveLength(1);
  });

  it('is decided once by many who find it complete at once', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 0 }] });
    expect(await router.route(uid)).toBe('waiting');
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => router.route(uid, { isComplete: true })));
    expect(outcomes.filter((outcome) => outcome === 'routed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'unchanged')).toHaveLength(7);
  });

  it('is listed and looked at at once without the two waiting for each other', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    for (let round = 0; round < 10; round++) {
      const uid = await insertStudy(db.dataSource, { series: [chestCt] });
      const [{ study_key: key }] = (await query<{ study_key: number }>(
        db.dataSource,
        'select study_key from study where study_instance_uid = $1',
        [uid],
      )) as [{ study_key: number }];
      const look = () =>
        transaction(db.dataSource, async (tx) => {
          await lockRouting(tx, key);
          return router.look(tx, [key]);
        });
      await Promise.all([look(), router.route(uid, { isComplete: true }), look(), router.route(uid)]);
      expect(await tasks(uid, 'reading')).toHaveLength(1);
      expect(await tasks(uid, 'ai')).toHaveLength(1);
    }
  });

  it('writes nothing of a decision that is cut off', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    const failing = new RouteStudy(
      db.dataSource,
      { sendAll: async () => Promise.reject(new Error('cut off')) } as unknown as JobQueue,
      config,
    );
    await expect(failing.route(uid)).rejects.toThrow('cut off');
    expect(await tasks(uid, 'ai')).toEqual([]);
    expect((await explain(uid)).routing.state).toBe('receiving');
    expect(await router.route(uid)).toBe('routed');
    expect(await tasks(uid, 'ai')).toHaveLength(1);
  });

  it('explains every rule, also those that did not match', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await router.route(uid);
    const { routing } = await explain(uid);
    expect(routing.rules.map(({ name, matched }) => [name, matched])).toEqual([
      ['Chest CT: lung density', true],
      ['12-lead ECG: rhythm', false],
      ['Slide microscopy: cellularity', false],
      ['Slide microscopy, H&E: nuclei', false],
    ]);
    expect(routing.rules[0]?.reason).toContain('BodyPartExamined is "CHEST"');
    expect(routing.specialty).toEqual({ value: 'radiology', reason: 'It holds CT, and nothing says otherwise.' });
    expect(routing.completeness?.evidence).toMatchObject([{ kind: 'quiet-period', isMet: true }]);
    expect(routing.models).toMatchObject([{ model: 'radiology/lung-density', status: 'ordered', version: '1.0.0' }]);
    expect(routing.workitems.map(({ kind }) => kind).sort()).toEqual(['ai', 'reading']);
    expect(JSON.stringify(routing.workitems)).not.toContain('transaction');
  });

  it("takes its tasks' priority from the order and from its rules", async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, {
      series: [{ modality: 'CT', attributes: { BodyPartExamined: 'CHEST', RequestedProcedurePriority: 'STAT' } }],
    });
    await router.route(uid);
    expect(await tasks(uid, 'ai')).toMatchObject([{ priority: 'HIGH' }]);
    expect(await tasks(uid, 'reading')).toMatchObject([{ priority: 'HIGH' }]);
    const [job] = await query<{ priority: number }>(
      db.dataSource,
      `select priority from jobs.job where name = 'run-inference'`,
    );
    expect(job?.priority).toBe(2);
  });

  it('is raised by a rule, with its deadline', async () => {
    await query(
      db.dataSource,
      `update routing_rule set definition = jsonb_set(jsonb_set(definition, '{gives,priority}', '"HIGH"'), '{gives,deadlineMinutes}', '15')
        where name like 'Chest%'`,
    );
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await router.route(uid);
    const { item } = await explain(uid);
    expect(item).toMatchObject({ priority: 'HIGH', priorityReason: 'The rule "Chest CT: lung density" gives HIGH.' });
    expect(Date.parse(item.deadline!) - Date.parse(item.receivedAt)).toBe(15 * 60_000);
  });
});

describe('what is made of a study', () => {
  it('is not routed: reports that arrive change nothing and order nothing', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await router.route(uid);
    for (const [modality, sopClassUid] of [
      ['SR', sopClass.comprehensive3dSr],
      ['SEG', sopClass.segmentation],
      ['PR', sopClass.presentationState],
      ['KO', sopClass.keyObjects],
      ['DOC', sopClass.pdf],
    ] as const) {
      const series = { modality, sopClassUid, instances: 1, secondsAgo: 0, attributes: { BodyPartExamined: 'CHEST' } };
      await insertStudy(db.dataSource, { studyInstanceUid: uid, series: [series] });
      expect((await explain(uid)).routing.state).toBe('receiving');
      expect(await router.route(uid)).toBe('unchanged');
      expect((await explain(uid)).routing.state).toBe('routed');
    }
    expect(await tasks(uid, 'ai')).toHaveLength(1);
  });

  it('is read when it comes alone, and goes to no model', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, {
      series: [{ modality: 'SR', sopClassUid: sopClass.comprehensiveSr, attributes: { BodyPartExamined: 'CHEST' } }],
    });
    expect(await router.route(uid)).toBe('routed');
    expect(await tasks(uid, 'reading')).toHaveLength(1);
    expect(await tasks(uid, 'ai')).toEqual([]);
  });
});

describe('late instances', () => {
  const late = (uid: string, secondsAgo: number) =>
    insertStudy(db.dataSource, { studyInstanceUid: uid, series: [{ ...chestCt, secondsAgo }] });

  it('open the study again, and a task that has not begun is replaced', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await router.route(uid);
    await late(uid, 1);
    expect(await router.route(uid)).toBe('waiting');
    // Nothing is taken back while the rest is awaited.
    expect(await tasks(uid, 'ai')).toMatchObject([{ state: 'SCHEDULED' }]);
    await late(uid, 100);
    expect(await router.route(uid, { isComplete: true })).toBe('routed');
    const [first, second] = await tasks(uid, 'ai');
    expect([first?.state, second?.state]).toEqual(['CANCELED', 'SCHEDULED']);
    expect(first?.input_digest).not.toBe(second?.input_digest);
    expect((await explain(uid)).item.ai).toMatchObject({ state: 'pending', results: [{ state: 'SCHEDULED' }] });
    expect(await tasks(uid, 'reading')).toHaveLength(1);
  });

  it('leave alone what runs and what is done, and a finding stays a finding', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await router.route(uid);
    const [first] = await tasks(uid, 'ai');
    await db.dataSource.transaction((tx) =>
      claimWorkitem(tx, first!.workitem_uid, { transactionUid: newUid(), performer: 'w' }),
    );
    await late(uid, 100);
    await router.route(uid);
    expect((await tasks(uid, 'ai')).map(({ state }) => state)).toEqual(['IN PROGRESS', 'SCHEDULED']);
    await insertResult(db.dataSource, first!.workitem_uid, { outcome: 'positive' });
    expect((await explain(uid)).item.ai.state).toBe('positive');
  });
});

describe('without inference', () => {
  it('a study no rule knows is listed as not analysed', async () => {
    const uid = await insertStudy(db.dataSource, { series: [{ modality: 'MR', sopClassUid: sopClass.mr }] });
    expect(await router.route(uid)).toBe('routed');
    expect((await explain(uid)).item).toMatchObject({
      state: 'SCHEDULED',
      ai: { state: 'not-analysed', summary: 'No rule asks a model to look at it.', results: [] },
    });
  });

  it('a study whose model nobody offers is listed as not analysed, and says which', async () => {
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    expect(await router.route(uid)).toBe('waiting-for-models');
    const { item, routing } = await explain(uid);
    expect(item.ai).toMatchObject({ state: 'not-analysed', summary: 'No worker offers radiology/lung-density.' });
    expect(routing).toMatchObject({ state: 'complete', models: [{ status: 'not-registered', workitemUid: null }] });
    expect(await waitingJobs(db.dataSource, 'run-inference')).toEqual([]);
  });

  it('its model is ordered once somebody offers it', async () => {
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await router.route(uid);
    expect(await router.route(uid)).toBe('waiting-for-models');
    await insertModel(db.dataSource, 'radiology/lung-density');
    expect(await router.route(uid)).toBe('routed');
    expect(await tasks(uid, 'ai')).toHaveLength(1);
    expect((await explain(uid)).item.ai.state).toBe('pending');
  });

  it('a study whose task was given up is listed as failed, never as negative', async () => {
    await insertModel(db.dataSource, 'radiology/lung-density');
    const uid = await insertStudy(db.dataSource, { series: [chestCt] });
    await router.route(uid);
    const [task] = await tasks(uid, 'ai');
    await query(
      db.dataSource,
      `update workitem set state = 'CANCELED', discontinuation_reason = 'The worker crashed five times.' where workitem_uid = $1`,
      [task!.workitem_uid],
    );
    expect((await explain(uid)).item.ai).toMatchObject({
      state: 'failed',
      summary: 'The worker crashed five times.',
      results: [{ error: 'The worker crashed five times.', outcome: null }],
    });
  });
});

describe('SeedRules', () => {
  it('gives rules once, to a new installation only', async () => {
    const count = async () =>
      (await query<{ n: number }>(db.dataSource, 'select count(*)::integer as n from routing_rule'))[0]?.n;
    await query(db.dataSource, 'truncate routing_rule');
    const seeds = Array.from({ length: 4 }, () => new SeedRules(db.dataSource).onApplicationBootstrap());
    await Promise.all(seeds);
    expect(await count()).toBe(4);
    await query(db.dataSource, `delete from routing_rule where name not like 'Chest%'`);
    await new SeedRules(db.dataSource).onApplicationBootstrap();
    expect(await count()).toBe(1);
  });
});
