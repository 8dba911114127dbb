import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { S3BlobStore } from '#libs/blobs';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { startS3, type TestS3 } from '../support/s3.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(300_000);

interface ListedPack {
  packId: string;
  bytes: number;
  instances: number;
  copies: { tier: string; store: string; state: string; retiredAt: string | null }[];
}

interface StorageUsage {
  studies: number;
  instances: number;
  tiers: { tier: string; hasStore: boolean; stores: string[]; packs: number; bytes: number }[];
  retired: { copies: number; bytes: number };
  dataFolder: { bytesFree: number; bytesTotal: number };
}

const token = 'an-administrators-token-of-this-test';
const bearer = { authorization: `Bearer ${token}` };

describe('the storage tiers, in the suite as shipped', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let s3Folder: string;
  let s3: TestS3;
  let bucket: S3BlobStore;
  let suite: RunningProcess;

  const studyInstanceUid = testUid('storage tiers');
  // One study, two requests, so two packs.
  const instances = [1, 2].map((instanceNumber) =>
    makeInstance({ studyInstanceUid, instanceNumber, rows: 64, columns: 64, patientId: 'STORAGE-1' }),
  );

  const start = (environment: Record<string, string> = {}) =>
    startApp({ dataDir: data.dataDir, environment: { ...s3.environment, ISOCENTER_API_TOKEN: token, ...environment } });
  async function restart(environment: Record<string, string>): Promise<void> {
    expect(await suite.stop()).toBe(0);
    suite = await start(environment);
  }
  beforeAll(async () => {
    data = await makeDataDir();
    s3Folder = await mkdtemp(path.join(tmpdir(), 'isocenter-s3-'));
    s3 = await startS3(s3Folder);
    bucket = new S3BlobStore('s3', { ...s3.options, prefix: '', storageClass: undefined });
    suite = await start();
  });
  afterAll(async () => {
    await suite?.stop();
    await s3?.stop();
    await data?.remove();
    await rm(s3Folder, { recursive: true, force: true });
  });

  async function get<T>(route: string): Promise<T> {
    const response = await fetch(`${suite.url}/api/storage${route}`, { headers: bearer });
    if (response.status !== 200) throw new Error(`${route}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
  const packs = () => get<ListedPack[]>(`/packs?studyInstanceUid=${studyInstanceUid}`);
  async function post(route: string, body?: object, headers: Record<string, string> = bearer): Promise<number> {
    const response = await fetch(`${suite.url}/api/storage${route}`, {
      method: 'POST',
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    await response.arrayBuffer();
    return response.status;
  }
  async function storeInstance(bytes: Buffer): Promise<number> {
    const { contentType, body } = multipartBody([bytes]);
    const response = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': contentType, accept: 'application/dicom+json' },
      body: new Uint8Array(body),
    });
    await response.arrayBuffer();
    return response.status;
  }
  /** The whole study over WADO-RS: how many of our instances are in it, byte for byte. */
  async function retrieved(): Promise<number> {
    const response = await fetch(`${suite.dicomweb}/studies/${studyInstanceUid}`, {
      headers: { ...bearer, accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
    });
    expect(response.status).toBe(200);
    const body = Buffer.from(await response.arrayBuffer());
    return instances.filter((instance) => body.includes(instance)).length;
  }
  async function blobsOnDisk(): Promise<number> {
    const entries = await readdir(path.join(data.dataDir, 'blobs'), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && path.basename(entry.parentPath) !== 'staging').length;
  }
  async function blobsInBucket(): Promise<number> {
    let count = 0;
    for await (const blob of bucket.list()) count += blob.bytes > 0 ? 1 : 0;
    return count;
  }

  it('takes new studies on the hot tier', async () => {
    for (const instance of instances) expect(await storeInstance(instance)).toBe(200);
    const found = await packs();
    expect(found).toHaveLength(2);
    expect(found.map(({ copies }) => copies)).toEqual([
      [expect.objectContaining({ tier: 'hot', store: 'local', state: 'ready', retiredAt: null })],
      [expect.objectContaining({ tier: 'hot', store: 'local', state: 'ready', retiredAt: null })],
    ]);
    expect(found.map(({ bytes, instances: held }) => [bytes, held])).toEqual(
      instances.map((instance) => [instance.length, 1]),
    );
    expect(await retrieved()).toBe(2);
  });

  it('moves a pack to S3 when asked, and serves the same bytes from there', async () => {
    const [first, second] = await packs();
    expect(await post(`/packs/${first!.packId}/move`, { tier: 'warm' })).toBe(202);
    const moved = await waitFor('the move', async () => {
      const pack = (await packs()).find(({ packId }) => packId === first!.packId);
      return pack?.copies.some(({ tier, state }) => tier === 'warm' && state === 'ready') === true ? pack : undefined;
    });
    expect(moved.copies.map(({ tier, state }) => `${tier} ${state}`)).toEqual(['hot retired', 'warm ready']);
    expect(await blobsInBucket()).toBe(1);
    expect((await packs()).find(({ packId }) => packId === second!.packId)!.copies).toHaveLength(1);
    expect(await retrieved()).toBe(2);
  });

  it('keeps the replaced copy for its grace, takes it away after, and still serves every byte', async () => {
    expect(await blobsOnDisk()).toBe(2);
    // Only now, so that a collection by the clock cannot come before what is looked at above.
    await restart({ ISOCENTER_GRACE_HOURS: '0' });
    expect(await post('/collect-garbage')).toBe(202);
    await waitFor('the garbage collection', async () => ((await blobsOnDisk()) === 1 ? true : undefined));
    const all = await waitFor('its rows', async () => {
      const found = await packs();
      return found.every(({ copies }) => copies.length === 1) ? found : undefined;
    });
    expect(all.map(({ copies }) => copies[0]!.tier).sort()).toEqual(['hot', 'warm']);
    expect(await retrieved()).toBe(2);
  });

  it('reads a frame from S3 as from the disk', async () => {
    const frame = async (instanceNumber: number) => {
      const seriesInstanceUid = testUid(`series ${studyInstanceUid} CT`);
      const sopInstanceUid = testUid(`instance ${seriesInstanceUid} ${instanceNumber}`);
      const response = await fetch(
        `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/frames/1`,
        { headers: { ...bearer, accept: 'multipart/related; type="application/octet-stream"' } },
      );
      expect(response.status).toBe(200);
      return Buffer.from(await response.arrayBuffer());
    };
    for (const [index, instance] of instances.entries()) {
      const pixels = instance.subarray(instance.length - 64 * 64 * 2);
      expect((await frame(index + 1)).includes(pixels)).toBe(true);
    }
  });

  it('says what is where', async () => {
    const usage = await get<StorageUsage>('');
    expect(usage).toMatchObject({
      studies: 1,
      instances: 2,
      tiers: [
        { tier: 'hot', hasStore: true, stores: ['local'], packs: 1, bytes: instances[1]!.length },
        { tier: 'warm', hasStore: true, stores: ['s3'], packs: 1, bytes: instances[0]!.length },
        { tier: 'cold', hasStore: false, stores: [], packs: 0, bytes: 0 },
      ],
      retired: { copies: 0, bytes: 0 },
    });
    expect(usage.dataFolder.bytesFree).toBeGreaterThan(0);
    expect(usage.dataFolder.bytesTotal).toBeGreaterThan(usage.dataFolder.bytesFree);
  });

  it('calls a pack back to the disk beside its copy in S3', async () => {
    const [first] = await packs();
    expect(await post(`/packs/${first!.packId}/move`, { tier: 'hot' })).toBe(202);
    await waitFor('the call back', async () => ((await blobsOnDisk()) === 2 ? true : undefined));
    await waitFor('its row', async () => ((await packs())[0]!.copies.length === 2 ? true : undefined));
    expect(await retrieved()).toBe(2);
    expect(await blobsInBucket()).toBe(1);
  });

  it.each([
    ['an unknown pack', '/packs/5a34a3c5-2a5b-4d0f-9d5e-0b9f8d0c7a11/move', { tier: 'warm' }, 404],
    ['what is no pack id', '/packs/..%2f..%2fetc/move', { tier: 'warm' }, 404],
    ['a tier without a store', '/packs/{pack}/move', { tier: 'cold' }, 400],
    ['a tier that does not exist', '/packs/{pack}/move', { tier: 'lukewarm' }, 400],
    ['something more', '/packs/{pack}/move', { tier: 'warm', now: true }, 400],
    ['nothing', '/packs/{pack}/move', undefined, 400],
  ])('answers a move of %s with its status', async (_, route, body, status) => {
    const [first] = await packs();
    expect(await post(route.replace('{pack}', first!.packId), body)).toBe(status);
  });

  it('asks which study', async () => {
    for (const search of ['', '?studyInstanceUid=', '?studyInstanceUid=1.2&studyInstanceUid=1.3']) {
      const response = await fetch(`${suite.url}/api/storage/packs${search}`, { headers: bearer });
      await response.arrayBuffer();
      expect(response.status).toBe(400);
    }
    expect(await get('/packs?studyInstanceUid=1.2.3')).toEqual([]);
  });

  it('is for those who may', async () => {
    for (const headers of [{}, { authorization: 'Bearer another-token-of-the-same-length-as' }] as Record<
      string,
      string
    >[]) {
      expect((await fetch(`${suite.url}/api/storage`, { headers })).status).toBe(401);
      expect(await post('/plan', undefined, headers)).toBe(401);
      expect(await post('/collect-garbage', undefined, headers)).toBe(401);
    }
  });

  it('moves by itself what has become old, and serves it from S3 alone', async () => {
    expect((await get<StorageUsage>('')).tiers.map(({ packs: count }) => count)).toEqual([2, 1, 0]);
    await restart({ ISOCENTER_WARM_AFTER_DAYS: '0.00001', ISOCENTER_GRACE_HOURS: '0' });
    const usage = await waitFor('the planned moves', async () => {
      expect(await post('/plan')).toBe(202);
      const found = await get<StorageUsage>('');
      return found.tiers[0]!.packs === 0 ? found : undefined;
    });
    // The series came in two packs, and is one now.
    expect(usage.tiers.map(({ packs: count }) => count)).toEqual([0, 1, 0]);
    expect(await packs()).toMatchObject([{ instances: 2 }]);
    await waitFor('the garbage collection', async () => {
      expect(await post('/collect-garbage')).toBe(202);
      // What previews are made of stays on the disk.
      return (await blobsOnDisk()) === 1 && (await blobsInBucket()) === 1 ? true : undefined;
    });
    expect(await retrieved()).toBe(2);
  });

  it('refuses what it has no room for before a byte is written, with 507, and takes it again when there is', async () => {
    await restart({ ISOCENTER_HOT_QUOTA_BYTES: '1', ISOCENTER_GRACE_HOURS: '0' });
    const another = makeInstance({ studyInstanceUid: testUid('one too many'), patientId: 'STORAGE-2' });
    // Nothing is on the hot tier but previews: they count, too.
    const { contentType, body } = multipartBody([another]);
    const refused = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': contentType, accept: 'application/dicom+json' },
      body: new Uint8Array(body),
    });
    expect(refused.status).toBe(507);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(((await refused.json()) as { detail: string }).detail).toContain('ISOCENTER_HOT_QUOTA_BYTES');
    expect(await readdir(path.join(data.dataDir, 'blobs', 'staging'))).toEqual([]);
    expect(await retrieved()).toBe(2);
    await restart({});
    expect(await storeInstance(another)).toBe(200);
  });
});
