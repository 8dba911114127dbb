import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type FaultProxy, type S3Operation, startFaultProxy } from '../faults/s3-fault-proxy.js';
import { makeInstance, testUid } from '../support/make-instance.js';
import { startS3, type TestS3 } from '../support/s3.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

const restoreMilliseconds = 4_000;

/** A suite whose warm tier is a bucket and whose cold tier is an archive class of it, as it ships, and what it asks of S3. */
describe.each(['copy', 'lifecycle'])('studies in a bucket and in its archive class, by %s', (by) => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let folder: string;
  let s3: TestS3;
  let proxy: FaultProxy;
  let suite: RunningProcess;

  const studyInstanceUid = testUid('archived study');
  const seriesInstanceUid = testUid(`series ${studyInstanceUid} CT`);
  const count = 6;
  const instances = Array.from({ length: count }, (_, index) =>
    makeInstance({ studyInstanceUid, instanceNumber: index + 1, rows: 64, columns: 64, patientId: 'ARCHIVE-1' }),
  );
  const frameBytes = 64 * 64 * 2;

  beforeAll(async () => {
    data = await makeDataDir();
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-s3-'));
    s3 = await startS3(folder);
    const lifecycle = { prefix: 'cold/', storageClass: 'GLACIER', afterMilliseconds: 0 };
    proxy = await startFaultProxy(s3.options.endpoint, {
      archive: { classes: ['GLACIER'], restoreMilliseconds, ...(by === 'lifecycle' && { lifecycle }) },
    });
    const { bucket, credentials } = s3.options;
    const place = { kind: 's3', bucket, endpoint: proxy.endpoint, forcePathStyle: true, ...credentials };
    const stores = [
      { kind: 'filesystem', name: 'local', tier: 'hot', path: path.join(data.dataDir, 'blobs') },
      { ...place, name: 'warm', tier: 'warm', prefix: 'warm/' },
      { ...place, name: 'cold', tier: 'cold', prefix: 'cold/', storageClass: 'GLACIER', archive: { by } },
    ];
    const environment =
      by === 'lifecycle'
        ? { ISOCENTER_STORES: JSON.stringify(stores) }
        : { ...s3.environment, S3_ENDPOINT: proxy.endpoint, S3_COLD_STORAGE_CLASS: 'GLACIER' };
    suite = await startApp({ dataDir: data.dataDir, environment });
    for (const instance of instances) await store(suite.dicomweb, [instance]);
    // The self-test is over when the store says so.
    await waitFor('the self-test', async () => {
      const { stores } = (await api('/stores')) as { stores: { selfTest?: object }[] };
      return stores.slice(1).every((store) => store.selfTest !== undefined) ? true : undefined;
    });
  });
  afterAll(async () => {
    await suite?.stop();
    await proxy?.close();
    await s3?.stop();
    await data?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function api(route: string, body?: object, method = body === undefined ? 'GET' : 'POST'): Promise<unknown> {
    const response = await fetch(`${suite.url}/api/storage${route}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${route}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
  const of = (...operations: S3Operation[]) => proxy.requests.filter(({ operation }) => operations.includes(operation));
  async function moveTo(tier: string): Promise<void> {
    await api(`/studies/${studyInstanceUid}/move`, { tier });
    await waitFor(`the move to ${tier}`, async () => {
      const { open } = (await api('/moves')) as { open: { series: number } };
      return open.series === 0 ? true : undefined;
    });
  }
  const frame = (number: number, headers: Record<string, string> = {}) => {
    const sopInstanceUid = testUid(`instance ${seriesInstanceUid} ${number}`);
    return fetch(
      `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/frames/1`,
      { headers: { accept: 'multipart/related; type="application/octet-stream"', ...headers } },
    );
  };
  async function availability(): Promise<string[]> {
    const response = await fetch(`${suite.dicomweb}/studies?StudyInstanceUID=${studyInstanceUid}`, {
      headers: { accept: 'application/dicom+json' },
    });
    const [study] = (await response.json()) as Record<string, { Value: string[] }>[];
    return study!['00080056']!.Value;
  }

  it('writes a series of six requests as one object, by one PUT, and reads it back by one GET', async () => {
    proxy.forget();
    await moveTo('warm');
    expect(of('PutObject')).toHaveLength(1);
    expect(of('GetObject').map(({ key, range }) => [key, range])).toEqual([[of('PutObject')[0]!.key, undefined]]);
    expect(of('CreateMultipartUpload', 'UploadPart', 'List', 'DeleteObject')).toEqual([]);
    const packs = (await api(`/packs?studyInstanceUid=${studyInstanceUid}`)) as { instances: number }[];
    expect(packs.map(({ instances: held }) => held)).toEqual([count]);
    expect(await availability()).toEqual(['ONLINE']);
  });

  it('reads a frame by one ranged GET of its bytes, and nothing else', async () => {
    proxy.forget();
    const response = await frame(2);
    expect(response.status).toBe(200);
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.includes(instances[1]!.subarray(-frameBytes))).toBe(true);
    expect(proxy.requests).toHaveLength(1);
    const [first, last] = proxy.requests[0]!.range!.slice('bytes='.length).split('-').map(Number);
    expect(last! - first! + 1).toBe(frameBytes);
  });

  it('reads the first and the middle frame, thumbnails and metadata without asking S3', async () => {
    proxy.forget();
    for (const number of [1, count / 2 + 1]) {
      const response = await frame(number);
      expect(response.status).toBe(200);
      const body = Buffer.from(await response.arrayBuffer());
      expect(body.includes(instances[number - 1]!.subarray(-frameBytes))).toBe(true);
    }
    for (const route of ['thumbnail', 'metadata', `series/${seriesInstanceUid}/thumbnail`]) {
      const response = await fetch(`${suite.dicomweb}/studies/${studyInstanceUid}/${route}`);
      await response.arrayBuffer();
      expect([route, response.status]).toEqual([route, 200]);
    }
    expect(proxy.requests).toEqual([]);
  });

  it('reads the whole study by one ranged GET an instance', async () => {
    proxy.forget();
    const response = await fetch(`${suite.dicomweb}/studies/${studyInstanceUid}`, {
      headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
    });
    const body = Buffer.from(await response.arrayBuffer());
    for (const instance of instances) expect(body.includes(instance)).toBe(true);
    expect(proxy.requests).toHaveLength(count);
  });

  it('archives what was read back, and then says NEARLINE', async () => {
    await moveTo('cold');
    const copies = of('CopyObject');
    expect(copies).toHaveLength(1);
    const place = proxy.requests.findIndex(({ operation }) => operation === 'CopyObject');
    const before = proxy.requests.slice(0, place).filter(({ key }) => key === copies[0]!.key);
    expect(before.map(({ operation }) => operation)).toContain('GetObject');
    expect(await availability()).toEqual(['NEARLINE']);
  });

  it('gives metadata, thumbnails and previews of an archived study, and answers 503 with Retry-After for the rest', async () => {
    for (const route of ['thumbnail', 'metadata']) {
      const response = await fetch(`${suite.dicomweb}/studies/${studyInstanceUid}/${route}`);
      await response.arrayBuffer();
      expect([route, response.status]).toEqual([route, 200]);
    }
    expect((await frame(1)).status).toBe(200);
    proxy.forget();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => frame(index % 2 === 0 ? 2 : 3)));
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(((await answer.json()) as { detail: string }).detail).toContain('being restored');
    }
    await waitFor('the restore to be asked for', async () => (of('RestoreObject').length > 0 ? true : undefined));
    const { recalls } = (await api('/recalls')) as { recalls: { state: string }[] };
    expect(recalls).toHaveLength(1);
  });

  it('brings it back by one restore, however many asked, and reads it from the disk then', async () => {
    await waitFor('the recall', async () => {
      const { recalls } = (await api('/recalls')) as { recalls: { state: string }[] };
      return recalls[0]!.state === 'done' ? true : undefined;
    });
    expect(of('RestoreObject')).toHaveLength(1);
    proxy.forget();
    for (let number = 1; number <= count; number += 1) expect((await frame(number)).status).toBe(200);
    expect(proxy.requests).toEqual([]);
    expect(await availability()).toEqual(['ONLINE']);
  });

  it('fetches the studies of a patient before they are asked for', async () => {
    await moveTo('cold');
    expect(await availability()).toEqual(['NEARLINE']);
    const { studies } = (await api('/prefetch-priors', { patientId: 'ARCHIVE-1' })) as {
      studies: { studyInstanceUid: string; recalled: { ordered: number } }[];
    };
    expect(studies).toMatchObject([{ studyInstanceUid, recalled: { ordered: 1 } }]);
    await waitFor('the prefetch', async () => ((await availability())[0] === 'ONLINE' ? true : undefined));
    expect((await frame(2)).status).toBe(200);
  });

  it('finds by scrubbing that an archived object was written over, and writes it anew from a copy that waits', async () => {
    proxy.forget();
    await moveTo('cold');
    // It was there still, and was asked about.
    const { key } = of('HeadObject').at(-1)!;
    const { endpoint, bucket, region, credentials } = s3.options;
    // Behind the proxy, which goes on to say what it said of the object.
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: randomBytes(1_000) }));
    client.destroy();
    proxy.forget();
    await api('/scrub', {});
    const anew = await waitFor('the repair', async () => of('CopyObject').find((copied) => copied.key !== key));
    expect(anew.key).not.toBe(key);
    const scrub = (await waitFor('the end of the scrub', async () => {
      const report = (await api('/scrub')) as { percent: number; damaged: object[] };
      return report.percent === 100 && of('DeleteObject').length > 0 ? report : undefined;
    })) as { damaged: object[] };
    expect(scrub.damaged).toEqual([]);
    expect(await availability()).toEqual(['NEARLINE']);
  });

  it('keeps a study on legal hold from being deleted, and lets it go after', async () => {
    await api(`/studies/${studyInstanceUid}/legal-hold`, { reason: 'a court asked' }, 'PUT');
    const remove = () => fetch(`${suite.dicomweb}/studies/${studyInstanceUid}`, { method: 'DELETE' });
    const refused = await remove();
    expect(refused.status).toBe(409);
    expect(((await refused.json()) as { detail: string }).detail).toContain('a court asked');
    await api(`/studies/${studyInstanceUid}/legal-hold`, undefined, 'DELETE');
    expect((await remove()).ok).toBe(true);
  });
});
