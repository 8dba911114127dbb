import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  FrameCodec,
  type IncomingPart,
  OpenFrames,
  OpenInstance,
  PackBytes,
  ReadPack,
  RecallPacks,
  type StoredInstance,
  StoreInstances,
} from '#libs/archive';
import type { BlobStores } from '#libs/blobs';
import { execute, query, transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import {
  configOf,
  keysOf,
  never,
  silent,
  startBench,
  type StorageBench,
  storesOf,
  withChanges,
} from '../../../../test/support/storage/storage-bench.js';
import { type InstanceDescription, makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { checkArchive } from '../fsck/check-archive.js';
import { readMoves } from '../usage/read-progress.js';
import { readUsageByKind } from '../usage/read-usage-by-kind.js';
import { MovePack } from './move-pack.js';
import { MoveSeriesJob } from './move-series.job.js';
import { orderMove } from './order-move.js';
import { StoreRoom } from './store-room.js';
import { TestStores } from './test-stores.js';
import type { Recompression, Tier } from './tiers.js';

jest.setTimeout(180_000);

const implicit = '1.2.840.10008.1.2';
const bigEndian = '1.2.840.10008.1.2.2';
const rle = '1.2.840.10008.1.2.5';

describe('recompressing a series on its way', () => {
  let bench: StorageBench;
  let jobs: JobQueue;
  const codec = new FrameCodec();
  let seed = 100;
  beforeAll(async () => {
    bench = await startBench();
    jobs = await bench.db.jobs();
  });
  afterAll(async () => {
    await codec.onModuleDestroy();
    await bench.close();
  });

  /** What a frame of a scanner is like: neighbours are alike. */
  function smooth(pixels: number, bytesPerSample: number, phase: number, sampleOf = (value: number) => value): Buffer {
    const bytes = Buffer.alloc(pixels * bytesPerSample);
    for (let at = 0; at < pixels; at += 1) {
      const value = sampleOf(Math.round(100 + 60 * Math.sin((at % 64) / 9 + phase) + Math.floor(at / 64) / 2));
      if (bytesPerSample === 1) bytes[at] = value & 0xff;
      else bytes.writeUInt16LE(value & 0xffff, 2 * at);
    }
    return bytes;
  }
  const size = { rows: 64, columns: 64 };
  const frames = (count: number, bytesPerSample: number, sampleOf?: (value: number) => number) =>
    Array.from({ length: count }, (_, phase) => smooth(64 * 64, bytesPerSample, phase, sampleOf));
  const kinds: Record<string, InstanceDescription> = {
    'a slice': { ...size, frameBytes: frames(1, 2) },
    'many frames': { ...size, frames: 7, frameBytes: frames(7, 2) },
    'Implicit VR Little Endian': { ...size, transferSyntaxUid: implicit, frames: 2, frameBytes: frames(2, 2) },
    'numbers with a sign': {
      ...size,
      pixelRepresentation: 1,
      bitsStored: 12,
      frameBytes: frames(1, 2, (value) => value - 150),
    },
    bytes: { ...size, bitsAllocated: 8, frames: 3, frameBytes: frames(3, 1) },
    colours: {
      ...size,
      samplesPerPixel: 3,
      bitsAllocated: 8,
      frameBytes: [smooth(3 * 64 * 64, 1, 1)],
      modality: 'US',
    },
    'an odd number of bytes': {
      rows: 63,
      columns: 65,
      bitsAllocated: 8,
      frames: 3,
      frameBytes: [0, 1, 2].map((phase) => smooth(63 * 65, 1, phase)),
    },
  };
  const kept: Record<string, [InstanceDescription, RegExp]> = {
    'an overlay beside the samples': [
      { ...size, bitsStored: 12, frameBytes: frames(1, 2, (value) => value | (value & 1 ? 0x2000 : 0)) },
      /Bits beside those stored/,
    ],
    noise: [{ ...size, bitsAllocated: 8, frameBytes: [createNoise(64 * 64)] }, /not be smaller/],
    'Big Endian': [{ ...size, transferSyntaxUid: bigEndian, frameBytes: frames(1, 2) }, /transfer syntax/],
    'what is compressed': [{ ...size, transferSyntaxUid: rle }, /compressed already/],
    'no frames': [{ modality: 'SR' }, /no frames/],
    'one bit': [{ rows: 128, columns: 128, bitsAllocated: 1, frames: 3 }, /HTJ2K keeps/],
  };

  function createNoise(bytes: number): Buffer {
    const blocks = Array.from({ length: bytes / 32 }, (_, at) => createHash('sha256').update(`${at}`).digest());
    return Buffer.concat(blocks);
  }

  interface Series {
    studyInstanceUid: string;
    seriesInstanceUid: string;
    instances: { stored: StoredInstance; bytes: Buffer }[];
  }

  async function put(...descriptions: InstanceDescription[]): Promise<Series> {
    seed += 1;
    const uids = { studyInstanceUid: testUid(`study ${seed}`), seriesInstanceUid: testUid(`series ${seed}`) };
    return putInto(uids, 1, ...descriptions);
  }
  async function putInto(
    uids: { studyInstanceUid: string; seriesInstanceUid: string },
    first: number,
    ...descriptions: InstanceDescription[]
  ): Promise<Series> {
    const store = new StoreInstances(configOf(), silent, storesOf(bench), bench.db.dataSource);
    const instances: Series['instances'] = [];
    for (const [index, description] of descriptions.entries()) {
      const bytes = makeInstance({ modality: 'CT', ...description, ...uids, seed, instanceNumber: first + index });
      const outcome = await store.store(one(bytes), { origin: 'sender' });
      expect(outcome.failed).toEqual([]);
      instances.push({ stored: outcome.stored[0]!, bytes });
    }
    return { ...uids, instances };
  }
  async function* one(bytes: Buffer): AsyncGenerator<IncomingPart> {
    yield {
      number: 1,
      body: (async function* () {
        yield bytes;
      })(),
    };
  }

  function mover(stores: BlobStores): MoveSeriesJob {
    const db = bench.db.dataSource;
    return new MoveSeriesJob(
      db,
      stores,
      new MovePack(db, stores, silent),
      new StoreRoom(db, stores, new TestStores(stores, silent)),
      new RecallPacks(db, jobs, stores),
      configOf(),
      silent,
      new PackBytes(db, stores, codec),
      codec,
    );
  }
  async function move(
    series: Series,
    to: Tier,
    { recompress = 'htj2k-lossless' as Recompression | null, stores = storesOf(bench), tries = 1 } = {},
  ) {
    const { studyInstanceUid, seriesInstanceUid } = series;
    const order = { studyInstanceUid, seriesInstanceUid, to, bytes: 0, reason: 'test' };
    await transaction(bench.db.dataSource, (tx) =>
      orderMove(tx, jobs, recompress === null ? order : { ...order, recompress }),
    );
    const [row] = await query<{ moveId: string }>(
      bench.db.dataSource,
      `select move_id as "moveId" from series_move where series_instance_uid = $1 and state = 'waiting'`,
      [seriesInstanceUid],
    );
    const job = mover(stores);
    for (let left = tries; left > 0; left -= 1) {
      const run = job.handle({ payload: row!, signal: never() });
      if (left > 1) await expect(run).rejects.toThrow();
      else await run;
    }
    const { moves } = await readMoves(bench.db.dataSource, 200);
    return moves.find((one) => one.seriesInstanceUid === seriesInstanceUid && one.state === 'done')!;
  }
  function packOf({ seriesInstanceUid }: Series) {
    return query<{
      packId: string;
      bytes: number;
      encoding: string | null;
      original: number;
      tier: string;
      key: string;
    }>(
      bench.db.dataSource,
      `select distinct p.pack_id as "packId", p.bytes, l.encoding, p.original_bytes as original, l.tier, l.key
         from instance i join series se using (series_key) join pack p using (pack_id)
         join location l on l.pack_id = p.pack_id and l.state = 'ready'
        where se.series_instance_uid = $1`,
      [seriesInstanceUid],
    );
  }

  /** Instances, ranges of them and frames are what they were when they came. */
  async function expectReadable({ instances }: Series): Promise<void> {
    const db = bench.db.dataSource;
    const stores = storesOf(bench);
    const packs = new ReadPack(db, stores, undefined, new PackBytes(db, stores, codec));
    const open = new OpenInstance(db, packs);
    const openFrames = new OpenFrames(db, packs);
    for (const { stored, bytes } of instances) {
      const row = await open.find(stored);
      expect((await buffer(await open.open(row))).equals(bytes)).toBe(true);
      for (const [start, length] of [
        [0, 132],
        [1, bytes.length - 2],
        [bytes.length - 5, 5],
      ] as const) {
        const range = await buffer(await open.openRange(row, start, length));
        expect(range.equals(bytes.subarray(start, start + length))).toBe(true);
      }
      const target = Buffer.alloc(Math.floor(bytes.length / 3));
      await open.readInto(row, target.length, target);
      expect(target.equals(bytes.subarray(target.length, 2 * target.length))).toBe(true);
      if (row.frameKind !== 'native') continue;
      const count = row.numberOfFrames ?? 1;
      for (const number of new Set([1, Math.ceil(count / 2), count])) {
        const [frame] = (await openFrames.open(stored, [number])).frames;
        const read = await buffer(await frame!.open());
        expect(read.length).toBe(frame!.bytes);
        if (frame!.openRange === undefined) continue;
        expect(read.equals(bytes.subarray(frame!.endOffset! - read.length, frame!.endOffset!))).toBe(true);
        expect(await buffer(await frame!.openRange(7, 100))).toEqual(read.subarray(7, 107));
      }
    }
  }

  it.each(Object.entries(kinds))('keeps %s compressed, and gives it back byte for byte', async (_, description) => {
    const series = await put(description);
    const done = await move(series, 'warm');
    expect(done.keptAsIs).toEqual({});
    const [pack, ...others] = await packOf(series);
    expect(others).toEqual([]);
    expect(pack).toMatchObject({
      tier: 'warm',
      encoding: 'htj2k-lossless',
      original: series.instances[0]!.bytes.length,
    });
    expect(pack!.bytes).toBeLessThan(pack!.original);
    expect((await bench.warm.head(pack!.key))!.bytes).toBe(pack!.bytes);
    expect(done.storedBytes).toBe(pack!.bytes);
    await expectReadable(series);
  });

  it.each(Object.entries(kept))('moves %s as it is, and says why', async (_, [description, reason]) => {
    const series = await put(description);
    const done = await move(series, 'warm');
    expect(Object.keys(done.keptAsIs!)).toEqual([expect.stringMatching(reason)]);
    expect(await packOf(series)).toMatchObject([
      { tier: 'warm', encoding: null, bytes: series.instances[0]!.bytes.length },
    ]);
    await expectReadable(series);
  });

  it('takes what can be compressed and what cannot into one pack, in their order', async () => {
    const all = [...Object.values(kept).map(([description]) => description), ...Object.values(kinds)];
    const series = await put(...all, ...all.toReversed());
    await move(series, 'warm');
    expect(await packOf(series)).toHaveLength(1);
    await expectReadable(series);
    const usage = await readUsageByKind(bench.db.dataSource);
    const saved = usage.reduce((sum, { bytes, storedBytes }) => sum + bytes - storedBytes, 0);
    const [packs] = await query<{ saved: number }>(
      bench.db.dataSource,
      'select sum(original_bytes - bytes)::bigint as saved from pack where encoding is not null',
    );
    expect(saved).toBe(packs!.saved);
    expect(saved).toBeGreaterThan(10_000);
  });

  it('carries a compressed pack on, back, and into one with what came later', async () => {
    const series = await put(kinds['many frames']!, kinds['colours']!);
    await move(series, 'warm');
    const [warm] = await packOf(series);
    await move(series, 'cold', { recompress: null });
    expect(await packOf(series)).toMatchObject([{ packId: warm!.packId, tier: 'cold', encoding: 'htj2k-lossless' }]);
    await expectReadable(series);
    await move(series, 'hot', { recompress: null });
    expect((await packOf(series)).map(({ tier }) => tier).sort()).toEqual(['cold', 'hot']);
    await expectReadable(series);
    const late = await putInto(series, 3, kinds['a slice']!);
    const both = { ...series, instances: [...series.instances, ...late.instances] };
    await move(both, 'cold');
    expect(await packOf(both)).toMatchObject([{ tier: 'cold', encoding: 'htj2k-lossless' }]);
    await expectReadable(both);
    const later = await putInto(series, 4, kinds['a slice']!);
    const three = { ...both, instances: [...both.instances, ...later.instances] };
    await move(three, 'cold', { recompress: null });
    expect(await packOf(three)).toMatchObject([{ tier: 'cold', encoding: null }]);
    await expectReadable(three);
  });

  it('compresses what is one pack on the tier already, when it is asked to', async () => {
    const series = await put(kinds['many frames']!);
    await move(series, 'warm', { recompress: null });
    expect(await packOf(series)).toMatchObject([{ tier: 'warm', encoding: null }]);
    await move(series, 'cold');
    expect(await packOf(series)).toMatchObject([{ tier: 'cold', encoding: 'htj2k-lossless' }]);
    await expectReadable(series);
  });

  it('is not switched to when other bytes come back, and moves as it is when the source is sound', async () => {
    const series = await put(kinds['many frames']!);
    let reads = 0;
    const flipping = withChanges(bench.warm, {
      read: async (key) => {
        const bytes = await buffer(await bench.warm.read(key));
        reads += 1;
        if (reads === 1) bytes[200]! ^= 1;
        return (await import('node:stream')).Readable.from([bytes]);
      },
    });
    const before = await keysOf(bench.warm);
    await move(series, 'warm', { stores: storesOf(bench, { warm: flipping }), tries: 2 });
    expect(await packOf(series)).toMatchObject([{ tier: 'warm', encoding: null }]);
    expect((await keysOf(bench.warm)).length).toBe(before.length + 1);
    await expectReadable(series);
  });

  it('is sound to who checks the index and every digest, and not when parts are missing', async () => {
    const db = bench.db.dataSource;
    const series = await put(kinds['many frames']!);
    await move(series, 'warm');
    expect((await checkArchive(db, storesOf(bench), { digests: true })).problems).toEqual([]);
    const [pack] = await packOf(series);
    await execute(db, 'delete from pack_part where pack_id = $1', [pack!.packId]);
    const { problems } = await checkArchive(db, storesOf(bench));
    expect(problems).toMatchObject([{ kind: 'encoding-wrong', packId: pack!.packId }]);
  });
});
