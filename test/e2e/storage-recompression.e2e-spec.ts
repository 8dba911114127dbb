import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(300_000);

interface MovesReport {
  open: { series: number };
  lastDay: { bytesSaved: number };
  moves: {
    studyInstanceUid: string;
    state: string;
    keptAsIs: Record<string, number>;
    storedBytes: number;
    bytes: number;
  }[];
}

const jpegLs = '1.2.840.10008.1.2.4.80';

describe('a study whose frames were compressed on their way, in the suite as shipped', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  const studyInstanceUid = testUid('recompression');
  const seriesInstanceUid = testUid('recompressed series');
  const uids = { studyInstanceUid, seriesInstanceUid };
  const frame = (phase: number) => {
    const bytes = Buffer.alloc(2 * 64 * 64);
    for (let at = 0; at < 64 * 64; at += 1) {
      bytes.writeUInt16LE(Math.round(1000 + 600 * Math.sin((at % 64) / 9 + phase) + Math.floor(at / 64) * 3), 2 * at);
    }
    return bytes;
  };
  const size = { ...uids, rows: 64, columns: 64 };
  const instances = [
    ...[1, 2, 3].map((instanceNumber) =>
      makeInstance({ ...size, instanceNumber, frameBytes: [frame(instanceNumber)] }),
    ),
    makeInstance({ ...size, instanceNumber: 4, frames: 5, frameBytes: [0, 1, 2, 3, 4].map(frame) }),
    makeInstance({
      ...size,
      instanceNumber: 5,
      transferSyntaxUid: '1.2.840.10008.1.2',
      frames: 2,
      frameBytes: [5, 6].map(frame),
    }),
  ];
  const root = `/studies/${studyInstanceUid}`;
  const sop = (instanceNumber: number) => testUid(`instance ${seriesInstanceUid} ${instanceNumber}`);
  const instancePath = (instanceNumber: number) =>
    `${root}/series/${seriesInstanceUid}/instances/${sop(instanceNumber)}`;
  /** What clients ask for: each must answer as it did before the move. */
  const asked: [string, string][] = [
    [root, 'multipart/related; type="application/dicom"; transfer-syntax=*'],
    [`${root}/metadata`, 'application/dicom+json'],
    [instancePath(2), 'application/dicom; transfer-syntax=*'],
    [instancePath(5), 'application/dicom; transfer-syntax=*'],
    [`${instancePath(2)}/frames/1`, 'multipart/related; type="application/octet-stream"'],
    [`${instancePath(4)}/frames/2,5,4`, 'multipart/related; type="application/octet-stream"'],
    [`${instancePath(5)}/frames/2`, 'multipart/related; type="application/octet-stream"'],
    [`${instancePath(4)}/frames/4`, `multipart/related; type="image/jls"; transfer-syntax=${jpegLs}`],
    [`${instancePath(2)}/rendered`, 'image/png'],
    [`${instancePath(4)}/frames/4/rendered`, 'image/jpeg'],
    [`${instancePath(2)}/thumbnail`, 'image/jpeg'],
    [instancePath(4), `application/dicom; transfer-syntax=${jpegLs}`],
    [instancePath(5), 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1'],
  ];

  beforeAll(async () => {
    data = await makeDataDir();
    const stores = [
      { kind: 'filesystem', name: 'local', tier: 'hot', path: path.join(data.dataDir, 'blobs') },
      { kind: 'filesystem', name: 'far', tier: 'warm', path: path.join(data.dataDir, 'far') },
    ];
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_STORES: JSON.stringify(stores) } });
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  /** Parts of an answer, without the boundary that is another each time. */
  async function answer([route, accept]: [string, string]): Promise<{ status: number; body: string }> {
    const response = await fetch(`${suite.dicomweb}${route}`, { headers: { accept } });
    const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
    const boundary = /boundary="?([^";]+)/.exec(response.headers.get('content-type') ?? '')?.[1];
    return { status: response.status, body: boundary === undefined ? body : body.replaceAll(boundary, '') };
  }
  async function get<T>(route: string): Promise<T> {
    const response = await fetch(`${suite.url}/api/storage${route}`);
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  }
  const send = (method: string, route: string, body: object) =>
    fetch(`${suite.url}/api/storage${route}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('answers everything as before, and says what was saved', async () => {
    const { contentType, body } = multipartBody(instances);
    const stored = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': contentType, accept: 'application/dicom+json' },
      body: new Uint8Array(body),
    });
    expect(stored.status).toBe(200);
    const before = await Promise.all(asked.map(answer));
    expect(before.map(({ status }) => status)).toEqual(asked.map(() => 200));

    const steps = [{ to: 'warm', afterDays: 0, recompress: 'htj2k-lossless' }];
    const estimate = await waitFor('the dry run', async () => {
      const answer = await send('POST', '/policies/dry-run', { policies: [{ name: 'at once', steps }] });
      expect(answer.status).toBe(200);
      const { groups } = (await answer.json()) as { groups: { recompression?: Record<string, number> }[] };
      return groups[0]?.recompression; // not while a model waits for the study
    });
    // What is listed can be tried as it is.
    expect((await send('POST', '/policies/dry-run', await get('/policies'))).status).toBe(200);
    const came = instances.reduce((sum, { length }) => sum + length, 0);
    expect(estimate).toMatchObject({ series: 1, bytes: came, seriesTried: 1, keptAsIs: {} });
    expect(estimate['storedBytes']).toBeLessThan(came / 2);
    expect(estimate['bytesSaved']).toBe(came - estimate['storedBytes']!);

    const ordered = await send('POST', `/studies/${studyInstanceUid}/move`, {
      tier: 'warm',
      recompress: 'htj2k-lossless',
    });
    expect([ordered.status, await ordered.json()]).toEqual([202, { series: 1, ordered: 1 }]);
    const moved = await waitFor('the move', async () => {
      const { moves, lastDay } = await get<MovesReport>('/moves');
      const done = moves.find((move) => move.studyInstanceUid === studyInstanceUid && move.state === 'done');
      return done && { done, lastDay };
    });
    const all = instances.reduce((sum, { length }) => sum + length, 0);
    expect(moved.done).toMatchObject({ bytes: all, keptAsIs: {} });
    expect(moved.done.storedBytes).toBeLessThan(all / 2);
    expect(moved.lastDay.bytesSaved).toBe(all - moved.done.storedBytes);

    for (const [index, request] of asked.entries()) {
      const after = await answer(request);
      expect({ request, same: after.body === before[index]!.body, status: after.status }).toEqual({
        request,
        same: true,
        status: 200,
      });
    }
    const { usage } = await get<{ usage: { tier: string; bytes: number; storedBytes: number }[] }>('/usage');
    expect(usage).toMatchObject([{ tier: 'warm', bytes: all, storedBytes: moved.done.storedBytes }]);
  });

  it('takes policies that ask for it, and no other word', async () => {
    const policy = (recompress: string) => ({ steps: [{ to: 'warm', afterDays: 400, recompress }] });
    expect((await send('PUT', '/policies/old', policy('htj2k-lossless'))).status).toBe(204);
    const refused = await send('PUT', '/policies/old', policy('jpeg'));
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ detail: expect.stringContaining('steps.0.recompress') }),
    ]);
  });
});
