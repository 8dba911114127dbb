import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, jsonItems, jsonNumber } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { getWorklist } from '../support/worklist.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

const asStored = { headers: { accept: 'application/dicom; transfer-syntax=*' } };

interface Listed {
  deletionId: string;
  level: string;
  cause: string;
  reason: string | null;
  instances: number;
  bytes: number;
  deletedAt: string;
  recoverableUntil: string;
  state: string;
  patientName: string | null;
  studyInstanceUid: string;
}

describe('deletion', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let seed = 0;

  const start = async (environment: Record<string, string> = {}) => {
    suite = await startApp({
      dataDir: data.dataDir,
      environment: { ISOCENTER_MODELS_DIR: path.join(data.dataDir, 'no-models'), ...environment },
    });
  };
  beforeAll(async () => {
    data = await makeDataDir();
    await mkdir(path.join(data.dataDir, 'no-models'));
    await start();
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  /** A study of two CT instances and a report, stored. */
  async function stored() {
    seed += 1;
    const study = testUid(`deletion e2e ${seed}`);
    const series = testUid(`series ${study} CT`);
    const make = (instanceNumber: number, more = {}) =>
      makeInstance({ seed, studyInstanceUid: study, instanceNumber, ...more });
    const objects = [make(1), make(2), make(1, { modality: 'SR' })];
    await store(suite.dicomweb, objects);
    const path_ = `studies/${study}/series/${series}`;
    const sop = (number: number) => testUid(`instance ${series} ${number}`);
    return {
      study,
      series,
      objects,
      make,
      at: { study: `studies/${study}`, series: path_, sop: (n: number) => `${path_}/instances/${sop(n)}` },
    };
  }
  const get = (place: string, init: RequestInit = {}) => fetch(`${suite.dicomweb}/${place}`, init);
  const remove = (place: string, init: RequestInit = {}) => get(place, { ...init, method: 'DELETE' });
  const status = async (response: Promise<Response>) => {
    const answered = await response;
    await answered.arrayBuffer();
    return answered.status;
  };
  const api = (place: string, method = 'GET') => fetch(`${suite.url}/api/deletions${place}`, { method });
  const listed = async (query = '') => ((await (await api(query)).json()) as { deletions: Listed[] }).deletions;
  async function deletionOf(response: Promise<Response>): Promise<string> {
    const answered = await response;
    expect([answered.status, await answered.text()]).toEqual([204, '']);
    return answered.headers.get('isocenter-deletion')!;
  }
  const until = (what: string, isSo: () => Promise<boolean>) =>
    waitFor(what, async () => ((await isSo()) ? true : undefined), 60);
  async function reading(study: string) {
    const items = await getWorklist(suite.url);
    return items.find((item) => item.studyInstanceUid === study && item.state === 'SCHEDULED');
  }

  it('takes a study away from every reader, and brings it back byte for byte', async () => {
    const { study, objects, at } = await stored();
    await until('the study is listed', async () => (await reading(study)) !== undefined);
    const deletionId = await deletionOf(remove(`${at.study}?reason=wrong%20patient`));
    for (const place of [
      `${at.study}/metadata`,
      `${at.series}/metadata`,
      `${at.sop(1)}/metadata`,
      at.study,
      at.series,
      at.sop(1),
      `${at.sop(1)}/frames/1`,
      `${at.sop(1)}/rendered`,
      `${at.study}/thumbnail`,
    ]) {
      expect([place, await status(get(place))]).toEqual([place, 410]);
    }
    const problem = await get(`${at.study}/metadata`);
    expect(problem.headers.get('content-type')).toBe('application/problem+json');
    expect(await problem.json()).toMatchObject({
      status: 410,
      code: 'gone',
      detail: expect.stringMatching(/^Study .* was deleted at .* until /),
    });
    expect(await status(get(`studies?0020000D=${study}`))).toBe(204);
    expect(await reading(study)).toBeUndefined();
    expect(await status(remove(at.study))).toBe(410);
    expect((await listed()).find((one) => one.deletionId === deletionId)).toMatchObject({
      cause: 'deleted',
      level: 'study',
      reason: 'wrong patient',
      instances: 3,
      bytes: objects.reduce((sum, object) => sum + object.length, 0),
      state: 'recoverable',
      patientName: `Test^Patient${seed}`,
    });

    // What can be brought back must not depend on the process that took it away.
    await suite.stop();
    await start();
    const restored = await api(`/${deletionId}/restore`, 'POST');
    expect([restored.status, await restored.json()]).toMatchObject([200, { state: 'restored' }]);
    const body = await get(at.sop(2), asStored);
    expect(Buffer.from(await body.arrayBuffer()).equals(objects[1]!)).toBe(true);
    expect((await (await get(`${at.study}/metadata`)).json()) as DicomJson[]).toHaveLength(3);
    await until('the study is listed again', async () => (await reading(study)) !== undefined);
    expect(await status(api(`/${deletionId}/restore`, 'POST'))).toBe(409);
    expect(await listed(`?state=restored&studyInstanceUid=${study}`)).toHaveLength(1);
  });

  it('has open worklists read anew, for the study has no line there any more', async () => {
    const { study, at } = await stored();
    await until('the study is listed', async () => (await reading(study)) !== undefined);
    const closing = new AbortController();
    const events = await fetch(`${suite.url}/api/worklist/events`, { signal: closing.signal });
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    let heard = (await reader.read()).value ?? '';
    await deletionOf(remove(at.study));
    while (!heard.includes('event: reload')) heard += (await reader.read()).value ?? '';
    closing.abort();
  });

  it('takes series and instances away, and counts and entity tags follow', async () => {
    const { study, at } = await stored();
    const counts = async () => {
      const [row] = (await (
        await get(`studies?0020000D=${study}&includefield=00201206,00201208`)
      ).json()) as DicomJson[];
      return [jsonNumber(row!, '00201206'), jsonNumber(row!, '00201208')];
    };
    expect(await counts()).toEqual([2, 3]);
    const etag = (await get(`${at.study}/metadata`)).headers.get('etag')!;
    await deletionOf(remove(at.sop(1), { headers: { 'x-deletion-reason': 'blurred' } }));
    expect(await counts()).toEqual([2, 2]);
    expect(await status(get(`${at.study}/metadata`, { headers: { 'if-none-match': etag } }))).toBe(200);
    expect(await status(get(at.sop(1)))).toBe(410);
    expect(await status(get(at.sop(2)))).toBe(200);
    await deletionOf(remove(at.series));
    expect(await counts()).toEqual([1, 1]);
    expect(await status(get(`${at.series}/metadata`))).toBe(410);
    expect((await listed(`?studyInstanceUid=${study}`)).map(({ level, reason }) => [level, reason])).toEqual([
      ['series', null],
      ['instance', 'blurred'],
    ]);
  });

  it('says which other content stands in the way of a restore', async () => {
    const { at, make } = await stored();
    const deletionId = await deletionOf(remove(at.study));
    await store(suite.dicomweb, [make(1, { rows: 30 })]);
    const refused = await api(`/${deletionId}/restore`, 'POST');
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      { code: 'restore-conflict', detail: expect.stringContaining(at.sop(1).split('/').at(-1)!) as unknown },
    ]);
  });

  it('purges now when told to, bytes and all', async () => {
    const blobs = () =>
      readdirSync(path.join(data.dataDir, 'blobs'), { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      ).length;
    const before = blobs();
    const { study, at } = await stored();
    expect(blobs()).toBe(before + 1);
    const deletionId = await deletionOf(remove(at.study));
    const usage = async () =>
      (await (await fetch(`${suite.url}/api/storage`)).json()) as { deleted: { instances: number } };
    const { deleted } = await usage();
    expect(deleted.instances).toBeGreaterThanOrEqual(3);
    expect(await status(api(`/${deletionId}/purge`, 'POST'))).toBe(200);
    await until('the pack is gone', async () => blobs() === before);
    expect((await usage()).deleted.instances).toBe(deleted.instances - 3);
    expect(await status(get(`${at.study}/metadata`))).toBe(410);
    expect(await status(api(`/${deletionId}/restore`, 'POST'))).toBe(409);
    expect(await listed(`?state=purged&studyInstanceUid=${study}`)).toMatchObject([
      { patientName: null, instances: 3 },
    ]);
  });

  it('answers what it does not know or cannot read with what is wrong', async () => {
    const { at } = await stored();
    expect(await status(remove('studies/1.2.3.4'))).toBe(404);
    expect(await status(remove(`${at.study}/series/1.2.3.4`))).toBe(404);
    expect(await status(remove(`${at.series}/instances/1.2.3.4`))).toBe(404);
    expect(await status(remove('studies/not-a-uid'))).toBe(400);
    expect(await status(remove(`${at.study}?reason=${'x'.repeat(301)}`))).toBe(400);
    expect(await status(get(at.sop(1)))).toBe(200);
    expect(await status(api('/not-a-uuid'))).toBe(404);
    expect(await status(api('/8d7b4b9e-6c9e-4a0e-9d2a-0f6f0a3b2c1d/restore', 'POST'))).toBe(404);
    expect(await status(api('?state=lost'))).toBe(400);
  });

  describe('where the policy is to replace', () => {
    beforeAll(async () => {
      await suite.stop();
      await start({ ISOCENTER_CONFLICT_POLICY: 'replace' });
    });

    it('answers with a warning, and gives the new version at once', async () => {
      const { study, at, make } = await stored();
      const frame = () => get(`${at.sop(1)}/frames/1`);
      const first = await frame();
      expect(first.headers.get('cache-control')).not.toContain('immutable');
      const tags = {
        frame: first.headers.get('etag')!,
        metadata: (await get(`${at.sop(1)}/metadata`)).headers.get('etag')!,
      };
      await first.arrayBuffer();
      const newer = make(1, { rows: 24, accessionNumber: 'NEW' });
      const { contentType, body } = multipartBody([newer]);
      const answer = await get('studies', {
        method: 'POST',
        headers: { 'content-type': contentType },
        body: new Uint8Array(body),
      });
      expect(answer.status).toBe(202);
      const [item] = jsonItems((await answer.json()) as DicomJson, '00081199');
      expect(jsonNumber(item!, '00081196')).toBe(0xb001);

      expect(await status(get(`${at.sop(1)}/frames/1`, { headers: { 'if-none-match': tags.frame } }))).toBe(200);
      expect(await status(get(`${at.sop(1)}/metadata`, { headers: { 'if-none-match': tags.metadata } }))).toBe(200);
      expect(await (await get(`${at.sop(1)}/metadata`)).text()).toContain('"NEW"');
      expect(Buffer.from(await (await get(at.sop(1), asStored)).arrayBuffer()).equals(newer)).toBe(true);
      const [former] = await listed(`?studyInstanceUid=${study}`);
      expect(former).toMatchObject({ cause: 'replaced', instances: 1 });
      expect(await status(api(`/${former!.deletionId}/restore`, 'POST'))).toBe(409);
      await deletionOf(remove(at.sop(1)));
      expect(await status(api(`/${former!.deletionId}/restore`, 'POST'))).toBe(200);
      expect(Buffer.from(await (await get(at.sop(1), asStored)).arrayBuffer()).equals(make(1))).toBe(true);
    });
  });
});

describe('deletion where a token is asked for', () => {
  it('is refused without it', async () => {
    const data = await makeDataDir();
    const token = 'a'.repeat(32);
    const suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_API_TOKEN: token } });
    try {
      for (const [place, method] of [
        ['dicom-web/studies/1.2.3', 'DELETE'],
        ['dicom-web/changefeed', 'GET'],
        ['api/deletions', 'GET'],
      ] as const) {
        const ask = (headers: Record<string, string>) => fetch(`${suite.url}/${place}`, { method, headers });
        expect([place, (await ask({})).status]).toEqual([place, 401]);
        expect([place, (await ask({ authorization: `Bearer ${token}` })).status]).not.toEqual([place, 401]);
      }
    } finally {
      await suite.stop();
      await data.remove();
    }
  });
});
