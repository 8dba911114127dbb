import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ProxiedS3, startProxiedS3 } from '../faults/proxied-s3.js';
import type { FaultProxy } from '../faults/s3-fault-proxy.js';
import { makeInstance, testUid } from '../support/make-instance.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

interface Problem {
  title: string;
  detail: string;
  stores: { store: string; why: string; reason: string }[];
}
interface Store {
  name: string;
  takesNew: boolean;
  selfTest?: { isUsable: boolean; checks: { what: string; result: string; detail: string }[] };
}

/** Orders to tiers whose stores take nothing, and moves that met one that took nothing any more. */
describe('tiers that take nothing', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let folder: string;
  let s3: ProxiedS3;
  let proxy: FaultProxy;
  let suite: RunningProcess;
  /** What the keys of the bucket may not do. */
  let denied = ['DeleteObject'];

  const studies = ['one', 'another'].map((name) => testUid(`study ${name} of those refused`));
  const [one, another] = studies as [string, string];

  beforeAll(async () => {
    data = await makeDataDir();
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-refused-'));
    s3 = await startProxiedS3(folder, 'refused');
    proxy = s3.proxy;
    const stores = [
      { kind: 'filesystem', name: 'local', tier: 'hot', path: path.join(data.dataDir, 'blobs') },
      { ...s3.place, name: 'bucket', tier: 'warm' },
      { kind: 'filesystem', name: 'former', tier: 'cold', path: path.join(folder, 'former'), readOnly: true },
      { kind: 'filesystem', name: 'small', tier: 'cold', path: path.join(folder, 'small'), maxGb: 0.000001 },
    ];
    proxy.fault = ({ operation }) =>
      denied.includes(operation) ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined;
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_STORES: JSON.stringify(stores) } });
    const parts = studies.map((studyInstanceUid) =>
      makeInstance({
        studyInstanceUid,
        instanceNumber: 1,
        rows: 64,
        columns: 64,
        frameBytes: [randomBytes(64 * 64 * 2)],
      }),
    );
    await store(suite.dicomweb, parts);
  });
  afterAll(async () => {
    await suite?.stop();
    await s3?.stop();
    await data?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function order(study: string, tier: string): Promise<{ status: number; problem: Problem }> {
    const response = await fetch(`${suite.url}/api/storage/studies/${study}/move`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tier }),
    });
    return { status: response.status, problem: (await response.json()) as Problem };
  }
  async function bucket(): Promise<Store> {
    const { stores } = (await (await fetch(`${suite.url}/api/storage/stores`)).json()) as { stores: Store[] };
    return stores.find(({ name }) => name === 'bucket')!;
  }
  async function moves(): Promise<{ studyInstanceUid: string; state: string; error: string | null }[]> {
    const report = (await (await fetch(`${suite.url}/api/storage/moves`)).json()) as { moves: [] };
    return report.moves;
  }
  const isUsable = (wanted: boolean) =>
    waitFor('the self-test', async () => ((await bucket()).selfTest?.isUsable === wanted ? true : undefined));

  it('refuse an order at once, and say which right is lacking', async () => {
    await isUsable(false);
    const { takesNew, selfTest } = await bucket();
    expect(takesNew).toBe(false);
    expect(selfTest!.checks.find(({ what }) => what === 'deleting')!.detail).toContain('the right s3:DeleteObject');
    const { status, problem } = await order(one, 'warm');
    expect(status).toBe(409);
    expect(problem).toMatchObject({
      title: 'The tier takes nothing',
      detail: expect.stringContaining('The tier warm takes nothing now: bucket did not pass its self-test'),
      stores: [{ store: 'bucket', why: 'unusable', reason: expect.stringContaining('s3:DeleteObject') }],
    });
    expect(await moves()).toEqual([]);
  });

  it('take orders when the right was given, without a new start', async () => {
    denied = [];
    await isUsable(true);
    expect((await order(one, 'warm')).status).toBe(202);
    await waitFor('the move', async () => ((await moves()).every(({ state }) => state === 'done') ? true : undefined));
  });

  it('let a move wait that was ordered before, and carry it out soon after they take something again', async () => {
    denied = ['PutObject', 'CreateMultipartUpload'];
    expect((await order(another, 'warm')).status).toBe(202);
    const waiting = await waitFor('the move to be put off', async () =>
      (await moves()).find(({ state, error }) => state === 'waiting' && error !== null),
    );
    expect(waiting.studyInstanceUid).toBe(another);
    expect(waiting.error).toContain('needs the right s3:PutObject');
    expect((await order(another, 'warm')).status).toBe(409);
    denied = [];
    await waitFor('the move', async () => ((await moves()).every(({ state }) => state === 'done') ? true : undefined));
  });

  it('are told from tiers that are full, and from those there are none of', async () => {
    expect((await order(one, 'cold')).status).toBe(202);
    await waitFor('the move', async () => ((await moves()).every(({ state }) => state === 'done') ? true : undefined));
    const { status, problem } = await order(another, 'cold');
    expect(status).toBe(507);
    expect(problem).toMatchObject({
      title: 'The tier is full',
      detail: expect.stringContaining('former is read-only; small holds its 1000 bytes'),
      stores: [{ why: 'read-only' }, { why: 'full' }],
    });
    expect((await order(one, 'lukewarm')).status).toBe(400);
  });
});
