import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { descendants } from '../support/child-processes.js';
import { makeZip } from '../support/make-zip.js';
import { mixedStudy } from '../support/mixed-studies.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { waitForResults } from '../support/worklist.js';
import { store } from './wado-support.js';

jest.setTimeout(600_000);

const shipped = path.resolve(import.meta.dirname, '../../models/cardiology/ecg-rhythm/1.1.0');
const model = 'cardiology/ecg-rhythm';

interface Failure {
  workitemUid: string;
  model: string;
  attempts: number;
  reason: string;
  state: string;
}

describe('the inference worker', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  beforeAll(async () => {
    data = await makeDataDir();
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_EXECUTION_PROVIDERS: 'cuda' } });
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  const api = async <T>(method: string, place: string, body?: unknown): Promise<{ status: number; body: T }> => {
    const response = await fetch(`${suite.url}/api${place}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as T };
  };
  const failures = async (state = 'failed') =>
    (await api<{ failures: Failure[] }>('GET', `/inference/failures?state=${state}`)).body.failures;
  /** ECGs are every third of the mixture, from the second. */
  const send = async (index: number) => {
    const study = await mixedStudy(3 * index + 1);
    await store(suite.dicomweb, [study.bytes]);
    return study;
  };
  const resultOf = async (patientId: string) => (await waitForResults(suite.url, [patientId]))[0]!.ai;

  it('lists what it could not do after its last attempt, with why, and tries again when told to', async () => {
    await send(0);
    await send(1);
    const failed = await waitFor('two failures', async () => {
      const listed = await failures();
      return listed.length === 2 ? listed : undefined;
    });
    expect(failed[0]).toMatchObject({ model, attempts: 5, state: 'failed' });
    expect(failed[0]!.reason).toMatch(/No execution provider of those configured took the network\. cuda: /);

    await suite.stop();
    suite = await startApp({
      dataDir: data.dataDir,
      environment: {
        ISOCENTER_EXECUTION_PROVIDERS: 'cuda, cpu',
        ISOCENTER_INFERENCE_IDLE_MINUTES: '0.05',
        ISOCENTER_MODEL_WARM_UP: 'start',
      },
    });
    await waitFor('networks opened at the start', async () =>
      descendants(suite.process.pid!, 'inference-worker').length === 1 ? true : undefined,
    );
    const [first, second] = failed.map(({ workitemUid }) => `/inference/failures/${workitemUid}`);
    expect((await api('POST', `${first}/retry`)).body).toMatchObject({ state: 'retried' });
    expect((await api('POST', `${first}/retry`)).status).toBe(409);
    expect((await api('POST', `${second}/discard`)).body).toMatchObject({ state: 'discarded' });
    expect((await api('POST', `${second}/retry`)).status).toBe(409);
    expect((await api('POST', '/inference/failures/1.2.3/discard')).status).toBe(404);
    expect((await api('GET', '/inference/failures?state=lost')).status).toBe(400);
    const states = await waitFor('one result', async () => {
      const found = await Promise.all(['MIXED-1', 'MIXED-4'].map((id) => resultOf(id)));
      return found.some(({ state }) => state !== 'failed') ? found.map(({ state }) => state).sort() : undefined;
    });
    expect(states).toEqual(['failed', 'negative']);
    expect(await failures()).toEqual([]);
  });

  it('says which provider ran what, and why others did not', async () => {
    const { parts } = (await (await fetch(`${suite.url}/health/ready`)).json()) as {
      parts: { models: { used: object[] } };
    };
    expect(parts.models.used).toEqual([
      {
        model: `${model} 1.1.0`,
        executionProvider: 'cpu',
        refusals: [expect.stringMatching(/^cuda: /)],
      },
    ]);
  });

  it('ends the process that runs models when there is nothing to do', async () => {
    await waitFor('no child', async () =>
      descendants(suite.process.pid!, 'inference-worker').length === 0 ? true : undefined,
    );
    // And has another when there is.
    await send(2);
    expect((await resultOf('MIXED-7')).state).toBe('negative');
  });

  it('runs a version silently beside the one in force, and shows where they disagree', async () => {
    expect((await api('PUT', `/models/${model}/trial`, { version: '2.0.0', mode: 'shadow', percent: 50 })).status).toBe(
      404,
    );
    // To this version any rate is fast.
    const manifest = JSON.parse(readFileSync(path.join(shipped, 'model.json'), 'utf8')) as Record<string, unknown>;
    const triage = [{ measurement: 'heartRate', is: 'above', threshold: 10, priority: 'HIGH' }];
    const zip = await makeZip({
      [`${model}/2.0.0/model.json`]: JSON.stringify({ ...manifest, triage }),
      [`${model}/2.0.0/model.onnx`]: readFileSync(path.join(shipped, 'model.onnx')),
      [`${model}/2.0.0/README.md`]: '# For a test\n',
    });
    const added = await fetch(`${suite.url}/api/models`, {
      method: 'POST',
      headers: { 'content-type': 'application/zip' },
      body: new Uint8Array(zip),
    });
    expect(added.status).toBe(201);
    expect(
      (await api('PUT', `/models/${model}/trial`, { version: '2.0.0', mode: 'loud', percent: 0 })).body,
    ).toMatchObject({ detail: expect.stringMatching(/mode: shadow .*percent: /) });
    expect((await api('PUT', `/models/${model}/trial`, { version: '1.1.0', mode: 'shadow', percent: 5 })).status).toBe(
      409,
    );
    const trial = { version: '2.0.0', mode: 'shadow', percent: 100 };
    expect((await api('PUT', `/models/${model}/trial`, trial)).body).toMatchObject(trial);

    const { studyInstanceUid } = await send(3);
    const compared = await waitFor('a comparison', async () => {
      const { body } = await api<{ disagreement: { studies: number }[] }>('GET', `/models/${model}/trial?by=scanner`);
      return body.disagreement[0]?.studies === 1 ? body.disagreement : undefined;
    });
    expect(compared).toEqual([{ group: 'unknown', studies: 1, outcomes: 1, priorities: 1 }]);
    // Silent: the worklist and the archive know of the version in force alone.
    expect(await resultOf('MIXED-10')).toMatchObject({ state: 'negative', results: [{ model }] });
    const reports = await fetch(`${suite.dicomweb}/studies/${studyInstanceUid}/series?Modality=SR`);
    expect(await reports.json()).toHaveLength(1);
  });

  it('opens a network that is put in force before any study comes', async () => {
    const children = () => descendants(suite.process.pid!, 'inference-worker').length;
    await waitFor('no child', async () => (children() === 0 ? true : undefined));
    expect((await api('POST', `/models/${model}/2.0.0/activate`)).status).toBe(200);
    await waitFor('a child', async () => (children() === 1 ? true : undefined));
    expect((await api('POST', `/models/${model}/1.1.0/activate`)).status).toBe(200);
  });

  it('gives a version in earnest to some studies, and takes it back by one call', async () => {
    await api('PUT', `/models/${model}/trial`, { version: '2.0.0', mode: 'canary', percent: 100 });
    await send(4);
    // By the version that answered, not the one in force that was asked.
    expect(await resultOf('MIXED-13')).toMatchObject({ state: 'positive', results: [{ model, version: '2.0.0' }] });
    expect((await api('DELETE', `/models/${model}/trial`)).status).toBe(204);
    expect((await api('DELETE', `/models/${model}/trial`)).status).toBe(404);
    await send(5);
    expect((await resultOf('MIXED-16')).state).toBe('negative');
  });

  it('tells how scores lie, by version and week', async () => {
    const { body } = await api<{
      drift: { version: string; score: string; runs: number; mean: number; shift: unknown }[];
    }>('GET', `/models/${model}/drift?by=week`);
    const rate = body.drift.filter(({ score }) => score === 'Heart rate');
    expect(rate.map(({ version, runs, mean, shift }) => [version, runs, Math.round(mean), shift])).toEqual([
      ['1.1.0', 4, 60, null],
      ['2.0.0', 2, 60, null],
    ]);
    expect((await api('GET', `/models/${model}/drift?by=mood`)).status).toBe(400);
  });
});
