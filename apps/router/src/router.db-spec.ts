import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query, transaction } from '#libs/database';
import { announceArrivals } from '#libs/jobs';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { chestCt, insertModel, insertResult, insertStudy } from '../../../test/support/router/insert-study.js';
import { type RunningRouter, startRouter } from '../../../test/support/router/start-router.js';
import type { StudyExplanation } from './admin/explain-study.js';
import type { RuleAnswer } from './admin/rules.controller.js';
import { seededRules } from './routing/seeded-rules.js';
import type { WorklistItem } from './worklist/worklist-item.js';
import { WorklistEvents } from './worklist/worklist-events.js';

/** The router as it runs, with its HTTP, its jobs and its events, over rows the archive would have written. */
let db: TestDatabase;
let router: RunningRouter;
let url: string;

const apiToken = 'a-token-of-at-least-thirty-two-characters';

beforeAll(async () => {
  db = await createTestDatabase();
  router = await startRouter(db, { ISOCENTER_QUIET_PERIOD_SECONDS: '1', ISOCENTER_API_TOKEN: apiToken });
  url = router.url;
  await insertModel(db.dataSource, 'radiology/lung-density');
}, 60_000);
afterAll(async () => {
  await router?.stop();
  await db.drop();
});

const authorization = `Bearer ${apiToken}`;
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(url + path, { headers: { authorization, ...headers } });
const post = (path: string, headers: Record<string, string> = {}, body?: unknown) =>
  fetch(url + path, {
    method: 'POST',
    headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
/** What these routes answer, as far as the tests look. */
interface Answer {
  items: WorklistItem[];
  total: number;
  item: WorklistItem;
  routing: StudyExplanation['routing'];
  match: string;
  rules: RuleAnswer[];
  detail: string;
}
const json = async (response: Response) => (await response.json()) as Answer;

interface Event {
  event: string;
  id: string;
  data: { studyInstanceUid: string; item: WorklistItem };
}

/** Opens the stream and reads it event by event. */
async function listen() {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/worklist/events`, { headers: { authorization }, signal: abort.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    close: () => abort.abort(),
    /** The next event that fits; what is not an event, and what does not fit, is passed over. */
    next: async (fits: (event: Event) => boolean): Promise<Event> => {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end < 0) {
          const { value, done } = await reader.read();
          if (done) throw new Error('the stream ended');
          text += value;
          continue;
        }
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const fields = Object.fromEntries(
          lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
        if (fields['event'] === undefined) continue;
        const event = { event: fields['event'], id: fields['id'] ?? '', data: JSON.parse(fields['data'] ?? '{}') };
        if (fits(event)) return event;
      }
    },
  };
}

async function arrive(uid: string): Promise<void> {
  await transaction(db.dataSource, (tx) => announceArrivals(tx, [uid]));
}

/** Stores a study, waits until its model was asked. */
async function routedStudy(): Promise<{ uid: string; item: WorklistItem }> {
  const uid = await insertStudy(db.dataSource, { series: [chestCt] });
  const response = await post(`/api/studies/${uid}/complete`);
  expect(response.status).toBe(202);
  expect(await response.json()).toEqual({ outcome: 'routed' });
  return { uid, item: (await json(await get(`/api/studies/${uid}`))).item };
}

describe('a study, from arrival to reading', () => {
  it('is told to open worklists at each step', async () => {
    const stream = await listen();
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const uid = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 0 }] });
    const ofStudy =
      (state: string) =>
      ({ event, data }: Event) =>
        event === 'worklist' && data.studyInstanceUid === uid && data.item.ai.state === state;
    await arrive(uid);

    const listed = await stream.next(ofStudy('not-analysed'));
    expect(listed.data.item).toMatchObject({ priority: 'MEDIUM', state: 'SCHEDULED', specialty: 'radiology' });
    // After the quiet period of a second its model is asked.
    const asked = await stream.next(ofStudy('pending'));
    expect(asked.id).not.toBe(listed.id);

    const { workitemUid } = asked.data.item.ai.results[0]!;
    await insertResult(db.dataSource, workitemUid, { priority: 'HIGH' });
    await transaction(db.dataSource, (tx) => router.jobs.send(tx, 'result-ready', { workitemUid }));
    const raised = await stream.next(ofStudy('positive'));
    expect(raised.data.item).toMatchObject({ priority: 'HIGH', ai: { results: [{ outcome: 'positive' }] } });

    const claim = await post(`/api/worklist/${raised.data.item.workitemUid}/claim`, { 'x-reader': 'Dr. A' });
    expect(claim.status).toBe(200);
    const claimed = await stream.next(({ data }) => data.item?.state === 'IN PROGRESS');
    expect(claimed.data.item.performer).toBe('Dr. A');
    stream.close();
  }, 60_000);

  it('is told again in full after the database was away', async () => {
    const stream = await listen();
    await query(
      db.dataSource,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'isocenter-listener' and datname = current_database()`,
    );
    await stream.next(({ event }) => event === 'reload');
    const { uid } = await routedStudy();
    expect((await stream.next(({ data }) => data.studyInstanceUid === uid)).event).toBe('worklist');
    stream.close();
  }, 60_000);

  it('forgets clients that went away', async () => {
    const events = router.app.get(WorklistEvents);
    const before = events.numberOfClients;
    const streams = await Promise.all([listen(), listen(), listen()]);
    expect(events.numberOfClients).toBeGreaterThanOrEqual(3);
    for (const stream of streams) stream.close();
    const deadline = Date.now() + 30_000;
    while (events.numberOfClients > before && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
    expect(events.numberOfClients).toBeLessThanOrEqual(before);
  }, 60_000);
});

describe('HEAD /api/worklist/events', () => {
  it('answers and keeps nobody', async () => {
    const before = router.app.get(WorklistEvents).numberOfClients;
    const response = await fetch(`${url}/api/worklist/events`, { method: 'HEAD', headers: { authorization } });
    expect(response.status).toBe(200);
    expect(router.app.get(WorklistEvents).numberOfClients).toBe(before);
  });
});

describe('GET /api/worklist', () => {
  it('lists, filters and pages', async () => {
    const { uid } = await routedStudy();
    const all = await json(await get('/api/worklist?limit=500'));
    expect(all.items.map((item) => item.studyInstanceUid)).toContain(uid);
    expect(all.total).toBe(all.items.length);
    expect((await json(await get('/api/worklist?specialty=pathology'))).items).toEqual([]);
    expect((await json(await get('/api/worklist?limit=1'))).items).toHaveLength(1);
  });

  it('says what is wrong with a query', async () => {
    const response = await get('/api/worklist?limit=100000');
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect((await json(response)).detail).toContain('"limit" is a whole number from 1 to 500');
  });
});

describe('POST /api/worklist/{workitem}/…', () => {
  it('claims, refuses a second reader with 409, releases and completes', async () => {
    const { item } = await routedStudy();
    const path = `/api/worklist/${item.workitemUid}`;
    expect(await json(await post(`${path}/claim`, {}, { reader: 'Dr. A' }))).toMatchObject({
      workitemUid: item.workitemUid,
      state: 'IN PROGRESS',
      performer: 'Dr. A',
    });
    const taken = await post(`${path}/claim`, { 'x-reader': 'Dr. B' });
    expect(taken.status).toBe(409);
    expect(await json(taken)).toMatchObject({ status: 409, code: 'reading-taken' });
    expect((await post(`${path}/release`, { 'x-reader': 'Dr. A' })).status).toBe(200);
    expect((await post(`${path}/claim`, { 'x-reader': 'Dr. B' })).status).toBe(200);
    expect(await json(await post(`${path}/complete`, { 'x-reader': 'Dr. B' }))).toMatchObject({ state: 'COMPLETED' });
    expect((await post(`${path}/claim`, { 'x-reader': 'Dr. A' })).status).toBe(409);
  });

  it.each([
    ['nobody', {}],
    ['a blank', { 'x-reader': ' ' }],
    ['a novel', { 'x-reader': 'x'.repeat(65) }],
    ['what PN gives a meaning to', { 'x-reader': 'A^B' }],
  ])('wants to know who reads: not %s', async (_, headers) => {
    const { item } = await routedStudy();
    expect((await post(`/api/worklist/${item.workitemUid}/claim`, headers)).status).toBe(400);
  });

  it('knows UIDs only', async () => {
    expect((await post('/api/worklist/..%2f..%2fetc/claim', { 'x-reader': 'A' })).status).toBe(400);
    expect((await post('/api/worklist/1.2.3/claim', { 'x-reader': 'A' })).status).toBe(404);
  });
});

describe('UPS-RS', () => {
  it('gives a workitem as DICOM JSON, without its Transaction UID', async () => {
    const { item } = await routedStudy();
    await post(`/api/worklist/${item.workitemUid}/claim`, { 'x-reader': 'Dr. A' });
    const [row] = await query<{ transaction_uid: string }>(
      db.dataSource,
      'select transaction_uid from workitem where workitem_uid = $1',
      [item.workitemUid],
    );
    const response = await get(`/dicom-web/workitems/${item.workitemUid}`, { accept: 'application/dicom+json' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/dicom\+json/);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      '00080018': { Value: [item.workitemUid] },
      '00741000': { Value: ['IN PROGRESS'] },
      '00404018': { Value: [{ '00080100': { Value: ['110005'] } }] },
    });
    expect(row?.transaction_uid).toBeTruthy();
    const described = await (await get(`/api/workitems/${item.workitemUid}`)).text();
    expect(text + described).not.toContain(row!.transaction_uid);
  });

  it('searches, leaving long inputs out unless asked', async () => {
    const { uid } = await routedStudy();
    const path = `/dicom-web/workitems?StudyInstanceUID=${uid}&00404018.00080100=110004`;
    const [found] = (await (await get(path)).json()) as Record<string, unknown>[];
    expect(found).not.toHaveProperty('00404021');
    const [whole] = (await (await get(`${path}&includefield=all`)).json()) as Record<string, unknown>[];
    expect(whole).toHaveProperty('00404021');
  });

  it('answers 204 when none fits, 400 to what it cannot search by, 404 to what is not there', async () => {
    expect((await get('/dicom-web/workitems?StudyInstanceUID=1.2.3')).status).toBe(204);
    expect((await get('/dicom-web/workitems?TransactionUID=1.2.3')).status).toBe(400);
    expect((await get('/dicom-web/workitems/1.2.3')).status).toBe(404);
    expect((await get('/dicom-web/workitems/nonsense')).status).toBe(404);
    expect((await get('/api/workitems/1.2.3')).status).toBe(404);
  });
});

describe('the admin API', () => {
  it('shows rules and why a study went where it went', async () => {
    const { uid } = await routedStudy();
    const rules = await json(await get('/api/rules'));
    expect(rules.match).toBe('all');
    expect(rules.rules.map(({ problem }) => problem)).toEqual(seededRules.map(() => null));
    const { routing } = await json(await get(`/api/studies/${uid}`));
    expect(routing).toMatchObject({ state: 'routed', specialty: { value: 'radiology' } });
    expect(routing.rules).toHaveLength(seededRules.length);
  });

  it('knows only studies that are there', async () => {
    for (const uid of ['1.2.3', 'nonsense']) {
      expect((await get(`/api/studies/${uid}`)).status).toBe(404);
      expect((await post(`/api/studies/${uid}/complete`)).status).toBe(404);
    }
  });
});

describe('access', () => {
  it.each([
    ['GET', '/api/worklist'],
    ['GET', '/api/worklist/events'],
    ['POST', '/api/worklist/1.2.3/claim'],
    ['POST', '/api/worklist/1.2.3/release'],
    ['POST', '/api/worklist/1.2.3/complete'],
    ['GET', '/dicom-web/workitems'],
    ['GET', '/dicom-web/workitems/1.2.3'],
    ['GET', '/api/workitems/1.2.3'],
    ['GET', '/api/studies/1.2.3'],
    ['POST', '/api/studies/1.2.3/complete'],
    ['GET', '/api/rules'],
  ])('%s %s needs a token', async (method, path) => {
    expect((await fetch(url + path, { method })).status).toBe(401);
  });
});
