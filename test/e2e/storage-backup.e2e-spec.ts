import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance, testUid } from '../support/make-instance.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

const root = path.resolve(import.meta.dirname, '../..');

/** The restore drill: a backup of a suite at work, its data lost, and a new suite from the backup. */
describe('backup and restore, as commands beside the suite', () => {
  let folder: string;
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let another: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  const studies = ['near', 'far', 'compressed'].map((name) => {
    const studyInstanceUid = testUid(`backed up ${name}`);
    const frame = Buffer.alloc(64 * 64 * 2, Uint8Array.from([name.length, 1]));
    const instances = [1, 2].map((instanceNumber) =>
      makeInstance({ studyInstanceUid, instanceNumber, rows: 64, columns: 64, frameBytes: [frame] }),
    );
    return { name, studyInstanceUid, instances };
  });

  const storesOf = (dataDir: string) => [
    { kind: 'filesystem', name: 'local', tier: 'hot', path: path.join(dataDir, 'blobs') },
    { kind: 'filesystem', name: 'far', tier: 'warm', path: path.join(dataDir, 'far') },
  ];
  const environmentOf = (dataDir: string) => ({ ISOCENTER_STORES: JSON.stringify(storesOf(dataDir)) });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-backup-'));
    data = await makeDataDir();
    another = await makeDataDir();
    suite = await startApp({ dataDir: data.dataDir, environment: environmentOf(data.dataDir) });
    for (const { instances } of studies) await store(suite.dicomweb, instances);
    const send = (method: string, route: string, body: object) =>
      fetch(`${suite.url}/api/storage${route}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const [, far, compressed] = studies;
    await send('POST', `/studies/${far!.studyInstanceUid}/move`, { tier: 'warm' });
    const recompress = 'htj2k-lossless';
    await send('POST', `/studies/${compressed!.studyInstanceUid}/move`, { tier: 'warm', recompress });
    await send('PUT', '/policies/mammography', { match: { modalities: ['MG'] }, steps: [] });
    await send('PUT', `/studies/${far!.studyInstanceUid}/legal-hold`, { reason: 'a court asked' });
    await waitFor('the moves', async () => {
      const { lastDay } = (await (await fetch(`${suite.url}/api/storage/moves`)).json()) as {
        lastDay: { done: number; bytesSaved: number };
      };
      return lastDay.done === 2 && lastDay.bytesSaved > 0 ? true : undefined;
    });
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
    await another?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(
    program: string,
    args: string[],
    dataDir: string,
  ): Promise<{ status: number | null; said: never }> {
    const child = spawn(process.execPath, [`dist/apps/storage/src/${program}.main.js`, ...args], {
      cwd: root,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '/tmp',
        ISOCENTER_DATA_DIR: dataDir,
        ...environmentOf(dataDir),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    let text = '';
    for await (const chunk of child.stdout) text += String(chunk);
    return { status: await ended, said: JSON.parse(text) as never };
  }

  it('writes a backup while the suite works', async () => {
    const { status, said } = await run('backup/backup', ['--to', folder], data.dataDir);
    expect(said).toMatchObject({ missing: [] });
    expect(status).toBe(0);
  });

  it('restores it where nothing of the former is left, and finds it sound', async () => {
    expect(await suite.stop()).toBe(0);
    await data.remove();
    const { status, said } = await run('backup/restore', ['--from', folder], another.dataDir);
    expect(said).toMatchObject({
      restored: { studies: 3, missing: [], packsInPlace: 0, storesElsewhere: [] },
      fsck: { isSound: true, problems: [] },
    });
    expect(status).toBe(0);
  });

  it('serves every byte as it came, and knows its policies and holds', async () => {
    suite = await startApp({ dataDir: another.dataDir, environment: environmentOf(another.dataDir) });
    for (const { name, studyInstanceUid, instances } of studies) {
      const response = await fetch(`${suite.dicomweb}/studies/${studyInstanceUid}`, {
        headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
      });
      const body = Buffer.from(await response.arrayBuffer());
      expect([name, response.status]).toEqual([name, 200]);
      for (const instance of instances) expect(body.includes(instance)).toBe(true);
    }
    const get = async (route: string) => (await fetch(`${suite.url}/api/storage${route}`)).json() as Promise<object>;
    expect(await get('/policies')).toMatchObject({ policies: [{ name: 'mammography' }, { name: 'default' }] });
    expect(await get('/holds')).toMatchObject({ holds: [{ kind: 'legal-hold', reason: 'a court asked' }] });
  });
});
