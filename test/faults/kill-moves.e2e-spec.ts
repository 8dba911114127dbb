import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createDataSource, EmbeddedPostgres, query } from '#libs/database';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { seededRandom } from '../support/seeded-random.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { type ProxiedS3, startProxiedS3 } from './proxied-s3.js';
import type { Fault, FaultProxy } from './s3-fault-proxy.js';

jest.setTimeout(3_600_000);

const reads = Number(process.env['ISOCENTER_TEST_READS'] ?? 300);
const moves = Number(process.env['ISOCENTER_TEST_MOVES'] ?? 20);
const kills = Number(process.env['ISOCENTER_TEST_KILLS'] ?? 1);
const seed = Number(process.env['ISOCENTER_TEST_SEED'] ?? 1);

/** More of them let more moves go on at once. */
const studies = Number(process.env['ISOCENTER_TEST_STUDIES'] ?? 8);
const instancesEach = 4;
const side = 96;
const root = path.resolve(import.meta.dirname, '../..');

/** What compresses, and is another for each number. */
function smoothFrame(number: number): Buffer {
  const bytes = Buffer.alloc(side * side * 2);
  for (let at = 0; at < side * side; at += 1) {
    const value = 1_000 + 600 * Math.sin((at % side) / 9 + number) + Math.floor(at / side) * 3;
    bytes.writeUInt16LE(Math.round(value), 2 * at);
  }
  return bytes;
}

/** Readers of the archive while series are moved between its tiers, S3 misbehaves, and the mover is killed. */
describe('reading while series move and their mover is killed', () => {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let folder: string;
  let postgres: EmbeddedPostgres;
  let s3: ProxiedS3;
  let proxy: FaultProxy;
  let archive: RunningProcess;
  let mover: RunningProcess;
  let environment: Record<string, string>;

  const archived = Array.from({ length: studies }, (_, index) => {
    const studyInstanceUid = testUid(`moving study ${index}`);
    const instances = Array.from({ length: instancesEach }, (_each, number) =>
      makeInstance({
        studyInstanceUid,
        instanceNumber: number + 1,
        rows: side,
        columns: side,
        seed: index * 100 + number,
        frameBytes: [smoothFrame(index * 100 + number)],
      }),
    );
    return { studyInstanceUid, seriesInstanceUid: testUid(`series ${studyInstanceUid} CT`), instances };
  });
  const frameBytes = side * side * 2;

  const startMover = () => startApp({ app: 'storage', dataDir: data.dataDir, environment });

  beforeAll(async () => {
    data = await makeDataDir();
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-moves-'));
    postgres = await EmbeddedPostgres.start({ dataDir: path.join(folder, 'postgres') });
    s3 = await startProxiedS3(folder, 'moves');
    proxy = s3.proxy;
    const stores = [
      { kind: 'filesystem', name: 'local', tier: 'hot', path: path.join(data.dataDir, 'blobs') },
      { ...s3.place, name: 's3', tier: 'warm' },
      { kind: 'filesystem', name: 'far', tier: 'cold', path: path.join(folder, 'cold') },
    ];
    environment = {
      DATABASE_URL: postgres.url,
      ISOCENTER_STORES: JSON.stringify(stores),
      ISOCENTER_GRACE_HOURS: '0',
      ISOCENTER_LOG_LEVEL: 'error',
    };
    archive = await startApp({ app: 'dicomweb', dataDir: data.dataDir, environment });
    for (const { instances } of archived) {
      // One request each, so that moving makes one pack of them.
      for (const instance of instances) {
        const { contentType, body } = multipartBody([instance]);
        const response = await fetch(`${archive.dicomweb}/studies`, {
          method: 'POST',
          headers: { 'content-type': contentType },
          body: new Uint8Array(body),
        });
        await response.arrayBuffer();
        expect(response.ok).toBe(true);
      }
    }
    mover = await startMover();
  });
  afterAll(async () => {
    await Promise.all([archive?.stop(), mover?.stop()]);
    await s3?.stop();
    await postgres?.stop();
    await data?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const counts = { right: 0, wrong: 0, away: 0, broken: 0, unexplained: [] as string[] };

  /** One read, of a frame or of an instance; what comes is compared byte for byte. */
  async function readOne(): Promise<void> {
    const study = pick(archived);
    const index = Math.floor(random() * instancesEach);
    const instance = study.instances[index]!;
    const sopInstanceUid = testUid(`instance ${study.seriesInstanceUid} ${index + 1}`);
    const isFrame = random() < 0.7;
    const place = `${archive.dicomweb}/studies/${study.studyInstanceUid}/series/${study.seriesInstanceUid}/instances/${sopInstanceUid}`;
    const accept = isFrame
      ? 'multipart/related; type="application/octet-stream"'
      : 'multipart/related; type="application/dicom"; transfer-syntax=*';
    let status = 0;
    try {
      const response = await fetch(isFrame ? `${place}/frames/1` : place, { headers: { accept } });
      status = response.status;
      const body = Buffer.from(await response.arrayBuffer());
      if (status === 503) {
        const type = response.headers.get('content-type');
        if (type === 'application/problem+json' && response.headers.has('retry-after')) counts.away += 1;
        else counts.unexplained.push(`503 as ${type}`);
      } else if (status !== 200) counts.unexplained.push(`${status} ${body.toString().slice(0, 200)}`);
      else if (body.includes(isFrame ? instance.subarray(-frameBytes) : instance)) counts.right += 1;
      else counts.wrong += 1;
    } catch (error) {
      // A body that broke off: it says so, and nobody took it for the whole. Explained only by what the proxy did.
      if (status === 200 && [...proxy.done.keys()].some((kind) => kind !== 'status')) counts.broken += 1;
      else counts.unexplained.push(`${status} ${String(error)}`);
    }
  }

  async function order(): Promise<boolean> {
    try {
      const response = await fetch(`${mover.url}/api/storage/studies/${pick(archived).studyInstanceUid}/move`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          tier: pick(['hot', 'warm', 'warm', 'cold']),
          // As often cut off among its frames as anywhere.
          ...(random() < 0.5 && { recompress: 'htj2k-lossless' }),
        }),
      });
      const answer = (await response.json()) as { ordered?: number };
      if (random() < 0.2) await fetch(`${mover.url}/api/storage/collect-garbage`, { method: 'POST' });
      return (answer.ordered ?? 0) > 0;
    } catch {
      return false; // it was killed
    }
  }
  /** What became of the moves, and how many made a pack with its frames compressed. */
  async function outcomes(): Promise<{ done: number; superseded: number; failed: number; recompressed: number }> {
    const database = await createDataSource(postgres.url, 1).initialize();
    try {
      const [row] = await query<{ done: number; superseded: number; failed: number; recompressed: number }>(
        database,
        `select count(*) filter (where state = 'done') as done, count(*) filter (where state = 'superseded') as superseded,
                count(*) filter (where state = 'failed') as failed,
                count(*) filter (where state = 'done' and stored_bytes < bytes) as recompressed from series_move`,
      );
      return row!;
    } finally {
      await database.destroy();
    }
  }
  async function openMoves(): Promise<number> {
    const { open } = (await (await fetch(`${mover.url}/api/storage/moves`)).json()) as { open: { series: number } };
    return open.series;
  }

  it(`gives right bytes or an honest error: ${reads} reads, ${moves} moves, ${kills} kills`, async () => {
    const faults: Fault[] = [
      { kind: 'status', status: 500, code: 'InternalError' },
      { kind: 'status', status: 503, code: 'SlowDown' },
      { kind: 'reset', afterBytes: 3_000 },
      { kind: 'lost-answer' },
    ];
    proxy.fault = () => (random() < 0.04 ? pick(faults) : undefined);

    let isOver = false;
    let wanted = reads;
    let done = 0;
    let ordered = 0;
    let killed = 0;
    const readers = Array.from({ length: 3 }, async () => {
      // On after the last read while there are moves to come: a move nobody reads beside shows nothing.
      for (; done < wanted || !isOver; done += 1) {
        await readOne();
        if (done >= reads) await sleep(20);
      }
    });
    const movers = (async () => {
      while (ordered < moves && !isOver) {
        if (await order()) ordered += 1;
        else await sleep(50);
      }
    })();
    const killer = (async () => {
      while (killed < kills && !isOver) {
        await sleep(500 + random() * 2_500);
        await mover.kill();
        killed += 1;
        mover = await startMover();
      }
    })();
    try {
      await Promise.all([movers, killer]);
      await waitFor('the last moves', async () => ((await openMoves()) === 0 ? true : undefined), 600);
    } catch (error) {
      wanted = 0; // or they would go on behind a test that failed
      console.error(mover.output());
      throw error;
    } finally {
      isOver = true;
    }
    await Promise.all(readers);
    const became = await outcomes();
    console.info(
      JSON.stringify({ reads: done, moves: ordered, kills: killed, became, ...counts, faults: [...proxy.done] }),
    );

    expect(counts.wrong).toBe(0);
    expect(counts.unexplained).toEqual([]);
    expect(counts.right).toBeGreaterThan(done / 2);
    expect([...proxy.done.keys()].length).toBeGreaterThan(0);
    expect(became.recompressed).toBeGreaterThan(0);
    expect(became.failed).toBe(0);
  });

  it('has every byte of every study when all is still, and an index that agrees with its stores', async () => {
    proxy.fault = () => undefined;
    for (const { studyInstanceUid, instances } of archived) {
      const response = await fetch(`${archive.dicomweb}/studies/${studyInstanceUid}`, {
        headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
      });
      expect(response.status).toBe(200);
      const body = Buffer.from(await response.arrayBuffer());
      for (const instance of instances) expect(body.includes(instance)).toBe(true);
    }
    const report = await fsck();
    expect(report).toMatchObject({ isSound: true, problems: [] });
  });

  async function fsck(): Promise<object> {
    const child = spawn(process.execPath, ['dist/apps/storage/src/fsck/fsck.main.js', '--digests'], {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '', ISOCENTER_DATA_DIR: data.dataDir, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    for await (const chunk of child.stdout) text += String(chunk);
    return JSON.parse(text) as object;
  }
});
