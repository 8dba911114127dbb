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
} from '../../../../test/support/storage/storage-bench.js';
import { type PlanLimits, PlanTieringJob } from './plan-tiering.job.js';

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
  async function plan(stores: BlobStores = storesOf(bench), limits?: PlanLimits): Promise<Record<string, string>> {
    const job = new PlanTieringJob(bench.db.dataSource, stores, jobs, config, silent);
    await job.plan(never(), limits);
    return ordered();
  }
  /** What is in the queue: pack to tier. */
  async function ordered(): Promise<Record<string, string>> {
    const rows = await query<{ pack: string; tier: string }>(
      bench.db.dataSource,
      `select data ->> 'packId' as pack, data ->> 'tier' as tier from jobs.job where name = 'move-pack'`,
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

  it('counts age from the last change of any study in the pack', async () => {
    const changed = await insert({ daysOld: 100, studies: [{ daysOld: 100 }, { daysOld: 1 }] });
    const quiet = await insert({ daysOld: 100, studies: [{ daysOld: 100 }, { daysOld: 40 }] });
    const found = await plan();
    expect(found).toEqual({ [quiet]: 'warm' });
    expect(found).not.toHaveProperty(changed);
  });

  it('takes a pack without instances by its own age', async () => {
    const empty = await insert({ daysOld: 31, studies: [] });
    expect(await plan()).toEqual({ [empty]: 'warm' });
  });

  it.each([
    ['SCHEDULED', false],
    ['IN PROGRESS', false],
    ['COMPLETED', true],
    ['CANCELED', true],
  ] as const)('with an AI workitem %s, moves: %p', async (ai, moves) => {
    const packId = await insert({ daysOld: 100, studies: [{ daysOld: 100 }, { daysOld: 100, ai }] });
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
      `select count(*) as n from jobs.job where name = 'move-pack'`,
    );
    expect(count!.n).toBe(1);
  });

  it('goes through all pages, the last one full or not, and stops at its limit', async () => {
    const packs: string[] = [];
    for (let count = 0; count < 6; count += 1) packs.push(await insert({ daysOld: 31, bytes: Buffer.from('x') }));
    expect(Object.keys(await plan(storesOf(bench), { pageSize: 2, movesMax: 3 }))).toHaveLength(3);
    expect(Object.keys(await plan(storesOf(bench), { pageSize: 3, movesMax: 100 })).sort()).toEqual(packs.sort());
    await execute(bench.db.dataSource, 'delete from jobs.job');
    expect(Object.keys(await plan(storesOf(bench), { pageSize: 4, movesMax: 100 })).sort()).toEqual(packs);
  });

  it('orders nothing after the abort', async () => {
    await insert({ daysOld: 31 });
    const job = new PlanTieringJob(bench.db.dataSource, storesOf(bench), jobs, config, silent);
    await expect(job.plan(AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
    expect(await ordered()).toEqual({});
  });
});
