import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BlobStores } from '#libs/blobs';
import { execute, query } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import {
  configOf,
  emptyBench,
  insertLocation,
  insertPack,
  never,
  type PackDescription,
  retire,
  silent,
  startBench,
  type StorageBench,
  storesOf,
  withChanges,
} from '../../../../test/support/storage/storage-bench.js';
import { type PlanLimits, PlanTieringJob, usualLimits } from './plan-tiering.job.js';
import { StoreRoom } from './store-room.js';
import { TestStores } from './test-stores.js';
import { TieringPolicies } from './tiering-policies.js';

jest.setTimeout(60_000);

describe('plan-tiering', () => {
  let bench: StorageBench;
  let jobs: JobQueue;
  beforeAll(async () => {
    bench = await startBench();
    jobs = await bench.db.jobs();
  });
  afterAll(() => bench.close());
  afterEach(() => emptyBench(bench));

  const config = configOf({ warmAfterDays: 30, coldAfterDays: 365 });
  function planner(stores: BlobStores = storesOf(bench)): PlanTieringJob {
    const policies = new TieringPolicies(bench.db.dataSource, config);
    const room = new StoreRoom(bench.db.dataSource, stores, new TestStores(stores, silent));
    return new PlanTieringJob(bench.db.dataSource, stores, jobs, policies, room, silent);
  }
  async function plan(
    stores: BlobStores = storesOf(bench),
    limits: Partial<PlanLimits> = {},
  ): Promise<Record<string, string>> {
    await planner(stores).plan(never(), { ...usualLimits, ...limits });
    return ordered();
  }
  /** What is ordered and in the queue: the pack of the series to its tier. */
  async function ordered(): Promise<Record<string, string>> {
    const rows = await query<{ pack: string; tier: string }>(
      bench.db.dataSource,
      `select i.pack_id as pack, m.tier
         from series_move m join series se using (series_instance_uid) join instance i using (series_key)
         join jobs.job j on j.name = 'move-series' and j.data ->> 'moveId' = m.move_id::text`,
    );
    return Object.fromEntries(rows.map(({ pack, tier }) => [pack, tier]));
  }
  const insert = async (description: PackDescription) => (await insertPack(bench, description)).packId;

  it('orders what the policy asks for, and nothing else', async () => {
    const fresh = await insert({ daysOld: 29 });
    const old = await insert({ daysOld: 31 });
    const ancient = await insert({ daysOld: 366 });
    const ancientWarm = await insert({ daysOld: 366, tier: 'warm' });
    const oldWarm = await insert({ daysOld: 31, tier: 'warm' });
    const onCold = await insert({ daysOld: 9999, tier: 'cold' });
    const found = await plan();
    expect(found).toEqual({ [old]: 'warm', [ancient]: 'cold', [ancientWarm]: 'cold' });
    for (const stays of [fresh, oldWarm, onCold]) expect(found).not.toHaveProperty(stays);
  });

  it('orders nothing to a tier that takes nothing, and what goes elsewhere all the same', async () => {
    const old = await insert({ daysOld: 31 });
    const ancient = await insert({ daysOld: 366 });
    const full = { space: async () => ({ bytesFree: 0, bytesTotal: 1_000 }) };
    expect(await plan(storesOf(bench, { cold: withChanges(bench.cold, full) }))).toEqual({ [old]: 'warm' });
    expect(await plan()).toEqual({ [old]: 'warm', [ancient]: 'cold' });
  });

  it('counts age from the last change of the study', async () => {
    await insert({ daysOld: 100, studies: [{ daysOld: 1 }] });
    const quiet = await insert({ daysOld: 1, studies: [{ daysOld: 40 }] });
    expect(await plan()).toEqual({ [quiet]: 'warm' });
  });

  it.each([
    ['SCHEDULED', false],
    ['IN PROGRESS', false],
    ['COMPLETED', true],
    ['CANCELED', true],
  ] as const)('with an AI workitem %s, moves: %p', async (ai, moves) => {
    const packId = await insert({ daysOld: 100, studies: [{ daysOld: 100, ai }] });
    expect(await plan()).toEqual(moves ? { [packId]: 'warm' } : {});
  });

  it('does not wait for a reading', async () => {
    const packId = await insert({ daysOld: 100, studies: [{ daysOld: 100, isUnread: true }] });
    expect(await plan()).toEqual({ [packId]: 'warm' });
  });

  it('leaves a pack that was called back for as long as a new one', async () => {
    const { packId } = await insertPack(bench, { daysOld: 400, tier: 'cold' });
    await insertLocation(bench, { packId, tier: 'hot', key: 'recalled', daysOld: 29 });
    expect(await plan()).toEqual({});
    await execute(
      bench.db.dataSource,
      `update location set created_at = now() - interval '31 days' where tier = 'hot'`,
    );
    expect(await plan()).toEqual({ [packId]: 'warm' });
  });

  it('does not look at retired copies', async () => {
    const { packId } = await insertPack(bench, { daysOld: 40 });
    await insertLocation(bench, { packId, tier: 'warm', key: 'moved' });
    await retire(bench, packId, 'hot', 1);
    expect(await plan()).toEqual({});
  });

  it('moves to the tiers that have a store', async () => {
    const ancient = await insert({ daysOld: 400 });
    expect(await plan(new BlobStores({ hot: bench.hot }))).toEqual({});
    expect(await plan(new BlobStores({ hot: bench.hot, warm: bench.warm }))).toEqual({ [ancient]: 'warm' });
    const old = await insert({ daysOld: 40 });
    const found = await plan(new BlobStores({ hot: bench.hot, cold: bench.cold }));
    expect(found).not.toHaveProperty(old);
  });

  it('orders a move once while it waits', async () => {
    const old = await insert({ daysOld: 31 });
    await plan();
    expect(await plan()).toEqual({ [old]: 'warm' });
    const [count] = await query<{ n: number }>(
      bench.db.dataSource,
      `select count(*) as n from jobs.job where name = 'move-series'`,
    );
    expect(count!.n).toBe(1);
  });

  it('goes through all pages, the last one full or not, and stops at its limit', async () => {
    const packs: string[] = [];
    for (let count = 0; count < 6; count += 1) packs.push(await insert({ daysOld: 31, bytes: Buffer.from('x') }));
    expect(Object.keys(await plan(storesOf(bench), { pageSize: 2, movesMax: 3 }))).toHaveLength(3);
    expect(Object.keys(await plan(storesOf(bench), { pageSize: 3, movesMax: 100 })).sort()).toEqual(packs.sort());
  });

  it('goes on in the next run behind the last study of the one before', async () => {
    const packs: string[] = [];
    for (let count = 0; count < 4; count += 1) packs.push(await insert({ daysOld: 31, bytes: Buffer.from('x') }));
    expect(Object.keys(await plan(storesOf(bench), { pageSize: 2, studiesMax: 2 })).sort()).toEqual(
      packs.slice(0, 2).sort(),
    );
    expect(Object.keys(await plan(storesOf(bench), { pageSize: 2, studiesMax: 2 })).sort()).toEqual(packs.sort());
  });

  it('goes by policies that are rows, by modality and by when somebody last read', async () => {
    const policies = new TieringPolicies(bench.db.dataSource, config);
    const old = await insert({ daysOld: 100 });
    const steps = [{ to: 'warm' as const, afterDays: 30, unusedDays: 14 }];
    await policies.put('unused', { position: 1, isEnabled: true, match: {}, steps });
    await execute(bench.db.dataSource, `update pack set last_read_at = now() - interval '13 days'`);
    expect(await plan()).toEqual({});
    await execute(bench.db.dataSource, `update pack set last_read_at = now() - interval '15 days'`);
    expect(await plan()).toEqual({ [old]: 'warm' });
    await policies.put('keep', { position: 0, isEnabled: true, match: { modalities: ['CT'] }, steps: [] });
    await execute(bench.db.dataSource, `update study set modalities = '{CT}'`);
    await execute(bench.db.dataSource, 'delete from series_move');
    expect(await plan()).toEqual({});
    await policies.delete('keep');
    expect(await plan()).toEqual({ [old]: 'warm' });
  });

  it('sends a pinned study to its tier, and back', async () => {
    const { packId } = await insertPack(bench, { daysOld: 0 });
    await query(
      bench.db.dataSource,
      `insert into study_hold (study_instance_uid, kind, tier) select study_instance_uid, 'pin', 'cold' from study`,
    );
    expect(await plan()).toEqual({ [packId]: 'cold' });
    await execute(bench.db.dataSource, 'delete from series_move');
    await execute(bench.db.dataSource, `update location set tier = 'cold', store = 'cold'`);
    await execute(bench.db.dataSource, `update study_hold set tier = 'hot'`);
    expect(await plan()).toEqual({ [packId]: 'hot' });
  });

  it('says what it would move without moving it', async () => {
    await insert({ daysOld: 31 });
    const seen = [];
    for await (const { moves } of planner().preview()) seen.push(...moves);
    expect(seen).toMatchObject([{ from: 'hot', to: 'warm', reason: 'default', bytes: 200_003 }]);
    expect(await ordered()).toEqual({});
  });

  it('orders nothing after the abort', async () => {
    await insert({ daysOld: 31 });
    await expect(planner().plan(AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
    expect(await ordered()).toEqual({});
  });
});
