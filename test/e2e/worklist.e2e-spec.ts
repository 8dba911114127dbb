import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { sendSamples } from '../../apps/suite/src/samples/send-samples.js';
import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import type { TimelineEvent } from '../../apps/router/src/worklist/study-timeline.js';
import type { WorklistItem } from '../../apps/router/src/worklist/worklist-item.js';
import { freePort, makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(600_000);

/*
 * Readers with tokens of their own, a receiver of webhooks that is not always there, a suite that is killed: the triage
 * worklist from outside.
 */
const tokens = {
  suite: 'suite-token-0123456789-0123456789-0123456789',
  ada: 'ada-token-0123456789-0123456789-0123456789',
  ben: 'ben-token-0123456789-0123456789-0123456789',
  chief: 'chief-token-0123456789-0123456789-0123456789',
  modality: 'modality-token-0123456789-0123456789-01234',
} as const;
type Who = keyof typeof tokens;
const ada = 'Dr. Ada Lovelace';

interface Received {
  at: number;
  headers: IncomingHttpHeaders;
  body: string;
}

let folder: string;
let data: Awaited<ReturnType<typeof makeDataDir>>;
let suite: RunningProcess;
let receiver: Server;
let receiverPort: number;
let answerWith = 200;
const received: Received[] = [];

async function start(): Promise<void> {
  const environment = {
    ISOCENTER_API_TOKEN: tokens.suite,
    ISOCENTER_TOKENS_FILE: path.join(folder, 'tokens.json'),
    ISOCENTER_WEBHOOK_NETWORKS: '127.0.0.1/32',
  };
  suite = await startApp({ dataDir: data.dataDir, port: await freePort(), environment });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'isocenter-worklist-'));
  const account = (name: string, roles: string[], token: string) => ({
    name,
    roles,
    sha256: createHash('sha256').update(token).digest('hex'),
  });
  const accounts = [
    account(ada, ['reader'], tokens.ada),
    account('Dr. Ben', ['reader'], tokens.ben),
    account('Chief', ['admin', 'reader'], tokens.chief),
    account('CT1', ['performer'], tokens.modality),
  ];
  await writeFile(path.join(folder, 'tokens.json'), JSON.stringify(accounts));
  receiver = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    received.push({ at: Date.now(), headers: request.headers, body });
    response.writeHead(answerWith).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  receiverPort = (receiver.address() as AddressInfo).port;
  data = await makeDataDir();
  await start();
});
afterAll(async () => {
  await suite?.stop();
  receiver?.close();
  await data?.remove();
  await rm(folder, { recursive: true, force: true });
});

async function ask(who: Who, method: string, at: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${suite.url}${at}`, {
    method,
    headers: {
      authorization: `Bearer ${tokens[who]}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // oxlint-disable-next-line typescript/no-explicit-any -- what is answered is what is tried here
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as any };
}

async function list(search = ''): Promise<WorklistItem[]> {
  return (await ask('ada', 'GET', `/api/worklist${search}`)).body.items;
}

const item = async (patientId: string, search = '?state=all') =>
  (await list(search)).find((one) => one.patientId === patientId);

async function answered(patientId: string): Promise<WorklistItem> {
  return waitFor(`a result of ${patientId}`, async () => {
    const found = await item(patientId);
    return found !== undefined && ['positive', 'negative'].includes(found.ai.state) ? found : undefined;
  });
}

let webhook: { webhookId: string; secret: string };

function isSigned({ at, headers, body }: Received): boolean {
  const key = Buffer.from(webhook.secret.slice('whsec_'.length), 'base64');
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const fresh = Math.abs(at / 1000 - Number(headers['webhook-timestamp'])) < 60;
  return fresh && headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}

/** What was told of this kind, each delivery once. */
const told = (type: string) => [
  ...new Map(
    received
      .map((one) => ({ ...one, said: JSON.parse(one.body) as { type: string; data: Record<string, unknown> } }))
      .filter(({ said }) => said.type === type)
      .map((one) => [one.headers['webhook-id'], one]),
  ).values(),
];

describe('webhooks', () => {
  it('are an administrator’s, and show their secret once', async () => {
    const settings = { name: 'RIS', url: `http://127.0.0.1:${receiverPort}/hook` };
    expect((await ask('ada', 'POST', '/api/webhooks', settings)).status).toBe(403);
    const created = await ask('chief', 'POST', '/api/webhooks', settings);
    expect(created).toMatchObject({ status: 201, body: { name: 'RIS', events: ['result', 'escalation'] } });
    expect(created.body.secret).toMatch(/^whsec_/);
    webhook = created.body;
    const everything = await ask('chief', 'GET', '/api/webhooks');
    expect(everything.body.webhooks).toHaveLength(1);
    expect(JSON.stringify(everything.body)).not.toContain('whsec_');
  });

  it.each([
    'http://127.0.0.2/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest',
    'https://[fe80::1]/',
    'http://8.8.8.8/',
    'ftp://example.org/',
    'https://user:password@example.org/',
    'nonsense',
  ])('are not sent to %s', async (url) => {
    const refused = await ask('chief', 'POST', '/api/webhooks', { name: 'bad', url });
    expect([refused.status, typeof refused.body.detail]).toEqual([400, 'string']);
  });
});

describe('the worklist', () => {
  it('has the samples with what AI says, and tells the receiver, signed', async () => {
    await sendSamples(suite.dicomweb, {
      signal: new AbortController().signal,
      log: () => undefined,
      headers: { authorization: `Bearer ${tokens.modality}` },
    });
    for (const id of ['ISOCENTER-SAMPLE-1', 'ISOCENTER-SAMPLE-2', 'ISOCENTER-SAMPLE-3']) await answered(id);
    await waitFor('three results told', async () => told('result').length === 3 || undefined);
    expect(received.every(isSigned)).toBe(true);
    const heart = await item('ISOCENTER-SAMPLE-2');
    const said = told('result').find(({ said }) => said.data['studyInstanceUid'] === heart!.studyInstanceUid)!.said;
    expect(said.data).toMatchObject({ outcome: 'positive', specialty: 'cardiology', priority: 'HIGH' });
    expect(JSON.stringify(received)).not.toContain('Sample^');
  });

  it('is filtered, and given page by page', async () => {
    expect((await list('?specialty=cardiology')).map(({ patientId }) => patientId)).toEqual(['ISOCENTER-SAMPLE-2']);
    expect((await list('?modality=CT&bodyPart=chest')).map(({ patientId }) => patientId)).toEqual([
      'ISOCENTER-SAMPLE-1',
    ]);
    const whole = await list();
    const pages: WorklistItem[] = [];
    for (let after = ''; ;) {
      const { body } = await ask('ada', 'GET', `/api/worklist?limit=1&after=${after}`);
      expect(body).toMatchObject({ total: 3, isTotalExact: true });
      pages.push(...body.items);
      if (body.next === null) break;
      after = body.next;
    }
    expect(pages.map(({ workitemUid }) => workitemUid)).toEqual(whole.map(({ workitemUid }) => workitemUid));
    expect((await ask('ada', 'GET', '/api/worklist?after=nonsense')).status).toBe(400);
  });

  it('gives a study to one reader, whose claim is nobody else’s whatever they are called', async () => {
    const { workitemUid } = (await item('ISOCENTER-SAMPLE-2'))!;
    const at = (act: string) => `/api/worklist/${workitemUid}/${act}`;
    const claims = await Promise.all((['ada', 'ben'] as const).map((who) => ask(who, 'POST', at('claim'))));
    expect(claims.map(({ status }) => status).sort()).toEqual([200, 409]);
    const holder = claims.find(({ status }) => status === 200)!.body.performer;
    expect(claims.find(({ status }) => status === 409)!.body).toMatchObject({ code: 'reading-taken', holder });
    const [mine, other] = holder === ada ? (['ada', 'ben'] as const) : (['ben', 'ada'] as const);
    expect((await ask(other, 'POST', at('complete'), {}, { 'x-reader': holder })).status).toBe(403);
    expect((await ask('suite', 'POST', at('release'), { reader: holder })).status).toBe(403);
    expect((await ask('modality', 'POST', at('claim'))).status).toBe(403);
    expect((await ask(other, 'POST', at('release'), { whoever: true })).status).toBe(403);
    expect((await ask(mine, 'GET', '/api/worklist?mine=true')).body.items).toHaveLength(1);
    expect((await ask(other, 'GET', '/api/worklist?mine=true')).body.items).toHaveLength(0);
    // Who went home with a study: an administrator gives it back.
    expect((await ask('chief', 'POST', at('release'), { whoever: true })).body).toMatchObject({ state: 'SCHEDULED' });
    expect((await ask('ada', 'GET', '/api/session')).body).toMatchObject({ name: ada, roles: ['reader'] });
  });

  it('keeps a reader’s word on a finding as a report that cites the model’s', async () => {
    const before = (await item('ISOCENTER-SAMPLE-1'))!;
    const [result] = before.ai.results;
    const review = { result: result!.workitemUid, verdict: 'disagree', comment: 'Breathing artefact' };
    const at = `/api/worklist/${before.workitemUid}/reviews`;
    expect((await ask('ada', 'POST', at, { ...review, verdict: 'maybe' })).status).toBe(400);
    expect((await ask('ada', 'POST', at, { ...review, result: '1.2.3' })).status).toBe(404);
    expect((await ask('ada', 'POST', at, review)).status).toBe(201);
    const finding = result!.findings[0]!.name;
    expect((await ask('ben', 'POST', at, { ...review, verdict: 'agree', finding })).status).toBe(201);
    const reviews = await waitFor('both reports in the archive', async () => {
      const now = (await item('ISOCENTER-SAMPLE-1'))!.ai;
      const said = now.results[0]!.reviews;
      return said.length === 2 && said.every(({ report }) => report !== null) ? { ...now, said } : undefined;
    });
    expect(reviews.state).toBe('overridden');
    for (const { report, reader } of reviews.said) {
      const url = `${suite.dicomweb}/studies/${before.studyInstanceUid}/series/${report!.seriesInstanceUid}/instances/${report!.sopInstanceUid}`;
      const headers = { authorization: `Bearer ${tokens.ada}` };
      const [sr] = (await (await fetch(`${url}/metadata`, { headers })).json()) as [DicomJson];
      expect(jsonText(jsonItems(sr, '0040A504')[0]!, '0040DB00')).toBe('1500');
      const text = JSON.stringify(sr);
      for (const part of [reader, result!.report!.sopInstanceUid, 'INFERRED FROM', 'COMPOSITE']) {
        expect(text).toContain(part);
      }
      const file = path.join(folder, 'review.dcm');
      const part10 = await fetch(url, { headers: { ...headers, accept: 'application/dicom' } });
      await writeFile(file, Buffer.from(await part10.arrayBuffer()));
      if (hasDciodvfy) {
        const { stderr, stdout } = spawnSync('dciodvfy', [file], { encoding: 'utf8' });
        expect(stderr + stdout).toContain('ComprehensiveSR');
        expect((stderr + stdout).split('\n').filter((line) => line.startsWith('Error'))).toEqual([]);
      }
    }
    // It is no study that arrives, and is not routed.
    expect((await item('ISOCENTER-SAMPLE-1'))!.ai.results).toHaveLength(1);
  });

  it('tells of a deadline that nears, once, though the suite is killed', async () => {
    const { workitemUid, studyInstanceUid } = (await item('ISOCENTER-SAMPLE-3'))!;
    const events = await listen();
    answerWith = 503;
    const level = { readWithinMinutes: 60, escalateBeforeMinutes: 59 };
    expect((await ask('ada', 'PUT', '/api/service-levels/pathology/HIGH', level)).status).toBe(403);
    expect((await ask('chief', 'PUT', '/api/service-levels/pathology/HIGH', level)).status).toBe(200);
    const hurry = { priority: 'HIGH', reason: 'The surgeon waits' };
    expect((await ask('ada', 'POST', `/api/worklist/${workitemUid}/priority`, hurry)).body).toMatchObject({
      priority: 'HIGH',
      priorityReason: `${ada}: The surgeon waits`,
    });
    await waitFor('an escalation told, in vain', async () => told('escalation').length > 0 || undefined);
    await waitFor('the event of it', async () => events.text().includes('event: escalation') || undefined);
    events.close();
    await suite.kill();
    answerWith = 200;
    const before = received.length;
    await start();
    await waitFor('the delivery after all', async () => received.length > before || undefined);
    await waitFor('what was delivered', async () => {
      const { body } = await ask('chief', 'GET', `/api/webhooks/deliveries?state=delivered`);
      return body.deliveries.some(({ event }: { event: string }) => event === 'escalation') || undefined;
    });
    expect(told('escalation')).toHaveLength(1);
    expect(told('escalation')[0]!.said.data).toMatchObject({ studyInstanceUid, priority: 'HIGH' });
    expect(received.every(isSigned)).toBe(true);
    expect((await item('ISOCENTER-SAMPLE-3'))!.escalatedAt).not.toBeNull();
  });

  it('shows what was given up, and sends it again', async () => {
    const { body } = await ask('chief', 'POST', `/api/webhooks/${webhook.webhookId}/test`);
    await waitFor('the test', async () => told('test').length === 1 || undefined);
    const at = `/api/webhooks/deliveries/${body.deliveryId}`;
    await waitFor('its record', async () => {
      return (await ask('chief', 'GET', at)).body.state === 'delivered' || undefined;
    });
    // Only what was given up.
    expect((await ask('chief', 'POST', `${at}/retry`)).status).toBe(409);
    expect((await ask('chief', 'POST', '/api/webhooks/deliveries/nonsense/retry')).status).toBe(404);
  });

  it('has a timeline of each study', async () => {
    const { workitemUid, studyInstanceUid } = (await item('ISOCENTER-SAMPLE-2'))!;
    await ask('ada', 'POST', `/api/worklist/${workitemUid}/claim`);
    expect((await ask('ada', 'POST', `/api/worklist/${workitemUid}/complete`)).body.state).toBe('COMPLETED');
    const { body } = await ask('ben', 'GET', `/api/studies/${studyInstanceUid}/timeline`);
    const events = body.events as TimelineEvent[];
    const kinds = events.map(({ kind }) => kind);
    for (const kind of [
      'received',
      'complete',
      'routed',
      'ai-ordered',
      'ai-started',
      'ai-inferred',
      'claimed',
      'read',
    ]) {
      expect(kinds).toContain(kind);
    }
    const times = events.map(({ at }) => at);
    expect(times).toEqual([...times].sort());
    expect(events.at(-1)).toMatchObject({ kind: 'read', actor: ada });
    expect((await ask('ben', 'GET', '/api/studies/1.2.3/timeline')).status).toBe(404);
  });

  it('has figures, in the API and for Prometheus', async () => {
    const { body } = await ask('ada', 'GET', '/api/figures?days=1');
    const cardiology = body.figures.find(({ specialty }: { specialty: string }) => specialty === 'cardiology');
    expect(cardiology).toMatchObject({
      priority: 'HIGH',
      arrived: 1,
      open: 0,
      readInTime: 1,
      arrivalToResult: { samples: 1 },
      arrivalToRead: { samples: 1 },
    });
    expect((await ask('ada', 'GET', '/api/figures?days=0')).status).toBe(400);
    expect((await fetch(`${suite.url}/metrics`)).status).toBe(401);
    const response = await fetch(`${suite.url}/metrics`, { headers: { authorization: `Bearer ${tokens.suite}` } });
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toMatch(/isocenter_study_arrival_to_read_seconds_count\{specialty="cardiology",priority="HIGH"\} 1\n/);
    expect(text).toMatch(/isocenter_worklist_open_studies\{specialty="pathology",priority="HIGH"\} 1\n/);
    expect(text).toMatch(/^process_cpu_seconds_total[ {]/m);
  });
});

const hasDciodvfy = isProgram('dciodvfy');
if (!hasDciodvfy) console.warn('Reports of reviews are not verified: there is no dciodvfy on this machine.');

function isProgram(name: string): boolean {
  try {
    execFileSync('which', [name]);
    return true;
  } catch {
    return false;
  }
}

async function listen() {
  const closing = new AbortController();
  const response = await fetch(`${suite.url}/api/worklist/events`, {
    headers: { authorization: `Bearer ${tokens.ada}` },
    signal: closing.signal,
  });
  let text = '';
  void (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
  })().catch(() => undefined); // closed by us
  return { text: () => text, close: () => closing.abort() };
}
