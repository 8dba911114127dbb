import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#libs/config';
import type { JobQueue } from '#libs/jobs';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { clearJobs, insertModel, waitingArrivals, waitingJobs } from '../../../../test/support/router/insert-study.js';
import { openArchive, type TestArchive } from '../../../../test/support/router/open-archive.js';
import { explainStudy } from '../admin/explain-study.js';
import { RouteStudy } from './route-study.js';
import { SeedRules } from './seed-rules.js';

/** Routing over rows that the archive itself wrote from Part 10 bytes. */
let db: TestDatabase;
let jobs: JobQueue;
let archive: TestArchive;
let router: RouteStudy;
beforeAll(async () => {
  db = await createTestDatabase();
  jobs = await db.jobs();
  archive = await openArchive(db);
  const config = loadConfig('suite', { ISOCENTER_QUIET_PERIOD_SECONDS: '60' });
  router = new RouteStudy(db.dataSource, jobs, config);
  await new SeedRules(db.dataSource).onApplicationBootstrap();
  await insertModel(db.dataSource, 'radiology/lung-density');
});
afterAll(async () => {
  await db.drop();
  await archive.remove();
});

describe('a study the archive stored', () => {
  const studyInstanceUid = testUid('router: a chest CT');
  const chest = { '00180015': { vr: 'CS', Value: ['CHEST'] } };
  const slice = (instanceNumber: number) =>
    makeInstance({ studyInstanceUid, modality: 'CT', instanceNumber, patientName: 'Real^Row', attributes: chest });

  it('is announced, is listed while it arrives, and goes to its model when complete', async () => {
    await archive.store(slice(1), slice(2));
    expect(await waitingArrivals(db.dataSource)).toEqual([studyInstanceUid]);
    await clearJobs(db.dataSource);
    expect(await router.route(studyInstanceUid)).toBe('waiting');
    expect((await explainStudy(db.dataSource, studyInstanceUid))?.item).toMatchObject({
      patientName: 'Real^Row',
      modalities: ['CT'],
      specialty: 'radiology',
      numberOfInstances: 2,
      ai: { state: 'not-analysed' },
    });
    expect(await router.route(studyInstanceUid, { isComplete: true })).toBe('routed');
    const explained = await explainStudy(db.dataSource, studyInstanceUid);
    expect(explained?.item.ai.state).toBe('pending');
    expect(explained?.routing.rules[0]).toMatchObject({
      matched: true,
      reason: expect.stringContaining('BodyPartExamined is "CHEST"'),
    });
  });

  it('is not routed again for a report on it, nor for what it has already', async () => {
    await clearJobs(db.dataSource);
    await archive.store(makeInstance({ studyInstanceUid, modality: 'SR', attributes: chest }));
    await archive.store(slice(1));
    expect(await router.route(studyInstanceUid)).toBe('unchanged');
    expect(await waitingJobs(db.dataSource, 'run-inference')).toEqual([]);
    expect((await explainStudy(db.dataSource, studyInstanceUid))?.item).toMatchObject({ numberOfInstances: 3 });
  });

  it('is routed again for instances that come late', async () => {
    await archive.store(slice(3));
    expect(await router.route(studyInstanceUid)).toBe('waiting');
    expect(await router.route(studyInstanceUid, { isComplete: true })).toBe('routed');
    const { item, routing } = (await explainStudy(db.dataSource, studyInstanceUid))!;
    expect(routing.workitems.filter(({ kind }) => kind === 'ai').map(({ state }) => state)).toEqual([
      'CANCELED',
      'SCHEDULED',
    ]);
    expect(item.ai).toMatchObject({ state: 'pending', results: [{ state: 'SCHEDULED' }] });
  });
});
