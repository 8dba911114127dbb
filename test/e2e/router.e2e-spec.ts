import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EmbeddedPostgres } from '#libs/database';
import type { StudyExplanation } from '../../apps/router/src/admin/explain-study.js';
import type { WorklistItem } from '../../apps/router/src/worklist/worklist-item.js';
import { makeInstance, testUid } from '../support/make-instance.js';
import { freePort, makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

/*
 * The archive and the router as two processes on one database, and no inference worker anywhere: whatever happens to AI,
 * each study is stored, served and listed.
 */
let data: Awaited<ReturnType<typeof makeDataDir>>;
let postgres: EmbeddedPostgres;
let archive: RunningProcess;
let router: RunningProcess;
let routerPort: number;

const startRouter = () =>
  startApp({ app: 'router', dataDir: data.dataDir, port: routerPort, environment: { DATABASE_URL: postgres.url } });

beforeAll(async () => {
  data = await makeDataDir();
  postgres = await EmbeddedPostgres.start({ dataDir: data.dataDir });
  archive = await startApp({ app: 'dicomweb', dataDir: data.dataDir, environment: { DATABASE_URL: postgres.url } });
  routerPort = await freePort();
  router = await startRouter();
});
afterAll(async () => {
  await router?.stop();
  await archive?.stop();
  await postgres?.stop();
  await data?.remove();
});

const chestCt = (study: string, instanceNumber: number) =>
  makeInstance({
    studyInstanceUid: testUid(study),
    modality: 'CT',
    instanceNumber,
    patientName: 'Routed^Patient',
    attributes: { '00180015': { vr: 'CS', Value: ['CHEST'] } },
  });

async function listed(study: string, fits: (item: WorklistItem) => boolean): Promise<WorklistItem> {
  return waitFor(`${study} on the worklist`, async () => {
    const response = await fetch(`${router.url}/api/worklist?limit=500`);
    const { items } = (await response.json()) as { items: WorklistItem[] };
    return items.find((item) => item.studyInstanceUid === testUid(study) && fits(item));
  });
}

async function explain(study: string): Promise<StudyExplanation> {
  const response = await fetch(`${router.url}/api/studies/${testUid(study)}`);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as StudyExplanation;
}

describe('the router without any inference', () => {
  it('lists a study from its first instance on, and routes it when it is quiet', async () => {
    await store(archive.dicomweb, [chestCt('first', 1), chestCt('first', 2)]);
    const item = await listed('first', ({ ai }) => ai.summary === 'No worker offers radiology/lung-density.');
    expect(item).toMatchObject({
      patientName: 'Routed^Patient',
      specialty: 'radiology',
      priority: 'MEDIUM',
      state: 'SCHEDULED',
      numberOfInstances: 2,
      ai: { state: 'not-analysed', results: [] },
    });
    const { routing } = await explain('first');
    expect(routing).toMatchObject({
      state: 'complete',
      completeness: { isComplete: true, evidence: [{ kind: 'quiet-period', isMet: true }] },
      models: [{ model: 'radiology/lung-density', status: 'not-registered' }],
    });
    expect(routing.rules.filter(({ matched }) => matched).map(({ name }) => name)).toEqual(['Chest CT: lung density']);
    // And it is served as any other.
    expect((await fetch(`${archive.dicomweb}/studies/${testUid('first')}/metadata`)).status).toBe(200);
  });

  it('gives its reading task out over UPS-RS, and to one reader', async () => {
    const { workitemUid } = await listed('first', () => true);
    const claim = (reader: string) =>
      fetch(`${router.url}/api/worklist/${workitemUid}/claim`, { method: 'POST', headers: { 'x-reader': reader } });
    const answers = await Promise.all(['A', 'B', 'C'].map(claim));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const response = await fetch(`${router.dicomweb}/workitems/${workitemUid}`);
    expect(response.headers.get('content-type')).toMatch(/^application\/dicom\+json/);
    expect(await response.json()).toMatchObject({
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Routed^Patient' }] },
      '00741000': { vr: 'CS', Value: ['IN PROGRESS'] },
      '00404018': { Value: [{ '00080100': { Value: ['110005'] } }] },
    });
  });

  it('lists what was stored while it was dead, and forgets nothing', async () => {
    await router.kill();
    await store(archive.dicomweb, [chestCt('while dead', 1)]);
    router = await startRouter();
    expect(await listed('while dead', () => true)).toMatchObject({ state: 'SCHEDULED' });
    expect(await listed('first', () => true)).toMatchObject({ state: 'IN PROGRESS' });
  });
});
