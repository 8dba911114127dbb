import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(300_000);

const bytesMax = 48 * 1024 ** 2;

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
if (small === undefined) console.warn('Full disks are not tried: this user may not mount a file system');

/** Real file systems that fill up under a suite as it ships: the hot tier's, and that of the tier beyond. */
(small === undefined ? describe.skip : describe)('a disk that is full', () => {
  const hot = path.join(small ?? '', 'hot');
  const far = path.join(small ?? '', 'far');
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  const stored = new Map<string, Buffer[]>();

  const make = (name: string, count: number, side: number) => {
    const studyInstanceUid = testUid(name);
    return Array.from({ length: count }, (_, index) =>
      makeInstance({ studyInstanceUid, instanceNumber: index + 1, rows: side, columns: side, seed: index }),
    );
  };
  async function start(hotPath: string, farPath: string): Promise<void> {
    const stores = [
      { kind: 'filesystem', name: 'local', tier: 'hot', path: hotPath },
      { kind: 'filesystem', name: 'far', tier: 'warm', path: farPath },
    ];
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_STORES: JSON.stringify(stores) } });
  }
  async function send(name: string, instances: Buffer[]): Promise<{ status: number; text: string }> {
    const { contentType, body } = multipartBody(instances);
    const response = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': contentType, accept: 'application/dicom+json' },
      body: new Uint8Array(body),
    });
    if (response.status === 200) stored.set(name, instances);
    return { status: response.status, text: await response.text() };
  }
  async function expectAllThere(): Promise<void> {
    for (const [name, instances] of stored) {
      const response = await fetch(`${suite.dicomweb}/studies/${testUid(name)}`, {
        headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
      });
      const body = Buffer.from(await response.arrayBuffer());
      expect([name, response.status]).toEqual([name, 200]);
      for (const instance of instances) expect(body.includes(instance)).toBe(true);
    }
  }

  beforeAll(async () => {
    data = await makeDataDir();
    mkdirSync(hot);
    mkdirSync(far);
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
    execFileSync('umount', [small!]);
    rmSync(small!, { recursive: true });
  });

  it('takes what there is room for, refuses the rest with 507, and keeps nothing of what it refused', async () => {
    await start(hot, path.join(data.dataDir, 'far'));
    const answers: { status: number; text: string }[] = [];
    for (let number = 1; !answers.some(({ status }) => status !== 200); number += 1) {
      answers.push(await send(`filling ${number}`, make(`filling ${number}`, 2, 1_400)));
      expect(number).toBeLessThan(10);
    }
    expect(stored.size).toBeGreaterThan(2);
    const refused = answers.at(-1)!;
    expect([refused.status, refused.text]).toEqual([507, expect.stringContaining('"title"')]);
    expect(await readdir(path.join(hot, 'staging'))).toEqual([]);
    const found = await fetch(`${suite.dicomweb}/studies?StudyInstanceUID=${testUid(`filling ${answers.length}`)}`);
    await found.arrayBuffer();
    expect(found.status).toBe(204);
    await expectAllThere();
  });

  it('takes it when there is room again', async () => {
    const name = [...stored.keys()][0]!;
    const move = await fetch(`${suite.url}/api/storage/studies/${testUid(name)}/move`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tier: 'warm' }),
    });
    expect(move.status).toBe(202);
    await suite.stop();
    await start(hot, path.join(data.dataDir, 'far'));
    await waitFor('the move', async () => {
      const { usage } = (await (await fetch(`${suite.url}/api/storage/usage`)).json()) as { usage: { tier: string }[] };
      return usage.some(({ tier }) => tier === 'warm') ? true : undefined;
    });
    await expectAllThere();
  });

  it('moves nothing to a disk without room, says why, and loses nothing', async () => {
    await suite.stop();
    await rm(hot, { recursive: true });
    stored.clear();
    await data.remove();
    data = await makeDataDir();
    await writeFile(path.join(far, 'somebody-elses'), Buffer.alloc(bytesMax - 4 * 1024 ** 2));
    await start(path.join(data.dataDir, 'blobs'), far);
    expect((await send('too large', make('too large', 2, 1_400))).status).toBe(200);
    const move = await fetch(`${suite.url}/api/storage/studies/${testUid('too large')}/move`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tier: 'warm' }),
    });
    expect(move.status).toBe(202);
    const failed = await waitFor('its reason', async () => {
      const { moves } = (await (await fetch(`${suite.url}/api/storage/moves`)).json()) as {
        moves: { error: string | null; state: string }[];
      };
      return moves[0]?.error == null ? undefined : moves[0];
    });
    expect(failed.error).toMatch(/space|full/i);
    await waitFor('its leftovers to be gone', async () =>
      (await readdir(path.join(far, 'staging'))).length === 0 ? true : undefined,
    );
    await expectAllThere();
    await rm(path.join(far, 'somebody-elses'));
    await waitFor('the move when there is room', async () => {
      const { usage } = (await (await fetch(`${suite.url}/api/storage/usage`)).json()) as { usage: { tier: string }[] };
      return usage.some(({ tier }) => tier === 'warm') ? true : undefined;
    });
    expect((await stat(far)).isDirectory()).toBe(true);
    await expectAllThere();
  });
});
