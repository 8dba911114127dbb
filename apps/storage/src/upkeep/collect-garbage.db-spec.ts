import { utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BlobError, BlobStores, newBlobKey } from '#libs/blobs';
import { execute, query } from '#libs/database';
import {
  configOf,
  copiesOf,
  emptyBench,
  insertLocation,
  insertPack,
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
import { MovePack } from '../tiering/move-pack.js';
import { checkPresence } from './check-presence.js';
import { CollectGarbageJob } from './collect-garbage.job.js';
import { deleteOrphans } from './delete-orphans.js';
import { Failures } from './failures.js';

const hour = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * hour);

jest.setTimeout(60_000);

describe('collect-garbage', () => {
  let bench: StorageBench;
  let log: ReturnType<typeof recordingLogger>;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    await emptyBench(bench);
    log = recordingLogger();
  });

  const collector = (graceHours: number, stores: BlobStores = storesOf(bench)) =>
    new CollectGarbageJob(bench.db.dataSource, stores, configOf({ graceHours }), log.logger);
  const alarms = () => log.lines.filter(({ level }) => level === 'error');

  async function movedPack(hoursAgo: number) {
    const pack = await insertPack(bench);
    await new MovePack(bench.db.dataSource, storesOf(bench), log.logger).move(pack.packId, 'warm', never());
    await retire(bench, pack.packId, 'hot', hoursAgo);
    return pack;
  }

  describe('of retired copies', () => {
    it('deletes those past their grace, blob and row, and leaves the others', async () => {
      const past = await movedPack(72.1);
      const within = await movedPack(71.9);
      expect(await collector(72).collect(never())).toMatchObject({ retired: 1, orphans: 0, missing: 0 });
      expect(await copiesOf(bench, past.packId)).toEqual(['warm ready']);
      expect(await copiesOf(bench, within.packId)).toEqual(['hot retired', 'warm ready']);
      expect(await keysOf(bench.hot)).toEqual([within.key]);
      expect(await keysOf(bench.warm)).toHaveLength(2);
    });

    it('deletes at once with a grace of 0', async () => {
      const { packId } = await movedPack(0);
      await collector(0).collect(never());
      expect(await copiesOf(bench, packId)).toEqual(['warm ready']);
      expect(await keysOf(bench.hot)).toEqual([]);
    });

    it('goes through more than one page', async () => {
      const { packId } = await movedPack(1);
      for (let count = 0; count < 450; count += 1) {
        await insertLocation(bench, { packId, tier: 'hot', key: newBlobKey() });
      }
      await retire(bench, packId, 'hot', 1);
      expect(await collector(0).collect(never())).toMatchObject({ retired: 451 });
      expect(await copiesOf(bench, packId)).toEqual(['warm ready']);
    });

    it('finishes what was cut between the blob and its row', async () => {
      const { packId, key } = await movedPack(73);
      await bench.hot.delete(key);
      await collector(72).collect(never());
      expect(await copiesOf(bench, packId)).toEqual(['warm ready']);
      expect(alarms()).toEqual([]);
    });

    it.each(['missing', 'of another size', 'not in the rows'] as const)(
      'keeps a copy, and says so, when the one that replaces it is %s',
      async (wrong) => {
        const { packId, key, bytes } = await movedPack(1000);
        const [copy] = await keysOf(bench.warm);
        if (wrong === 'missing') await bench.warm.delete(copy!);
        else if (wrong === 'of another size') await writeFile(path.join(bench.folder, 'warm', copy!), 'short');
        else await execute(bench.db.dataSource, `delete from location where tier = 'warm'`);
        expect(await collector(72).collect(never())).toMatchObject({ retired: 0 });
        expect((await readBlob(bench.hot, key)).equals(bytes)).toBe(true);
        expect((await copiesOf(bench, packId))[0]).toBe('hot retired');
        expect(alarms()).toContainEqual(expect.objectContaining({ packId, key }));
      },
    );

    it('goes on past a store that fails, and fails in the end', async () => {
      const stuck = await movedPack(100);
      const fine = await movedPack(100);
      const hot = withChanges(bench.hot, {
        delete: async (key) => {
          if (key === stuck.key) throw new BlobError('blob-unavailable', 'read-only');
          await bench.hot.delete(key);
        },
      });
      await expect(collector(72, storesOf(bench, { hot })).collect(never())).rejects.toThrow(/read-only/);
      expect(await copiesOf(bench, stuck.packId)).toEqual(['hot retired', 'warm ready']);
      expect(await copiesOf(bench, fine.packId)).toEqual(['warm ready']);
    });

    it('deletes once when two run at once', async () => {
      const { packId } = await movedPack(100);
      await Promise.all([collector(72).collect(never()), collector(72).collect(never())]);
      expect(await copiesOf(bench, packId)).toEqual(['warm ready']);
      expect(alarms()).toEqual([]);
    });

    it('stops at the abort', async () => {
      const { packId } = await movedPack(100);
      const aborted = AbortSignal.abort(new Error('stopping'));
      await expect(collector(72).collect(aborted)).rejects.toThrow('stopping');
      expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'warm ready']);
    });
  });

  describe('of blobs without a row', () => {
    it('deletes those past the grace in every store, and nothing that a row names', async () => {
      const pack = await insertPack(bench);
      const moved = await movedPack(1);
      await writeBlob(bench.hot, Buffer.from('left by a crash'));
      await writeBlob(bench.warm, Buffer.from('left by a crash'));
      expect(await collector(72).collect(never(), inHours(73))).toMatchObject({ orphans: 2 });
      expect(await keysOf(bench.hot)).toEqual([pack.key, moved.key].sort());
      expect(await keysOf(bench.warm)).toHaveLength(1);
      expect(await copiesOf(bench, moved.packId)).toEqual(['hot retired', 'warm ready']);
    });

    it.each([0, 1, 72])('leaves a fresh blob alone, with a grace of %p', async (grace) => {
      await writeBlob(bench.hot, Buffer.from('its transaction is under way'));
      expect(await collector(grace).collect(never())).toMatchObject({ orphans: 0 });
      expect(await collector(grace).collect(never(), inHours(1.9))).toMatchObject({ orphans: 0 });
      expect(await keysOf(bench.hot)).toHaveLength(1);
    });

    it('leaves a blob whose row arrives between the listing and the deletion', async () => {
      const bytes = Buffer.from('a slow sender');
      const key = await writeBlob(bench.hot, bytes);
      // The row is committed after the store was looked through and before the orphans are deleted.
      let asked = 0;
      const db = new Proxy(bench.db.dataSource, {
        get(target, property) {
          if (property !== 'query') return Reflect.get(target, property, target) as unknown;
          return async (sql: string, parameters: unknown[]) => {
            const rows: unknown = await target.query(sql, parameters);
            asked += 1;
            if (asked === 1) {
              const { packId } = await insertPack(bench, { bytes });
              await execute(target, 'update location set key = $2 where pack_id = $1', [packId, key]);
            }
            return rows;
          };
        },
      });
      const deleted = await deleteOrphans(db, bench.hot, { now: inHours(3), graceHours: 0 }, log.logger, never());
      expect(deleted).toBe(0);
      expect(await keysOf(bench.hot)).toContain(key);
    });

    it('takes a blob for named whichever store its row names: two may share a bucket', async () => {
      const { packId, key, bytes } = await insertPack(bench, { tier: 'warm' });
      for (const store of ['cold', 'a-store-of-last-year']) {
        await execute(bench.db.dataSource, 'update location set store = $2 where pack_id = $1', [packId, store]);
        await deleteOrphans(bench.db.dataSource, bench.warm, { now: inHours(100), graceHours: 1 }, log.logger, never());
        expect((await readBlob(bench.warm, key)).equals(bytes)).toBe(true);
      }
    });

    it('deletes nothing where most is unknown', async () => {
      await insertPack(bench);
      for (let count = 0; count < 5; count += 1) await writeBlob(bench.hot, Buffer.from([count]));
      const when = { now: inHours(100), graceHours: 72 };
      const limits = { pageSize: 2, deletedMax: 100, suspiciousMin: 4 };
      const run = () => deleteOrphans(bench.db.dataSource, bench.hot, when, log.logger, never(), limits);
      expect(await run()).toBe(0);
      expect(await keysOf(bench.hot)).toHaveLength(6);
      expect(alarms()).toEqual([expect.objectContaining({ store: 'hot', orphans: 5, named: 1 })]);
      limits.suspiciousMin = 5;
      expect(await run()).toBe(5);
      expect(await keysOf(bench.hot)).toHaveLength(1);
    });

    it('deletes up to its limit in one run, the rest in the next', async () => {
      for (let count = 0; count < 5; count += 1) await writeBlob(bench.hot, Buffer.from([count]));
      const when = { now: inHours(100), graceHours: 72 };
      const limits = { pageSize: 2, deletedMax: 3, suspiciousMin: 100 };
      const run = () => deleteOrphans(bench.db.dataSource, bench.hot, when, log.logger, never(), limits);
      expect(await run()).toBe(3);
      expect(await run()).toBe(2);
      expect(await run()).toBe(0);
    });

    it('goes on to the other stores when one cannot be listed', async () => {
      await writeBlob(bench.warm, Buffer.from('left'));
      const hot = withChanges(bench.hot, {
        // eslint-disable-next-line require-yield
        list: async function* () {
          throw new BlobError('blob-unavailable', 'no listing today');
        },
      });
      const run = collector(72, storesOf(bench, { hot })).collect(never(), inHours(100));
      await expect(run).rejects.toThrow(/no listing today/);
      expect(await keysOf(bench.warm)).toEqual([]);
    });
  });

  it('clears what was staged and left, after a day', async () => {
    const staging = path.join(bench.folder, 'hot', 'staging');
    for (const [name, hours] of Object.entries({ left: 25, young: 23 })) {
      await writeFile(path.join(staging, name), 'half a part');
      const then = new Date(Date.now() - hours * hour);
      await utimes(path.join(staging, name), then, then);
    }
    expect(await collector(72).collect(never())).toMatchObject({ staged: 1 });
  });

  describe('of rows without their blob', () => {
    it('says which, and deletes none', async () => {
      const lost = await insertPack(bench);
      const short = await insertPack(bench);
      const fine = await insertPack(bench);
      await bench.hot.delete(lost.key);
      await writeFile(path.join(bench.folder, 'hot', short.key), 'short');
      expect(await collector(0).collect(never())).toMatchObject({ checked: 3, missing: 2, retired: 0, orphans: 0 });
      expect(alarms()).toHaveLength(2);
      expect(alarms()).toContainEqual(expect.objectContaining({ packId: lost.packId, key: lost.key, found: null }));
      expect(alarms()).toContainEqual(expect.objectContaining({ packId: short.packId, key: short.key, found: 5 }));
      for (const { packId } of [lost, short, fine]) expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
    });

    it('goes round all of them over the runs', async () => {
      const packs = [];
      for (let count = 0; count < 5; count += 1) packs.push(await insertPack(bench, { bytes: Buffer.from([count]) }));
      const asked: string[] = [];
      const hot = withChanges(bench.hot, {
        head: (key) => {
          asked.push(key);
          return bench.hot.head(key);
        },
      });
      const check = () =>
        checkPresence(
          bench.db.dataSource,
          storesOf(bench, { hot }),
          2,
          new Failures(log.logger, never()),
          log.logger,
          never(),
        );
      const counts = [];
      for (let run = 0; run < 4; run += 1) counts.push((await check()).checked);
      expect(counts).toEqual([2, 2, 1, 2]);
      expect(new Set(asked.slice(0, 5))).toEqual(new Set(packs.map(({ key }) => key)));
      expect(asked.slice(5)).toEqual(asked.slice(0, 2));
    });

    it('does not alarm about a copy that was retired and deleted meanwhile', async () => {
      const { packId, key } = await insertPack(bench);
      const hot = withChanges(bench.hot, {
        head: async () => {
          await retire(bench, packId, 'hot', 0);
          return undefined;
        },
      });
      const failures = new Failures(log.logger, never());
      const found = await checkPresence(
        bench.db.dataSource,
        storesOf(bench, { hot }),
        10,
        failures,
        log.logger,
        never(),
      );
      expect(found).toEqual({ checked: 1, missing: 0 });
      expect(alarms()).toEqual([]);
      expect(await keysOf(bench.hot)).toEqual([key]);
    });
  });

  it('keeps every pack readable while packs arrive, move and are collected at once', async () => {
    const mover = new MovePack(bench.db.dataSource, storesOf(bench), log.logger);
    const packs = await Promise.all(Array.from({ length: 12 }, () => insertPack(bench)));
    let isMoving = true;
    const collecting = (async () => {
      while (isMoving) await collector(0).collect(never());
    })();
    await Promise.all([
      (async () => {
        for (const { packId } of packs) await mover.move(packId, 'warm', never());
        for (const { packId } of packs.slice(0, 6)) await mover.move(packId, 'cold', never());
      })(),
      (async () => {
        for (let count = 0; count < 6; count += 1) packs.push(await insertPack(bench));
      })(),
    ]);
    isMoving = false;
    await collecting;
    await collector(0).collect(never());
    for (const { packId, bytes } of packs) {
      const [best] = await query<{ store: 'hot' | 'warm' | 'cold'; key: string }>(
        bench.db.dataSource,
        `select store, key from location where pack_id = $1 and state = 'ready'`,
        [packId],
      );
      expect((await readBlob(bench[best!.store], best!.key)).equals(bytes)).toBe(true);
      expect(await copiesOf(bench, packId)).toHaveLength(1);
    }
    expect(alarms()).toEqual([]);
    const blobs = [...(await keysOf(bench.hot)), ...(await keysOf(bench.warm)), ...(await keysOf(bench.cold))];
    expect(blobs).toHaveLength(packs.length);
  });
});
