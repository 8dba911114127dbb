import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(300_000);

const bytesMax = 48 * 1024 ** 2;
/** Of an instance; a request has two. */
const side = 1_400;

/** A file system that is full when so much is in it; undefined where this user may not mount one. */
function mountSmall(): string | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytesMax}`, 'isocenter-test', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmdirSync(folder);
    return undefined;
  }
}

const small = mountSmall();
if (small === undefined) console.warn('Full disks are not tried: this user may not mount a file system (root may)');

/** A real file system fills up under a suite as it ships: that of the hot tier, then that of the tier beyond. */
(small === undefined ? describe.skip : describe)('a disk that is full', () => {
  const folder = small ?? '';
  const others = path.join(folder, 'of-others');
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  const stored = new Map<string, Buffer[]>();

  const blobsOf = async (store: string): Promise<string[]> => {
    const found = await readdir(store, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  };
  async function start(stores: { hot: string; far: string }): Promise<void> {
    const entries = [
      { kind: 'filesystem', name: 'local', tier: 'hot', path: stores.hot },
      { kind: 'filesystem', name: 'far', tier: 'warm', path: stores.far },
    ];
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_STORES: JSON.stringify(entries) } });
  }
  async function send(name: string): Promise<{ status: number; type: string | null; text: string }> {
    const studyInstanceUid = testUid(name);
    const instances = [1, 2].map((instanceNumber) =>
      makeInstance({ studyInstanceUid, instanceNumber, rows: side, columns: side }),
    );
    const { contentType, body } = multipartBody(instances);
    const response = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': contentType, accept: 'application/dicom+json' },
      body: new Uint8Array(body),
    });
    if (response.status === 200) stored.set(name, instances);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  }
  const find = async (name: string): Promise<number> => {
    const response = await fetch(`${suite.dicomweb}/studies?StudyInstanceUID=${testUid(name)}`);
    await response.arrayBuffer();
    return response.status;
  };
  async function expectAllThere(): Promise<void> {
    for (const [name, instances] of stored) {
      const response = await fetch(`${suite.dicomweb}/studies/${testUid(name)}`, {
        headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
      });
      const body = Buffer.from(await response.arrayBuffer());
      expect([name, response.status]).toEqual([name, 200]);
      for (const instance of instances) expect(body.includes(instance)).toBe(true);
      expect(await find(name)).toBe(200);
    }
  }

  beforeAll(async () => {
    data = await makeDataDir();
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  });

  it('refuses with 507 what there is no room for, keeps nothing of it, reads on, and takes it when there is room', async () => {
    const hot = path.join(folder, 'hot');
    mkdirSync(hot);
    // There is room for one request and a part of the next, which is found out while its bytes come in.
    await writeFile(others, Buffer.alloc(bytesMax - 12 * 1024 ** 2));
    await start({ hot, far: path.join(data.dataDir, 'far') });
    expect((await send('first')).status).toBe(200);
    const blobs = await blobsOf(hot);

    const refused = await send('second');
    expect(refused).toMatchObject({ status: 507, type: expect.stringContaining('json') });
    expect(refused.text).toMatch(/space|room/i);
    await waitFor('nothing of it to be left', async () =>
      (await readdir(path.join(hot, 'staging'))).length === 0 ? true : undefined,
    );
    expect(await blobsOf(hot)).toEqual(blobs);
    expect(await find('second')).toBe(204);
    await expectAllThere();

    // Full to the brim: nothing is begun.
    await writeFile(path.join(folder, 'rest'), Buffer.alloc(bytesMax)).catch(() => undefined);
    expect(await send('second')).toMatchObject({ status: 507 });
    expect(await blobsOf(hot)).toEqual(blobs);
    await expectAllThere();

    await rm(path.join(folder, 'rest'));
    await rm(others);
    expect((await send('second')).status).toBe(200);
    await expectAllThere();
  });

  it('moves nothing to a disk without room, says why, loses nothing, and moves it when there is room', async () => {
    await suite.stop();
    await rm(path.join(folder, 'hot'), { recursive: true });
    stored.clear();
    await data.remove();
    data = await makeDataDir();
    const far = path.join(folder, 'far');
    mkdirSync(far);
    await writeFile(others, Buffer.alloc(bytesMax - 4 * 1024 ** 2));
    await start({ hot: path.join(data.dataDir, 'blobs'), far });
    expect((await send('too large')).status).toBe(200);
    const move = await fetch(`${suite.url}/api/storage/studies/${testUid('too large')}/move`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tier: 'warm' }),
    });
    expect(move.status).toBe(202);
    const read = async () =>
      (await (await fetch(`${suite.url}/api/storage/moves`)).json()) as {
        moves: { error: string | null; state: string }[];
      };
    const error = await waitFor('its reason', async () => (await read()).moves[0]?.error ?? undefined);
    expect(error).toMatch(/no space left/i);
    await waitFor('nothing of it to be left', async () =>
      (await readdir(path.join(far, 'staging'))).length === 0 ? true : undefined,
    );
    expect(await blobsOf(far)).toEqual([]);
    await expectAllThere();

    await rm(others);
    await waitFor('the move', async () => ((await read()).moves[0]?.state === 'done' ? true : undefined));
    expect(await blobsOf(far)).toHaveLength(1);
    await expectAllThere();
  });
});
