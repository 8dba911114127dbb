import { randomBytes } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PackBytes } from '#libs/archive';
import { BlobError, type BlobStores, type TierName } from '#libs/blobs';
import type { Config } from '#libs/config';
import { execute, query, transaction } from '#libs/database';
import {
  configOf,
  emptyBench,
  insertLocation,
  insertPack,
  keyOn,
  keysOf,
  never,
  readBlob,
  recordingLogger,
  retire,
  startBench,
  type StorageBench,
  storesOf,
  withChanges,
  writeBlob,
} from '../../../../test/support/storage/storage-bench.js';
import { askForScrub } from './asked-scrub.js';
import { readScrub } from './read-scrub.js';
import { ScrubJob } from './scrub.job.js';

jest.setTimeout(120_000);

describe('scrub', () => {
  let bench: StorageBench;
  beforeAll(async () => {
    bench = await startBench();
  });
  beforeEach(() => emptyBench(bench));
  afterAll(() => bench.close());

  async function scrub(days = 0, stores: BlobStores = storesOf(bench), bytesPerSecond = 1e9) {
    const { logger, lines } = recordingLogger();
    const config = configOf({ scrubBytesPerSecond: bytesPerSecond });
    const scrubbed = await scrubber(stores, config, logger).scrub(never(), days);
    return { ...scrubbed, lines };
  }
  function scrubber(stores: BlobStores, config: Config = configOf({}), logger = recordingLogger().logger): ScrubJob {
    const db = bench.db.dataSource;
    return new ScrubJob(db, stores, config, logger, new PackBytes(db, stores));
  }
  const fileOf = (tier: TierName, key: string) => path.join(bench.folder, tier, key);
  /** A pack on the hot tier with a second copy in the warm one. */
  async function insertTwice(pieceBytes?: number[]) {
    const bytes = randomBytes(50_000);
    const pack = await insertPack(bench, { bytes, ...(pieceBytes !== undefined && { pieceBytes }) });
    const copy = await writeBlob(bench.warm, pack.bytes);
    await insertLocation(bench, { packId: pack.packId, tier: 'warm', key: copy });
    return pack;
  }
  const damaged = () =>
    query<{ tier: string }>(bench.db.dataSource, 'select tier from location where damage is not null');

  const damages: Record<string, (tier: TierName, key: string, bytes: Buffer) => Promise<void>> = {
    'a flipped bit': async (tier, key, bytes) => {
      const flipped = Buffer.from(bytes);
      flipped[bytes.length - 1]! ^= 0x10;
      await writeFile(fileOf(tier, key), flipped);
    },
    'a missing end': (tier, key, bytes) => truncate(fileOf(tier, key), bytes.length - 1),
    'bytes too many': (tier, key, bytes) => writeFile(fileOf(tier, key), Buffer.concat([bytes, Buffer.from([0])])),
    'other bytes of the same length': (tier, key, bytes) => writeFile(fileOf(tier, key), randomBytes(bytes.length)),
    'no blob': (tier, key) => bench[tier].delete(key),
  };

  it.each(Object.entries(damages))('finds %s, and repairs it from the other copy', async (_what, damage) => {
    for (const [tier, pieceBytes] of [['hot'], ['warm'], ['warm', [20_000, 1, 29_999]]] as const) {
      const pack = await insertTwice(pieceBytes && [...pieceBytes]);
      await damage(tier, await keyOn(bench, pack.packId, tier), pack.bytes);
      expect(await scrub()).toMatchObject({ damaged: 1, repaired: 1 });
      expect((await readBlob(bench[tier], await keyOn(bench, pack.packId, tier))).equals(pack.bytes)).toBe(true);
      expect(await damaged()).toEqual([]);
      expect(await scrub()).toMatchObject({ damaged: 0 });
    }
  });

  it.each(Object.entries(damages))(
    'says of %s where there is no other copy, and keeps the row',
    async (_what, damage) => {
      const pack = await insertPack(bench, { bytes: randomBytes(50_000) });
      await damage('hot', pack.key, pack.bytes);
      const found = await scrub();
      expect(found).toMatchObject({ damaged: 1, repaired: 0 });
      expect(found.lines.filter(({ level }) => level === 'error')).toMatchObject([{ packId: pack.packId }]);
      expect(await damaged()).toEqual([{ tier: 'hot' }]);
      const report = await readScrub(bench.db.dataSource, { scrubDays: 30, scrubBytesPerSecond: 1e6 });
      expect(report.damaged).toMatchObject([{ packId: pack.packId, store: 'hot', key: pack.key }]);
    },
  );

  it('finds two blobs of the same size in each other’s place', async () => {
    const [one, other] = [await insertTwice(), await insertTwice()];
    await writeFile(fileOf('hot', one.key), other.bytes);
    await writeFile(fileOf('hot', other.key), one.bytes);
    expect(await scrub()).toMatchObject({ damaged: 2, repaired: 2 });
  });

  it('finds two pieces of a pack in each other’s place', async () => {
    const pack = await insertTwice([25_000, 25_000]);
    expect(await scrub()).toMatchObject({ copies: 2, damaged: 0 });
    const swapped = Buffer.concat([pack.bytes.subarray(25_000), pack.bytes.subarray(0, 25_000)]);
    await writeFile(fileOf('hot', pack.key), swapped);
    expect(await scrub()).toMatchObject({ damaged: 1, repaired: 1 });
    expect((await readBlob(bench.hot, await keyOn(bench, pack.packId, 'hot'))).equals(pack.bytes)).toBe(true);
  });

  it('repairs from a copy that was replaced and waits for its grace', async () => {
    const pack = await insertTwice();
    await retire(bench, pack.packId, 'hot', 1);
    await bench.warm.delete(await keyOn(bench, pack.packId, 'warm'));
    expect(await scrub()).toMatchObject({ damaged: 1, repaired: 1 });
    expect((await readBlob(bench.warm, await keyOn(bench, pack.packId, 'warm'))).equals(pack.bytes)).toBe(true);
  });

  it('repairs from the packs that a pack was made of, as long as they are there', async () => {
    const db = bench.db.dataSource;
    // Of the first what lies in the middle, and all of the second, in the other order.
    const [one, other] = [randomBytes(40_000), randomBytes(20_000)];
    const bytes = Buffer.concat([other, one.subarray(5_000, 35_000)]);
    const pack = await insertPack(bench, { bytes, pieceBytes: [20_000, 30_000], tier: 'warm' });
    const former = [await insertPack(bench, { bytes: one }), await insertPack(bench, { bytes: other })];
    const places = [
      [5_000, 20_000],
      [0, 0],
    ] as const;
    for (const [index, { packId }] of former.entries()) {
      await retire(bench, packId, 'hot', 1);
      await query(
        db,
        `insert into pack_successor (pack_id, successor_id, former_offsets, offsets) values ($1, $2, $3, $4)`,
        [packId, pack.packId, [places[index]![0]], [places[index]![1]]],
      );
    }
    await damages['a flipped bit']!('warm', pack.key, bytes);
    expect(await scrub()).toMatchObject({ copies: 1, damaged: 1, repaired: 1 });
    const repaired = await keyOn(bench, pack.packId, 'warm');
    expect((await readBlob(bench.warm, repaired)).equals(bytes)).toBe(true);
    // One of them is damaged, too, and then gone.
    await bench.warm.delete(repaired);
    await damages['a flipped bit']!('hot', former[1]!.key, other);
    expect(await scrub()).toMatchObject({ damaged: 1, repaired: 0 });
    await bench.hot.delete(former[1]!.key);
    expect(await scrub()).toMatchObject({ damaged: 1, repaired: 0 });
    await execute(db, 'delete from location where pack_id = $1', [former[1]!.packId]);
    await execute(db, 'delete from pack_successor where pack_id = $1', [former[1]!.packId]);
    expect(await scrub()).toMatchObject({ damaged: 1, repaired: 0 });
    expect(await keysOf(bench.warm)).toEqual([]);
  });

  it('repairs nothing from a copy that is damaged, too', async () => {
    const pack = await insertTwice();
    for (const tier of ['hot', 'warm'] as const) {
      await damages['a flipped bit']!(tier, await keyOn(bench, pack.packId, tier), pack.bytes);
    }
    expect(await scrub()).toMatchObject({ damaged: 2, repaired: 0 });
    expect(await damaged()).toHaveLength(2);
  });

  it('does not take a store that gives no answer for damage', async () => {
    const pack = await insertPack(bench);
    const stores = storesOf(bench, {
      hot: withChanges(bench.hot, { read: async () => Promise.reject(new BlobError('blob-unavailable', 'away')) }),
    });
    await expect(scrub(0, stores)).rejects.toThrow('away');
    expect(await damaged()).toEqual([]);
    expect(await scrub()).toMatchObject({ copies: 1, damaged: 0 });
    expect(pack.bytes.length).toBeGreaterThan(0);
  });

  it('passes over what was compared within the days, and tells how far it has come', async () => {
    await insertPack(bench, { daysOld: 40 });
    await insertPack(bench, { daysOld: 10 });
    const report = () => readScrub(bench.db.dataSource, { scrubDays: 30, scrubBytesPerSecond: 1e6 });
    expect(await report()).toMatchObject({ copies: 2, copiesDone: 1, percent: 50, bytesLeft: 200_003 });
    expect(await scrub(24)).toMatchObject({ copies: 1, bytes: 200_003 });
    expect(await report()).toMatchObject({ copies: 2, copiesDone: 2, percent: 100, bytesLeft: 0 });
    expect(await scrub(24)).toMatchObject({ copies: 0 });
  });

  it('compares what it is asked to in as many runs as that takes, and says how far it is', async () => {
    for (let count = 0; count < 3; count += 1) await insertPack(bench, { bytes: randomBytes(1_000) });
    const asked = async () => (await readScrub(bench.db.dataSource, { scrubDays: 30, scrubBytesPerSecond: 1e6 })).asked;
    expect(await asked()).toBeNull();
    await transaction(bench.db.dataSource, (tx) => askForScrub(tx, 0));
    await insertPack(bench, { bytes: randomBytes(1_000) });
    expect(await asked()).toMatchObject({ copiesLeft: 3, bytes: 3_000, bytesDone: 0, percent: 0 });
    const job = scrubber(storesOf(bench));
    // One of them is passed over as long as its store does not answer.
    const broken = withChanges(bench.hot, { read: () => Promise.reject(new BlobError('blob-unavailable', 'away')) });
    const away = scrubber(storesOf(bench, { hot: broken }));
    await expect(away.scrub(never(), 24)).rejects.toThrow();
    expect(await asked()).toMatchObject({ copiesLeft: 3 });
    await execute(
      bench.db.dataSource,
      `update location set verified_at = now() where location_id = (select location_id from location order by created_at limit 1)`,
    );
    expect(await asked()).toMatchObject({
      copiesLeft: 2,
      bytes: 3_000,
      bytesDone: 1_000,
      bytesLeft: 2_000,
      percent: 33.3,
    });
    expect(await job.scrub(never(), 24)).toMatchObject({ copies: 2, bytes: 2_000 });
    expect(await asked()).toBeNull();
    expect(await job.scrub(never(), 24)).toMatchObject({ copies: 0 });
  });

  it('reads no faster than it may', async () => {
    for (let count = 0; count < 3; count += 1) await insertPack(bench, { bytes: randomBytes(100_000) });
    const begun = performance.now();
    await scrub(0, storesOf(bench), 200_000);
    expect(performance.now() - begun).toBeGreaterThan(1_200);
  });

  it('finds each of many damages', async () => {
    const count = Number(process.env['ISOCENTER_TEST_DAMAGES'] ?? 100);
    const kinds = Object.values(damages);
    for (let index = 0; index < count; index += 1) {
      const pack = await insertPack(bench, { bytes: randomBytes(500 + index), studies: [] });
      await kinds[index % kinds.length]!('hot', pack.key, pack.bytes);
    }
    expect(await scrub()).toMatchObject({ copies: count, damaged: count });
  });
});
