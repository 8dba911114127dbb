import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, newUid } from '#libs/dicom';
import { makeInstance } from '../support/make-instance.js';
import { type RunningSuite, startShape } from '../support/start-shape.js';
import { waitFor } from '../support/start-suite.js';
import { newWorkitem, performedStep, UpsClient } from '../support/ups.js';
import { store } from './wado-support.js';

jest.setTimeout(600_000);

/** Two suites that know each other: studies go from one to the other, and not round in circles. */
let here: RunningSuite;
let there: RunningSuite;
beforeAll(async () => {
  // Silence tells nothing here: what completes a study is evidence.
  here = await startShape('one process', { ISOCENTER_QUIET_PERIOD_SECONDS: '600' });
  there = await startShape('one process', { ISOCENTER_QUIET_PERIOD_SECONDS: '1' });
});
afterAll(async () => {
  await here?.remove();
  await there?.remove();
});

async function api<Answer>(
  suite: RunningSuite,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Answer }> {
  const response = await fetch(`${suite.url}/api${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as Answer };
}

interface Explained {
  routing: {
    state: string;
    inputDigest: string;
    completeness: { isComplete: boolean; evidence: { kind: string; isMet: boolean; text: string }[] };
    forwards: { destination: string; status: string }[];
    workitems: { uid: string; kind: string; modelId?: string; state: string; inputDigest?: string }[];
  };
}
interface Forwarded {
  forwardId: string;
  destination: string;
  state: string;
  instancesSent: number;
  attempts: number;
  error: string | null;
}

const explained = async (suite: RunningSuite, uid: string) =>
  (await api<Explained>(suite, 'GET', `/studies/${uid}`)).body;
const routed = (suite: RunningSuite, uid: string) =>
  waitFor(`${uid} to be routed`, async () => {
    const { status, body } = await api<Explained>(suite, 'GET', `/studies/${uid}`);
    return status === 200 && body.routing.state === 'routed' ? body.routing : undefined;
  });
const forwardsOf = async (suite: RunningSuite, uid: string) =>
  (await api<{ forwards: Forwarded[] }>(suite, 'GET', `/forwards?StudyInstanceUID=${uid}`)).body.forwards;
const forwardOf = (suite: RunningSuite, uid: string, state: string) =>
  waitFor(`a forward that is ${state}`, async () =>
    (await forwardsOf(suite, uid)).find((forward) => forward.state === state),
  );

async function activeRule(suite: RunningSuite, name: string, definition: unknown): Promise<string> {
  const { status, body } = await api<{ ruleId: string; detail?: string }>(suite, 'POST', '/rules', {
    name,
    definition,
  });
  if (status !== 201) throw new Error(body.detail);
  expect((await api(suite, 'POST', `/rules/${body.ruleId}/activate`)).status).toBe(200);
  return body.ruleId;
}

const counted = (count: number): DicomJson => ({
  '00180015': { vr: 'CS', Value: ['KNEE'] },
  '00201208': { vr: 'IS', Value: [count] },
});
const knees = (studyInstanceUid: string, count: number, attributes: DicomJson = counted(count)) =>
  Array.from({ length: count }, (_, index) =>
    makeInstance({ studyInstanceUid, modality: 'MR', instanceNumber: index + 1, attributes }),
  );
const isKnee = { keyword: 'BodyPartExamined', is: 'KNEE' };

async function digests(suite: RunningSuite, studyInstanceUid: string): Promise<string[]> {
  const found = await fetch(`${suite.dicomweb}/studies/${studyInstanceUid}/instances`);
  if (found.status === 204) return [];
  const instances = (await found.json()) as DicomJson[];
  const bytes = instances.map(async (instance) => {
    const uid = (tag: string) => instance[tag]?.Value?.[0] as string;
    const path = `/studies/${studyInstanceUid}/series/${uid('0020000E')}/instances/${uid('00080018')}`;
    const accept = 'application/dicom; transfer-syntax=*';
    const response = await fetch(`${suite.dicomweb}${path}`, { headers: { accept } });
    return createHash('sha256')
      .update(Buffer.from(await response.arrayBuffer()))
      .digest('hex');
  });
  return (await Promise.all(bytes)).sort();
}

describe('forwarding', () => {
  const studyInstanceUid = newUid();

  it('refuses a destination that is this archive, and a rule that names none there is', async () => {
    const itself = { url: here.dicomweb, allowsPrivateAddresses: true };
    const refused = await api<{ detail: string }>(here, 'PUT', '/destinations/itself', itself);
    expect(refused).toMatchObject({ status: 400, body: { detail: expect.stringContaining('This would loop') } });
    const rule = { name: 'x', definition: { when: isKnee, gives: { forward: ['nowhere'] } } };
    expect((await api<{ detail: string }>(here, 'POST', '/rules', rule)).body.detail).toContain(
      'There is no destination "nowhere"',
    );
  });

  it('goes to no private address unless the destination may be at one', async () => {
    await api(here, 'PUT', '/destinations/there', { url: there.dicomweb });
    const check = await api<{ isReachable: boolean; detail: string }>(here, 'POST', '/destinations/there/check');
    expect(check.body).toMatchObject({ isReachable: false, detail: expect.stringContaining('allowsPrivateAddresses') });
    await api(here, 'PUT', '/destinations/there', { url: there.dicomweb, allowsPrivateAddresses: true });
    expect((await api(here, 'POST', '/destinations/there/check')).body).toMatchObject({ isReachable: true });
  });

  it('sends a study on, byte for byte, and does not go round where both send to each other', async () => {
    await api(there, 'PUT', '/destinations/back', { url: here.dicomweb, allowsPrivateAddresses: true });
    await activeRule(here, 'Knees go there', { when: isKnee, gives: { forward: ['there'] } });
    await activeRule(there, 'Knees go back', { when: isKnee, gives: { forward: ['back'] } });
    const sent = knees(studyInstanceUid, 5);
    await store(here.dicomweb, sent);
    expect(await forwardOf(here, studyInstanceUid, 'sent')).toMatchObject({ destination: 'there', instancesSent: 5 });
    const expected = sent.map((bytes) => createHash('sha256').update(bytes).digest('hex')).sort();
    expect(await digests(there, studyInstanceUid)).toEqual(expected);

    // It comes back once, as the same bytes; nothing new for who had them.
    expect(await forwardOf(there, studyInstanceUid, 'sent')).toMatchObject({ destination: 'back', instancesSent: 5 });
    expect(await digests(here, studyInstanceUid)).toEqual(expected);
    await store(here.dicomweb, sent);
    expect(await forwardsOf(here, studyInstanceUid)).toHaveLength(1);
    expect(await forwardsOf(there, studyInstanceUid)).toHaveLength(1);
  });

  it('sends on only what comes late', async () => {
    const late = makeInstance({ studyInstanceUid, modality: 'MR', instanceNumber: 6, attributes: counted(6) });
    await store(here.dicomweb, [late]);
    await waitFor('the late one', async () =>
      (await forwardsOf(here, studyInstanceUid)).some(({ instancesSent }) => instancesSent === 1) ? true : undefined,
    );
    expect(await digests(there, studyInstanceUid)).toHaveLength(6);
  });

  it('goes no further than its hops', async () => {
    const far = newUid();
    const boundary = 'b';
    const body = Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
      ...knees(far, 1),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const response = await fetch(`${here.dicomweb}/studies/${far}`, {
      method: 'POST',
      headers: {
        'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
        'x-isocenter-hops': '3',
      },
      body,
    });
    expect(response.status).toBe(200);
    expect((await routed(here, far)).forwards).toMatchObject([{ destination: 'there', status: 'too-many-hops' }]);
    expect(await forwardsOf(here, far)).toEqual([]);
  });

  it('tries again until the other archive takes it, and says what was wrong', async () => {
    let isReady = false;
    const received: Buffer[] = [];
    const other: Server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (isReady) received.push(Buffer.concat(chunks));
        response.statusCode = isReady ? 200 : 503;
        response.end(isReady ? '{"00081199":{"vr":"SQ","Value":[]}}' : 'busy');
      });
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/dicom-web`;
      const settings = { url, allowsPrivateAddresses: true, authorization: 'Bearer let-me-in' };
      const saved = await api<Record<string, unknown>>(here, 'PUT', '/destinations/busy', settings);
      expect(saved.body).toMatchObject({ hasAuthorization: true });
      expect(JSON.stringify(saved.body)).not.toContain('let-me-in');
      await activeRule(here, 'Ankles', {
        when: { keyword: 'BodyPartExamined', is: 'ANKLE' },
        gives: { forward: ['busy'] },
      });
      const ankle = newUid();
      const attributes = { ...counted(3), '00180015': { vr: 'CS', Value: ['ANKLE'] } };
      const sent = knees(ankle, 3, attributes);
      await store(here.dicomweb, sent);
      const failing = await waitFor('a first attempt', async () =>
        (await forwardsOf(here, ankle)).find(({ error }) => error !== null),
      );
      expect(failing).toMatchObject({ error: 'It answered 503 to STOW-RS.', instancesSent: 0 });
      isReady = true;
      expect(await forwardOf(here, ankle, 'sent')).toMatchObject({ instancesSent: 3, error: null });
      for (const bytes of sent) expect(received[0]!.includes(bytes)).toBe(true);
      const removed = await api<{ detail: string }>(here, 'DELETE', '/destinations/busy');
      expect(removed).toMatchObject({ status: 409, body: { detail: expect.stringContaining('"Ankles"') } });
    } finally {
      other.close();
    }
  });
});

describe('completeness', () => {
  const uncounted: DicomJson = { '00180015': { vr: 'CS', Value: ['HIP'] } };

  it('is said by the sender, with counts where its word may overtake the instances', async () => {
    const uid = newUid();
    const [first, ...rest] = knees(uid, 3, uncounted);
    await store(here.dicomweb, [first!]);
    const said = await api(here, 'POST', `/studies/${uid}/complete`, { numberOfInstances: 3 });
    expect(said).toMatchObject({ status: 202, body: { outcome: 'waiting' } });
    expect((await explained(here, uid)).routing.completeness.evidence[0]).toEqual({
      kind: 'explicit-notice',
      isMet: false,
      text: 'The sender said how much there is: 1 of 3 instances are here.',
    });
    await store(here.dicomweb, rest);
    expect((await routed(here, uid)).completeness.evidence[0]).toMatchObject({ kind: 'explicit-notice', isMet: true });
    const wrong = await api<{ detail: string }>(here, 'POST', `/studies/${uid}/complete`, {
      numberOfInstances: 'many',
    });
    expect(wrong).toMatchObject({ status: 400, body: { detail: expect.stringContaining('numberOfInstances') } });
  });

  it('is said by the procedure step that made the study, when it ends', async () => {
    const uid = newUid();
    const ups = new UpsClient(here.dicomweb);
    const created = await ups.create(newWorkitem({ '00741204': { vr: 'LO', Value: ['Acquire the hip'] } }));
    const step = created.headers.get('location')!.split('/').at(-1)!;
    const transactionUid = newUid();
    await ups.changeState(step, 'IN PROGRESS', transactionUid, '/MR1');
    const instances = knees(uid, 2, uncounted);
    await store(here.dicomweb, [instances[0]!]);
    await store(here.dicomweb, [instances[1]!]);
    const found = (await (await fetch(`${here.dicomweb}/studies/${uid}/instances`)).json()) as DicomJson[];
    const output: DicomJson = {
      '00081199': {
        vr: 'SQ',
        Value: found.map((one) => ({ '00081150': one['00080016']!, '00081155': one['00080018']! })),
      },
      '0020000D': { vr: 'UI', Value: [uid] },
      '0020000E': found[0]!['0020000E']!,
      '0040E020': { vr: 'CS', Value: ['DICOM'] },
    };
    await ups.update(step, performedStep([output]), `?transaction-uid=${transactionUid}`);
    const listed = await waitFor('it to be listed', async () => {
      const { status, body } = await api<Explained>(here, 'GET', `/studies/${uid}`);
      return status === 200 ? body.routing : undefined;
    });
    expect(listed.state).toBe('receiving');
    expect((await ups.changeState(step, 'COMPLETED', transactionUid)).status).toBe(200);
    expect((await routed(here, uid)).completeness.evidence).toEqual([
      {
        kind: 'procedure-step',
        isMet: true,
        text: 'The procedure step that made it has ended and said which instances it made: 2 of 2 are here.',
      },
    ]);
  });

  it('is opened again by what comes late, which re-runs only what it changes', async () => {
    const uid = newUid();
    const [chest, head] = [newUid(), newUid()];
    const series = (seriesInstanceUid: string, part: string, instanceNumber: number, count: number) =>
      makeInstance({
        studyInstanceUid: uid,
        seriesInstanceUid,
        modality: 'CT',
        instanceNumber,
        attributes: { ...counted(count), '00180015': { vr: 'CS', Value: [part] } },
      });
    await store(here.dicomweb, [
      series(chest, 'CHEST', 1, 3),
      series(chest, 'CHEST', 2, 3),
      series(head, 'HEAD', 1, 3),
    ]);
    const tasks = (routing: Explained['routing']) => routing.workitems.filter(({ kind }) => kind === 'ai');
    const first = await routed(here, uid);
    const [before] = tasks(first);
    expect(before?.modelId).toBe('radiology/lung-density');
    await store(here.dicomweb, [series(head, 'HEAD', 2, 3)]);
    const after = await waitFor('the late head', async () => {
      const { routing } = await explained(here, uid);
      return routing.inputDigest !== first.inputDigest && routing.state === 'routed' ? routing : undefined;
    });
    expect(tasks(after).map((task) => task.uid)).toEqual([before!.uid]);
    await store(here.dicomweb, [series(chest, 'CHEST', 3, 3)]);
    const last = await waitFor('the late chest', async () => {
      const now = tasks((await explained(here, uid)).routing);
      return now.length === 2 ? now : undefined;
    });
    expect(last[1]!.inputDigest).not.toBe(before!.inputDigest);
  });

  it('waits for a quiet period of a rule where nothing better tells', async () => {
    await activeRule(here, 'Shoulders are quick', {
      when: { keyword: 'BodyPartExamined', is: 'SHOULDER' },
      quietPeriodSeconds: 1,
      gives: {},
    });
    const uid = newUid();
    await store(here.dicomweb, knees(uid, 2, { '00180015': { vr: 'CS', Value: ['SHOULDER'] } }));
    const { completeness } = await routed(here, uid);
    expect(completeness.evidence.at(-1)).toMatchObject({
      kind: 'quiet-period',
      isMet: true,
      text: expect.stringContaining('the quiet period is 1 s, by the rule "Shoulders are quick"'),
    });
  });
});

describe('rules', () => {
  it('send what can wait to off-peak hours, and what is urgent at once', async () => {
    // Off-peak is an hour that is not now.
    const hour = (offset: number) => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:00`;
    const offPeak = { from: hour(3), until: hour(4), timeZone: 'UTC' };
    const settings = await api<{ nextOffPeak: string }>(here, 'PUT', '/routing/settings', { offPeak });
    expect(settings.status).toBe(200);
    await activeRule(here, 'Feet at night', {
      when: { keyword: 'BodyPartExamined', is: 'FOOT' },
      gives: { models: [{ model: 'radiology/lung-density' }], schedule: 'off-peak' },
    });
    const ups = new UpsClient(here.dicomweb);
    const startOf = async (attributes: DicomJson) => {
      const uid = newUid();
      await store(
        here.dicomweb,
        knees(uid, 1, { ...counted(1), '00180015': { vr: 'CS', Value: ['FOOT'] }, ...attributes }),
      );
      const task = (await routed(here, uid)).workitems.find(({ kind }) => kind === 'ai')!;
      return { start: (await ups.retrieve(task.uid))['00404005']?.Value?.[0] as string, uid: task.uid };
    };
    const waiting = await startOf({});
    const wanted = settings.body.nextOffPeak.replaceAll(/[-:T]/g, '').slice(0, 12);
    expect(waiting.start.slice(0, 12)).toBe(wanted);
    const urgent = await startOf({ '00401003': { vr: 'SH', Value: ['STAT'] } });
    expect(urgent.start < waiting.start).toBe(true);
    await waitFor('the urgent one to be performed', async () =>
      (await ups.retrieve(urgent.uid))['00741000']?.Value?.[0] === 'COMPLETED' ? true : undefined,
    );
    expect((await ups.retrieve(waiting.uid))['00741000']?.Value?.[0]).toBe('SCHEDULED');
  });

  it('sort studies into a department of a site’s own, and say why', async () => {
    const matcher = {
      any: [
        { keyword: 'Modality', is: 'MG' },
        { keyword: 'BodyPartExamined', is: 'BREAST' },
      ],
    };
    expect((await api(here, 'PUT', '/specialties/mammography', { title: 'Breast imaging', matcher })).status).toBe(200);
    expect((await api(here, 'PUT', '/specialties/nothing', { title: 'Nothing' })).status).toBe(400);
    const uid = newUid();
    await store(here.dicomweb, knees(uid, 1, { ...counted(1), '00180015': { vr: 'CS', Value: ['BREAST'] } }));
    await routed(here, uid);
    const { body } = await api<{
      decided: { specialty: string; specialtyReason: string };
      now: { rules: { name: string; matched: boolean; series: { trace: { asks: string; matched: boolean } }[] }[] };
    }>(here, 'GET', `/studies/${uid}/explain`);
    expect(body.decided.specialty).toBe('mammography');
    expect(body.decided.specialtyReason).toContain('Breast imaging: 1 of 1 series: BodyPartExamined is "BREAST".');
    const chest = body.now.rules.find(({ name }) => name.startsWith('Chest CT'))!;
    expect(chest).toMatchObject({ matched: false, series: [{ trace: { asks: 'all', matched: false } }] });
  });
});
