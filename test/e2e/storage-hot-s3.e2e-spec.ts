import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ProxiedS3, startProxiedS3 } from '../faults/proxied-s3.js';
import type { FaultProxy } from '../faults/s3-fault-proxy.js';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(300_000);

const side = 128;
const frameBytes = side * side * 2;
const noise = (rows: number): Buffer => randomBytes(rows * rows * 2);

/** A suite that has no disk for pixel data: what comes goes into a bucket, and what is read is kept near for a while. */
describe('a suite whose hot tier is a bucket with a local read cache', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let folder: string;
  let s3: ProxiedS3;
  let proxy: FaultProxy;
  let suite: RunningProcess;
  let environment: Record<string, string>;
  /** Until someone gives the keys the right to write. */
  let isDenied = true;
  const cacheBytesMax = 2_000_000;

  const studyInstanceUid = testUid('study in a hot bucket');
  const seriesInstanceUid = testUid(`series ${studyInstanceUid} CT`);
  const make = (instanceNumber: number, study = studyInstanceUid) =>
    makeInstance({ studyInstanceUid: study, instanceNumber, rows: side, columns: side, frameBytes: [noise(side)] });
  const instances = [1, 2, 3, 4].map((number) => make(number));

  beforeAll(async () => {
    data = await makeDataDir();
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-s3-'));
    s3 = await startProxiedS3(folder, 'hot');
    proxy = s3.proxy;
    const stores = [
      { ...s3.place, name: 'bucket', tier: 'hot', readCacheGb: cacheBytesMax / 1e9 },
      { kind: 'filesystem', name: 'far', tier: 'warm', path: path.join(folder, 'far') },
    ];
    environment = { ISOCENTER_STORES: JSON.stringify(stores), ISOCENTER_GRACE_HOURS: '0' };
    proxy.fault = ({ key }) =>
      isDenied && key.includes('/self-test/') ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined;
    suite = await startApp({ dataDir: data.dataDir, environment });
  });
  afterAll(async () => {
    await suite?.stop();
    await s3?.stop();
    await data?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function store(parts: Buffer[]): Promise<{ status: number; body: string }> {
    const { contentType, body } = multipartBody(parts);
    const response = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': contentType, accept: 'application/dicom+json' },
      body: new Uint8Array(body),
    });
    return { status: response.status, body: await response.text() };
  }
  async function retrieve(study = studyInstanceUid): Promise<Buffer> {
    const response = await fetch(`${suite.dicomweb}/studies/${study}`, {
      headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
    });
    expect(response.status).toBe(200);
    return Buffer.from(await response.arrayBuffer());
  }
  const frame = async (number: number) => {
    const sopInstanceUid = testUid(`instance ${seriesInstanceUid} ${number}`);
    const response = await fetch(
      `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/frames/1`,
      { headers: { accept: 'multipart/related; type="application/octet-stream"' } },
    );
    expect(response.status).toBe(200);
    return Buffer.from(await response.arrayBuffer());
  };
  const of = (operation: string) => proxy.requests.filter((request) => request.operation === operation);
  const post = (route: string, body: object = {}) =>
    fetch(`${suite.url}/api/storage${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  const isUsable = async (): Promise<boolean | undefined> => {
    const { stores } = (await (await fetch(`${suite.url}/api/storage/stores`)).json()) as {
      stores: { selfTest?: { isUsable: boolean } }[];
    };
    return stores[0]!.selfTest?.isUsable;
  };

  it('tries a bucket again that could not be used when the suite started', async () => {
    await waitFor('the first self-test', async () => ((await isUsable()) === false ? true : undefined));
    isDenied = false;
    await waitFor('another', async () => ((await isUsable()) === true ? true : undefined));
  });

  it('stores a request as one object, and gives every byte back', async () => {
    proxy.forget();
    const { status } = await store(instances);
    expect(status).toBe(200);
    expect(of('PutObject')).toHaveLength(1);
    const body = await retrieve();
    for (const instance of instances) expect(body.includes(instance)).toBe(true);
  });

  it('keeps what it has of a request where one of its instances is broken', async () => {
    const study = testUid('study with a broken instance');
    const good = [make(1, study), make(2, study)];
    const { status } = await store([good[0]!, make(3, study).subarray(0, 700), good[1]!]);
    expect(status).toBe(202);
    const body = await retrieve(study);
    for (const instance of good) expect(body.includes(instance)).toBe(true);
  });

  it('asks the bucket for a frame once', async () => {
    const first = await frame(2);
    proxy.forget();
    expect((await frame(2)).includes(instances[1]!.subarray(-frameBytes))).toBe(true);
    expect(first.length).toBe((await frame(2)).length);
    expect(proxy.requests).toEqual([]);
  });

  it('keeps no more than it may, and reads on when the folder was emptied', async () => {
    const study = testUid('a study larger than the cache');
    const large = Array.from({ length: 4 }, (_, number) =>
      makeInstance({
        studyInstanceUid: study,
        instanceNumber: number + 1,
        rows: 700,
        columns: 700,
        frameBytes: [noise(700)],
      }),
    );
    expect((await store(large)).status).toBe(200);
    const body = await retrieve(study);
    for (const instance of large) expect(body.includes(instance)).toBe(true);
    const { stores } = (await (await fetch(`${suite.url}/api/storage/stores`)).json()) as {
      stores: { readCache?: { bytes: number; bytesMax: number } }[];
    };
    expect(stores[0]!.readCache!.bytesMax).toBe(cacheBytesMax);
    expect(stores[0]!.readCache!.bytes).toBeLessThanOrEqual(cacheBytesMax);
    const cache = path.join(data.dataDir, 'cache');
    for (const name of await readdir(cache)) {
      for (const file of await readdir(path.join(cache, name))) await rm(path.join(cache, name, file));
    }
    expect((await frame(3)).includes(instances[2]!.subarray(-frameBytes))).toBe(true);
  });

  it('has whole what was acknowledged, and nothing of what was not, when it is killed while studies come', async () => {
    const studies = Array.from({ length: 12 }, (_, index) => testUid(`study ${index} in a hot bucket`));
    const sent = new Map(studies.map((study) => [study, [make(1, study), make(2, study)]]));
    const acknowledged: string[] = [];
    proxy.forget();
    const sending = Promise.all(
      studies.map(async (study) => {
        try {
          if ((await store(sent.get(study)!)).status === 200) acknowledged.push(study);
        } catch {
          // it was killed
        }
      }),
    );
    // While some are on their way into the bucket.
    await waitFor('objects on their way', async () => (of('PutObject').length >= 3 ? true : undefined));
    await suite.kill();
    await sending;
    suite = await startApp({ dataDir: data.dataDir, environment });
    for (const study of studies) {
      const response = await fetch(`${suite.dicomweb}/studies/${study}`, {
        headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
      });
      const body = Buffer.from(await response.arrayBuffer());
      const found = sent.get(study)!.filter((instance) => body.includes(instance));
      // Committed, and the answer was lost; or not committed. Never the half of it.
      expect([study, response.status, found.length]).toEqual(
        acknowledged.includes(study) || response.status === 200 ? [study, 200, 2] : [study, 404, 0],
      );
    }
    const body = await retrieve();
    for (const instance of instances) expect(body.includes(instance)).toBe(true);
  });

  it('moves on to another tier and back, and deletes from the bucket what is past its grace', async () => {
    expect((await post(`/studies/${studyInstanceUid}/move`, { tier: 'warm' })).status).toBe(202);
    const usage = async () => {
      const { usage: rows } = (await (await fetch(`${suite.url}/api/storage/usage`)).json()) as {
        usage: { tier: string }[];
      };
      return rows.map(({ tier }) => tier);
    };
    await waitFor('the move', async () => ((await usage()).includes('warm') ? true : undefined));
    proxy.forget();
    await waitFor('the garbage collection', async () => {
      await post('/collect-garbage');
      return of('DeleteObject').length > 0 ? true : undefined;
    });
    const body = await retrieve();
    for (const instance of instances) expect(body.includes(instance)).toBe(true);
    expect((await post(`/studies/${studyInstanceUid}/prefetch`)).status).toBe(202);
    await waitFor('the way back', async () => (of('PutObject').length > 0 ? true : undefined));
    const again = await retrieve();
    for (const instance of instances) expect(again.includes(instance)).toBe(true);
  });

  it('is sound, every digest compared', async () => {
    const child = spawn(process.execPath, ['dist/apps/storage/src/fsck/fsck.main.js', '--digests'], {
      cwd: path.resolve(import.meta.dirname, '../..'),
      env: { PATH: process.env['PATH'] ?? '', ISOCENTER_DATA_DIR: data.dataDir, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    for await (const chunk of child.stdout) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ isSound: true, problems: [] });
  });
});
