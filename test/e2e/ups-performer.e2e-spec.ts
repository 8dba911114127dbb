import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EmbeddedPostgres } from '#libs/database';
import { type DicomJson, jsonItems, jsonText, newUid } from '#libs/dicom';
import type { WorklistItem } from '../../apps/router/src/worklist/worklist-item.js';
import { makeInstance } from '../support/make-instance.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { newWorkitem, NotificationConnection, performedStep, UpsClient } from '../support/ups.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

/*
 * Somebody else's AI, which knows nothing of this suite but its addresses: it hears of tasks over WebSocket, claims one
 * over UPS-RS, reads the study over WADO-RS, stores its report over STOW-RS, and says that it is done.
 */
const comprehensiveSr = '1.2.840.10008.5.1.4.1.1.88.33';
const matchingWorkitems = '1.2.840.10008.5.1.4.34.5.1';

let data: Awaited<ReturnType<typeof makeDataDir>>;
let postgres: EmbeddedPostgres;
let archive: RunningProcess;
let router: RunningProcess;
let worker: RunningProcess | undefined;
let ups: UpsClient;
let tasks: NotificationConnection;

const startWorker = () =>
  startApp({
    app: 'inference',
    dataDir: data.dataDir,
    environment: { DATABASE_URL: postgres.url, ISOCENTER_DICOMWEB_URL: archive.dicomweb },
  });

beforeAll(async () => {
  data = await makeDataDir();
  postgres = await EmbeddedPostgres.start({ dataDir: data.dataDir });
  const environment = { DATABASE_URL: postgres.url };
  archive = await startApp({ app: 'dicomweb', dataDir: data.dataDir, environment });
  router = await startApp({ app: 'router', dataDir: data.dataDir, environment });
  // A worker of the suite offers its models and goes: tasks for them are made, and nobody here performs them.
  await (await startWorker()).stop();
  ups = new UpsClient(router.dicomweb);
  tasks = await NotificationConnection.open(`${router.dicomweb.replace('http', 'ws')}/subscribers/ACME-AI`);
  const filter = 'filter=ScheduledWorkitemCodeSequence.CodeValue=110004';
  await ups.request('POST', `/workitems/${matchingWorkitems}/subscribers/ACME-AI?${filter}`);
});
afterAll(async () => {
  tasks?.close();
  await worker?.stop();
  await router?.stop();
  await archive?.stop();
  await postgres?.stop();
  await data?.remove();
});

async function sendChestCt(): Promise<string> {
  const studyInstanceUid = newUid();
  const attributes = { '00180015': { vr: 'CS', Value: ['CHEST'] } };
  await store(
    archive.dicomweb,
    [1, 2].map((instanceNumber) => makeInstance({ studyInstanceUid, modality: 'CT', instanceNumber, attributes })),
  );
  return studyInstanceUid;
}

/** The task on a study, heard of over WebSocket; what it is about is read over UPS-RS. */
async function taskOf(studyInstanceUid: string): Promise<{ uid: string; workitem: DicomJson }> {
  return waitFor(`the task on ${studyInstanceUid}`, async () => {
    for (const { workitemUid: uid } of tasks.heard.filter(({ state }) => state === 'SCHEDULED')) {
      const workitem = await ups.retrieve(uid);
      if (jsonText(workitem, '0020000D') === studyInstanceUid) return { uid, workitem };
    }
    return undefined;
  });
}

async function listed(studyInstanceUid: string, fits: (item: WorklistItem) => boolean): Promise<WorklistItem> {
  return waitFor(`${studyInstanceUid} on the worklist`, async () => {
    const response = await fetch(`${router.url}/api/worklist?limit=500`);
    const { items } = (await response.json()) as { items: WorklistItem[] };
    return items.find((item) => item.studyInstanceUid === studyInstanceUid && fits(item));
  });
}

const code = (value: string, scheme: string, meaning: string) => ({
  vr: 'SQ',
  Value: [
    {
      '00080100': { vr: 'SH', Value: [value] },
      '00080102': { vr: 'SH', Value: [scheme] },
      '00080104': { vr: 'LO', Value: [meaning] },
    },
  ],
});

/** A Measurement Report (PS3.16 TID 1500) with a number and, by CID 6047, what came of the CAD. */
function report(studyInstanceUid: string, seriesInstanceUid: string, sopInstanceUid: string): Buffer {
  const item = (type: string, concept: DicomJson[string], value: DicomJson): DicomJson => ({
    '0040A010': { vr: 'CS', Value: ['CONTAINS'] },
    '0040A040': { vr: 'CS', Value: [type] },
    '0040A043': concept,
    ...value,
  });
  const number = item('NUM', code('NOD', '99ACME', 'Largest nodule'), {
    '0040A300': {
      vr: 'SQ',
      Value: [{ '004008EA': code('mm', 'UCUM', 'mm'), '0040A30A': { vr: 'DS', Value: [14] } }],
    },
  });
  const summary = item('CODE', code('111017', 'DCM', 'CAD Processing and Findings Summary'), {
    '0040A168': code('111242', 'DCM', 'All algorithms succeeded; with findings'),
  });
  return makeInstance({
    modality: 'SR',
    sopClassUid: comprehensiveSr,
    studyInstanceUid,
    seriesInstanceUid,
    sopInstanceUid,
    attributes: {
      '0040A730': {
        vr: 'SQ',
        Value: [
          item('CONTAINER', code('126010', 'DCM', 'Imaging Measurements'), {
            '0040A730': { vr: 'SQ', Value: [number, summary] },
          }),
        ],
      },
    },
  });
}

describe('a performer from outside', () => {
  let studyInstanceUid: string;
  let uid: string;
  const transactionUid = newUid();

  it('hears of a task and claims it', async () => {
    studyInstanceUid = await sendChestCt();
    const task = await taskOf(studyInstanceUid);
    uid = task.uid;
    expect(jsonText(task.workitem, '00741204')).toBe('AI: radiology/lung-density');
    expect((await ups.changeState(uid, 'IN PROGRESS', transactionUid, '/ACME-AI')).status).toBe(200);
    const item = await listed(studyInstanceUid, ({ ai }) => ai.results[0]?.state === 'IN PROGRESS');
    expect(item.ai).toMatchObject({ state: 'pending', results: [{ performer: 'ACME-AI' }] });
  });

  it('reads the study, stores its report, and says what it did', async () => {
    const workitem = await ups.retrieve(uid);
    const [input] = jsonItems(workitem, '00404021');
    const [access] = jsonItems(input!, '0040E025');
    const url = new URL(jsonText(access!, '0040E010')!, archive.url).href;
    const metadata = (await (await fetch(`${url}/metadata`)).json()) as DicomJson[];
    expect(metadata).toHaveLength(2);
    for (const instance of metadata) {
      const sopInstanceUid = jsonText(instance, '00080018');
      const frames = await fetch(`${url}/instances/${sopInstanceUid}/frames/1`);
      expect(frames.status).toBe(200);
      expect((await frames.arrayBuffer()).byteLength).toBeGreaterThan(0);
    }
    const progress = { '00741002': { vr: 'SQ', Value: [{ '00741004': { vr: 'DS', Value: [60] } }] } };
    expect((await ups.update(uid, progress, `?transaction-uid=${transactionUid}`)).status).toBe(200);
    await tasks.waitFor('its progress', ({ workitemUid, type }) => workitemUid === uid && type === 3);

    const [seriesInstanceUid, sopInstanceUid] = [newUid(), newUid()];
    await store(archive.dicomweb, [report(studyInstanceUid, seriesInstanceUid, sopInstanceUid)]);
    const output: DicomJson = {
      '00081199': {
        vr: 'SQ',
        Value: [
          {
            '00081150': { vr: 'UI', Value: [comprehensiveSr] },
            '00081155': { vr: 'UI', Value: [sopInstanceUid] },
          },
        ],
      },
      '0020000D': { vr: 'UI', Value: [studyInstanceUid] },
      '0020000E': { vr: 'UI', Value: [seriesInstanceUid] },
      '0040E020': { vr: 'CS', Value: ['DICOM'] },
    };
    expect((await ups.update(uid, performedStep([output]), `?transaction-uid=${transactionUid}`)).status).toBe(200);
    expect((await ups.changeState(uid, 'COMPLETED', transactionUid)).status).toBe(200);

    const item = await listed(studyInstanceUid, ({ ai, priority }) => ai.state === 'positive' && priority === 'HIGH');
    expect(item.priorityReason).toContain('Analysed by ACME-AI: Largest nodule 14 mm.');
    expect(item.ai.results).toMatchObject([
      {
        workitemUid: uid,
        state: 'COMPLETED',
        performer: 'ACME-AI',
        outcome: 'positive',
        findings: [{ name: 'Largest nodule', value: 14, unit: 'mm', flag: null }],
        report: { seriesInstanceUid, sopInstanceUid },
      },
    ]);
    expect(tasks.states(uid)).toEqual(['SCHEDULED', 'IN PROGRESS', 'COMPLETED']);
  });

  it('without a report has done its task, and nothing is made up about the study', async () => {
    const study = await sendChestCt();
    const task = await taskOf(study);
    const own = newUid();
    await ups.changeState(task.uid, 'IN PROGRESS', own, '/ACME-AI');
    await ups.update(task.uid, performedStep(), `?transaction-uid=${own}`);
    expect((await ups.changeState(task.uid, 'COMPLETED', own)).status).toBe(200);
    const item = await listed(study, ({ ai }) => ai.results[0]?.state === 'COMPLETED');
    expect(item).toMatchObject({
      priority: 'MEDIUM',
      ai: { state: 'inconclusive', results: [{ performer: 'ACME-AI', outcome: null, report: null }] },
    });
  });

  it('keeps what it has claimed when a worker of the suite comes, which performs the rest', async () => {
    const [held, free] = [await sendChestCt(), await sendChestCt()];
    const [heldTask, freeTask] = [await taskOf(held), await taskOf(free)];
    const own = newUid();
    await ups.changeState(heldTask.uid, 'IN PROGRESS', own, '/ACME-AI');
    worker = await startWorker();
    const done = await listed(free, ({ ai }) => ai.results[0]?.state === 'COMPLETED');
    expect(done.ai.results[0]?.performer).toContain('isocenter-inference@');
    expect(tasks.states(freeTask.uid)).toEqual(['SCHEDULED', 'IN PROGRESS', 'COMPLETED']);
    expect(tasks.states(heldTask.uid)).toEqual(['SCHEDULED', 'IN PROGRESS']);
    await ups.update(heldTask.uid, performedStep(), `?transaction-uid=${own}`);
    expect((await ups.changeState(heldTask.uid, 'COMPLETED', own)).status).toBe(200);
    const item = await listed(held, ({ ai }) => ai.results[0]?.state === 'COMPLETED');
    expect(item.ai.results[0]?.performer).toBe('ACME-AI');
  });

  it('performs steps that others order, for studies and without', async () => {
    const response = await ups.create(
      newWorkitem({ '0020000D': { vr: 'UI', Value: [studyInstanceUid] }, '00404018': code('110004', 'DCM', 'CAD') }),
    );
    const ordered = response.headers.get('location')!.split('/').at(-1)!;
    await tasks.waitFor('the order', ({ workitemUid }) => workitemUid === ordered);
    expect(await ups.search(`StudyInstanceUID=${studyInstanceUid}&ProcedureStepLabel=Segment*`)).toHaveLength(1);
  });
});
