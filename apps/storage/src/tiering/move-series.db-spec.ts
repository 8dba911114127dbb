import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FrameCodec, OpenFrames, OpenInstance, PackBytes, ReadPack, RecallPacks } from '#libs/archive';
import { BlobError, type BlobStore, type BlobStores } from '#libs/blobs';
import { execute, query, transaction } from '#libs/database';
import { newUid } from '#libs/dicom';
import type { JobQueue } from '#libs/jobs';
import {
  configOf,
  digestInPieces,
  keysOf,
  never,
  readBlob,
  silent,
  startBench,
  type StorageBench,
  storesOf,
  withChanges,
  writeBlob,
} from '../../../../test/support/storage/storage-bench.js';
import { deleteEmptied } from '../upkeep/delete-emptied.js';
import { Failures } from '../upkeep/failures.js';
import { readPack } from './copies.js';
import { MovePack } from './move-pack.js';
import { readMoves } from '../usage/read-progress.js';
import { MoveSeriesJob } from './move-series.job.js';
import { orderMove } from './order-move.js';
import { ResumeMovesJob } from './resume-moves.job.js';
import { StoreRoom } from './store-room.js';
import { TestStores } from './test-stores.js';
import type { Tier } from './tiers.js';

jest.setTimeout(120_000);

interface Series {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  instances: { sopInstanceUid: string; bytes: Buffer }[];
}

describe('move-series', () => {
  let bench: StorageBench;
  let jobs: JobQueue;
  beforeAll(async () => {
    bench = await startBench();
    jobs = await bench.db.jobs();
  });
  afterAll(() => bench.close());

  function mover(stores: BlobStores = storesOf(bench), graceHours = 72): MoveSeriesJob {
    const db = bench.db.dataSource;
    return new MoveSeriesJob(
      db,
      stores,
      new MovePack(db, stores, silent),
      new StoreRoom(db, stores, new TestStores(stores, silent)),
      new RecallPacks(db, jobs, stores),
      configOf({ graceHours }),
      silent,
      new PackBytes(db, stores),
      new FrameCodec(),
    );
  }
  const warmWith = (changes: Partial<BlobStore>) => storesOf(bench, { warm: withChanges(bench.warm, changes) });

  /** A series of instances with two native frames each, which came one a request but for the last two. */
  async function insertSeries(count = 5, studyInstanceUid = newUid()): Promise<Series> {
    const db = bench.db.dataSource;
    await query(
      db,
      `insert into study (study_instance_uid, attributes, number_of_instances) values ($1, '{}', $2)
       on conflict do nothing`,
      [studyInstanceUid, count],
    );
    const seriesInstanceUid = newUid();
    const [series] = await query<{ series_key: number; study_key: number }>(
      db,
      `insert into series (study_key, series_instance_uid, attributes)
       select study_key, $2, '{}' from study where study_instance_uid = $1 returning series_key, study_key`,
      [studyInstanceUid, seriesInstanceUid],
    );
    const instances = Array.from({ length: count }, () => ({ sopInstanceUid: newUid(), bytes: randomBytes(3_000) }));
    const packs = [...instances.slice(0, -2).map((instance) => [instance]), instances.slice(-2)];
    let number = 0;
    for (const held of packs) {
      const bytes = Buffer.concat(held.map((instance) => instance.bytes));
      const packId = randomUUID();
      const key = await writeBlob(bench.hot, bytes);
      await query(db, 'insert into pack (pack_id, bytes, sha256) values ($1, $2, $3)', [
        packId,
        bytes.length,
        sha(bytes),
      ]);
      await query(
        db,
        `insert into location (location_id, pack_id, tier, store, key) values (gen_random_uuid(), $1, 'hot', 'hot', $2)`,
        [packId, key],
      );
      for (const [index, { sopInstanceUid, bytes: of }] of held.entries()) {
        number += 1;
        await query(
          db,
          `insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, instance_number,
             transfer_syntax_uid, pack_id, pack_offset, length, sha256, dataset_sha256, frame_kind, pixel_data_offset,
             pixel_data_length, frame_bits, number_of_frames, dicom_json)
           values ($1, $2, $3, '1.2', $4, '1.2.840.10008.1.2.1', $5, $6, $7, $8, $8, 'native', 1000, 2000, 8000, 2, '{}')`,
          [series!.series_key, series!.study_key, sopInstanceUid, number, packId, index * 3_000, of.length, sha(of)],
        );
      }
    }
    return { studyInstanceUid, seriesInstanceUid, instances };
  }
  const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

  /** Orders the series there. @returns the move */
  async function order({ studyInstanceUid, seriesInstanceUid }: Series, to: Tier): Promise<string> {
    const move = { studyInstanceUid, seriesInstanceUid, to, bytes: 0, reason: 'test' };
    expect(await transaction(bench.db.dataSource, (tx) => orderMove(tx, jobs, move))).toBe(true);
    const [row] = await query<{ move_id: string }>(
      bench.db.dataSource,
      `select move_id from series_move where series_instance_uid = $1 order by ordered_at desc limit 1`,
      [seriesInstanceUid],
    );
    return row!.move_id;
  }
  async function stateOf(moveId: string): Promise<string> {
    const [row] = await query<{ state: string }>(
      bench.db.dataSource,
      'select state from series_move where move_id = $1',
      [moveId],
    );
    return row!.state;
  }
  async function moveTo(series: Series, tier: Tier, job = mover()): Promise<string> {
    const moveId = await order(series, tier);
    await job.handle({ payload: { moveId }, signal: never() });
    return stateOf(moveId);
  }
  /** The packs of the series, and where they are read. */
  async function placesOf(series: Series): Promise<{ pack: string; tier: string; key: string }[]> {
    return query(
      bench.db.dataSource,
      `select distinct i.pack_id as pack, l.tier, l.key
         from instance i join series se using (series_key) join location l on l.pack_id = i.pack_id and l.state = 'ready'
        where se.series_instance_uid = $1`,
      [series.seriesInstanceUid],
    );
  }
  async function expectReadable(series: Series, stores = storesOf(bench)): Promise<void> {
    const packs = new ReadPack(bench.db.dataSource, stores);
    const open = new OpenInstance(bench.db.dataSource, packs);
    for (const { sopInstanceUid, bytes } of series.instances) {
      const row = await open.find({ ...series, sopInstanceUid });
      expect((await buffer(await open.open(row))).equals(bytes)).toBe(true);
    }
  }

  it('makes of all packs of a series one, in the order of its instances', async () => {
    const series = await insertSeries();
    expect(await placesOf(series)).toHaveLength(4);
    expect(await moveTo(series, 'warm')).toBe('done');
    const [place, ...others] = await placesOf(series);
    expect(others).toEqual([]);
    expect(place!.tier).toBe('warm');
    expect(await readBlob(bench.warm, place!.key)).toEqual(Buffer.concat(series.instances.map(({ bytes }) => bytes)));
    await expectReadable(series);
  });

  it('hashes the pack by its instances, and one instance as one', async () => {
    const moved = async (count: number) => {
      const series = await insertSeries(count);
      expect(await moveTo(series, 'warm')).toBe('done');
      const [place] = await placesOf(series);
      const pack = await readPack(bench.db.dataSource, place!.pack);
      return { series, pack, bytes: Buffer.concat(series.instances.map(({ bytes }) => bytes)) };
    };
    const several = await moved(5);
    const pieceBytes = [3_000, 3_000, 3_000, 3_000, 3_000];
    expect(several.pack).toMatchObject({ pieceBytes, sha256: digestInPieces(several.bytes, pieceBytes) });
    const one = await moved(1);
    expect(one.pack).toMatchObject({ pieceBytes: null, sha256: sha(one.bytes) });
  });

  it('leaves the old packs for their grace, and then takes them away', async () => {
    const series = await insertSeries();
    const former = (await placesOf(series)).map(({ key }) => key);
    await moveTo(series, 'warm');
    const collect = () => deleteEmptied(bench.db.dataSource, storesOf(bench), new Failures(silent, never()), never());
    await collect();
    expect(await keysOf(bench.hot)).toEqual(expect.arrayContaining(former));
    await execute(bench.db.dataSource, 'update pack set keep_until = now() where keep_until is not null');
    await collect();
    const left = await keysOf(bench.hot);
    for (const key of former) expect(left).not.toContain(key);
    await expectReadable(series);
  });

  it('keeps the old packs when the new one has lost its bytes meanwhile', async () => {
    const series = await insertSeries();
    const former = (await placesOf(series)).map(({ key }) => key);
    await moveTo(series, 'warm', mover(storesOf(bench), 0));
    await bench.warm.delete((await placesOf(series))[0]!.key);
    await deleteEmptied(bench.db.dataSource, storesOf(bench), new Failures(silent, never()), never());
    expect(await keysOf(bench.hot)).toEqual(expect.arrayContaining(former));
  });

  it('gives who read a row before the move the same bytes when the old pack is gone', async () => {
    const series = await insertSeries();
    const open = new OpenInstance(bench.db.dataSource, new ReadPack(bench.db.dataSource, storesOf(bench)));
    const rows = await Promise.all(
      series.instances.map(({ sopInstanceUid }) => open.find({ ...series, sopInstanceUid })),
    );
    await moveTo(series, 'warm', mover(storesOf(bench), 0));
    await deleteEmptied(bench.db.dataSource, storesOf(bench), new Failures(silent, never()), never());
    for (const [index, row] of rows.entries()) {
      expect((await buffer(await open.open(row))).equals(series.instances[index]!.bytes)).toBe(true);
      const range = Buffer.alloc(10);
      await open.readInto(row, 77, range);
      expect(range).toEqual(series.instances[index]!.bytes.subarray(77, 87));
    }
  });

  it('moves what is one pack already as it is, under its name', async () => {
    const series = await insertSeries();
    await moveTo(series, 'warm');
    const [warm] = await placesOf(series);
    expect(await moveTo(series, 'cold')).toBe('done');
    const places = await placesOf(series);
    expect(places).toMatchObject([{ pack: warm!.pack, tier: 'cold' }]);
    await expectReadable(series);
  });

  it('takes in what came after the first move', async () => {
    const series = await insertSeries(3);
    await moveTo(series, 'warm');
    const late = await insertSeries(1, series.studyInstanceUid);
    await execute(
      bench.db.dataSource,
      `update instance set series_key = (select series_key from series where series_instance_uid = $1), instance_number = 99
        where sop_instance_uid = $2`,
      [series.seriesInstanceUid, late.instances[0]!.sopInstanceUid],
    );
    const all = { ...series, instances: [...series.instances, ...late.instances] };
    expect(await placesOf(all)).toHaveLength(2);
    expect(await moveTo(all, 'warm')).toBe('done');
    expect(await placesOf(all)).toHaveLength(1);
    await expectReadable(all);
  });

  it('goes on from what was copied when it is cut off before the switch', async () => {
    const series = await insertSeries();
    const moveId = await order(series, 'warm');
    let reads = 0;
    const failing = warmWith({
      read: async (key) => {
        reads += 1;
        if (reads === 1) throw new BlobError('blob-unavailable', 'cut');
        return bench.warm.read(key);
      },
    });
    const before = await keysOf(bench.warm);
    const job = mover(failing);
    await expect(job.handle({ payload: { moveId }, signal: never() })).rejects.toThrow('cut');
    const copied = (await keysOf(bench.warm)).filter((key) => !before.includes(key));
    expect(copied).toHaveLength(1);
    await expectReadable(series);
    await job.handle({ payload: { moveId }, signal: never() });
    expect((await placesOf(series)).map(({ key }) => key)).toEqual(copied);
    expect(await stateOf(moveId)).toBe('done');
  });

  it('waits without using up a try while no store of its tier takes anything, and goes on when one does', async () => {
    const db = bench.db.dataSource;
    await execute(db, `delete from series_move where state = 'waiting'`);
    const series = await insertSeries();
    const moveId = await order(series, 'warm');
    await execute(db, 'delete from jobs.job');
    let bytesFree = 0;
    const stores = warmWith({ space: async () => ({ bytesFree, bytesTotal: 1_000 }) });
    await mover(stores).handle({ payload: { moveId }, signal: never() });
    const report = async () => (await readMoves(db, 10)).moves.find(({ state }) => state === 'waiting');
    expect(await report()).toMatchObject({
      seriesInstanceUid: series.seriesInstanceUid,
      error: 'The tier warm takes nothing now: warm has 0 bytes left',
    });
    const tests = new TestStores(stores, silent);
    const resume = new ResumeMovesJob(db, jobs, new StoreRoom(db, stores, tests), tests, silent);
    const waitingJobs = () =>
      query(db, `select from jobs.job where name = 'move-series' and data ->> 'moveId' = $1`, [moveId]);
    expect(await resume.resume()).toBe(0);
    expect(await waitingJobs()).toHaveLength(0);
    bytesFree = 1_000;
    expect(await resume.resume()).toBe(1);
    expect(await resume.resume()).toBe(0);
    expect(await waitingJobs()).toHaveLength(1);
    expect(await report()).toMatchObject({ error: null });
    await mover(stores).handle({ payload: { moveId }, signal: never() });
    expect(await stateOf(moveId)).toBe('done');
    await expectReadable(series);
  });

  it('begins anew, and leaves nothing behind, when the series grew after it was copied', async () => {
    const series = await insertSeries();
    const moveId = await order(series, 'warm');
    const failing = warmWith({ read: async () => Promise.reject(new BlobError('blob-unavailable', 'cut')) });
    const before = await keysOf(bench.warm);
    await expect(mover(failing).handle({ payload: { moveId }, signal: never() })).rejects.toThrow('cut');
    await execute(bench.db.dataSource, 'delete from instance where sop_instance_uid = $1', [
      series.instances.pop()!.sopInstanceUid,
    ]);
    await mover().handle({ payload: { moveId }, signal: never() });
    expect((await keysOf(bench.warm)).length).toBe(before.length + 1);
    await expectReadable(series);
  });

  it('carries no damage on: it says which copy, and everything stays as it is', async () => {
    const series = await insertSeries();
    const { key } = (await placesOf(series))[0]!;
    const damaged = storesOf(bench, {
      hot: withChanges(bench.hot, {
        readRange: async (of, offset, length) => {
          const stream = await bench.hot.readRange(of, offset, length);
          if (of !== key) return stream;
          const bytes = await buffer(stream);
          bytes[7]! ^= 1;
          return (await import('node:stream')).Readable.from([bytes]);
        },
        readInto: async (of, offset, target) => {
          await bench.hot.readInto(of, offset, target);
          if (of === key) target[7]! ^= 1;
        },
      }),
    });
    const moveId = await order(series, 'warm');
    const before = await keysOf(bench.warm);
    await expect(mover(damaged).handle({ payload: { moveId }, signal: never() })).rejects.toMatchObject({
      code: 'copy-damaged',
    });
    expect(await keysOf(bench.warm)).toEqual(before);
    const marked = await query(bench.db.dataSource, 'select from location where key = $1 and damage is not null', [
      key,
    ]);
    expect(marked).toHaveLength(1);
    expect(await placesOf(series)).toHaveLength(4);
  });

  it('discards a copy that is read back wrong, and does not switch', async () => {
    const series = await insertSeries();
    const moveId = await order(series, 'warm');
    const before = await keysOf(bench.warm);
    const lying = warmWith({
      read: async () => (await import('node:stream')).Readable.from([randomBytes(15_000)]),
    });
    await expect(mover(lying).handle({ payload: { moveId }, signal: never() })).rejects.toMatchObject({
      code: 'copy-damaged',
    });
    expect(await keysOf(bench.warm)).toEqual(before);
    expect((await placesOf(series)).every(({ tier }) => tier === 'hot')).toBe(true);
  });

  it('leaves alone what was deleted while it was copied', async () => {
    const series = await insertSeries();
    const moveId = await order(series, 'warm');
    const gone = series.instances.shift()!;
    let isDeleted = false;
    const stores = warmWith({
      read: async (key) => {
        if (!isDeleted)
          await execute(bench.db.dataSource, 'delete from instance where sop_instance_uid = $1', [gone.sopInstanceUid]);
        isDeleted = true;
        return bench.warm.read(key);
      },
    });
    await mover(stores).handle({ payload: { moveId }, signal: never() });
    expect(await stateOf(moveId)).toBe('done');
    await expectReadable(series);
  });

  it('reads the first and the middle frame near, when the rest is far and cannot be read', async () => {
    const series = await insertSeries(4);
    await moveTo(series, 'cold');
    const unreachable = storesOf(bench, {
      cold: withChanges(bench.cold, {
        readRange: async () => Promise.reject(new BlobError('blob-unavailable', 'away')),
      }),
    });
    const frames = new OpenFrames(bench.db.dataSource, new ReadPack(bench.db.dataSource, unreachable));
    const read = async (index: number, frame: number) => {
      const { sopInstanceUid } = series.instances[index]!;
      const opened = await frames.open({ ...series, sopInstanceUid }, [frame]);
      return buffer(await opened.frames[0]!.open());
    };
    for (const [index, frame] of [
      [0, 1],
      [0, 2],
      [2, 1],
      [2, 2],
    ] as const) {
      const start = 1_000 + (frame - 1) * 1_000;
      expect(await read(index, frame)).toEqual(series.instances[index]!.bytes.subarray(start, start + 1_000));
    }
    await expect(read(1, 1)).rejects.toMatchObject({ code: 'archive-unavailable' });
  });

  it('lets one of two movers of a series win', async () => {
    const series = await insertSeries();
    const moveId = await order(series, 'warm');
    const before = await keysOf(bench.warm);
    await Promise.allSettled([1, 2].map(() => mover().handle({ payload: { moveId }, signal: never() })));
    expect(await placesOf(series)).toHaveLength(1);
    await expectReadable(series);
    expect((await keysOf(bench.warm)).length - before.length).toBeLessThanOrEqual(2);
  });

  it('orders a series once while it is on its way', async () => {
    const series = await insertSeries();
    await order(series, 'warm');
    const { studyInstanceUid, seriesInstanceUid } = series;
    const move = { studyInstanceUid, seriesInstanceUid, to: 'cold' as const, bytes: 0, reason: '' };
    expect(await transaction(bench.db.dataSource, (tx) => orderMove(tx, jobs, move))).toBe(false);
  });

  it('counts what has ended since the first that is open was ordered: who watches sees it grow', async () => {
    await execute(bench.db.dataSource, 'delete from series_move');
    const [first, second] = [await insertSeries(), await insertSeries()];
    const [one, other] = [await order(first, 'warm'), await order(second, 'warm')];
    await execute(bench.db.dataSource, 'update series_move set bytes = 1000');
    const open = async () => (await readMoves(bench.db.dataSource, 10)).open;
    expect(await open()).toMatchObject({ series: 2, copying: 0, bytes: 2_000, bytesDone: 0, percent: 0 });
    await mover().handle({ payload: { moveId: one }, signal: never() });
    await execute(bench.db.dataSource, 'update series_move set bytes = 1000');
    expect(await open()).toMatchObject({ series: 1, bytes: 2_000, bytesDone: 1_000, bytesLeft: 1_000, percent: 50 });
    await mover().handle({ payload: { moveId: other }, signal: never() });
    expect(await open()).toEqual({ series: 0, copying: 0, bytes: 0, bytesDone: 0, bytesLeft: 0, percent: 100 });
  });
});
