import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BlobError, type BlobStores } from '#libs/blobs';
import { execute, query } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import {
  copiesOf,
  insertPack,
  never,
  silent,
  startBench,
  type StorageBench,
  storesOf,
  withChanges,
} from '../../../../test/support/storage/storage-bench.js';
import { MovePack } from './move-pack.js';
import { MovePackJob } from './move-pack.job.js';
import { RecallPackJob } from './recall-pack.job.js';
import { StoreRoom } from './store-room.js';
import { TestStores } from './test-stores.js';

jest.setTimeout(60_000);

/** Orders of single packs, while a store is full or does not work. */
describe('move-pack and recall-pack', () => {
  let bench: StorageBench;
  let jobs: JobQueue;
  beforeAll(async () => {
    bench = await startBench();
    jobs = await bench.db.jobs();
  });
  beforeEach(() => execute(bench.db.dataSource, 'delete from jobs.job'));
  afterAll(() => bench.close());

  function handlers(stores: BlobStores, unusable?: string) {
    const db = bench.db.dataSource;
    const tests = new TestStores(stores, silent);
    const checks = [{ what: 'reading', isNeeded: true, result: 'fails' as const, detail: 'it is away' }];
    const testedAt = new Date().toISOString();
    if (unusable !== undefined) {
      tests.results.set(unusable, { isUsable: false, checks, testedAt } as never);
    }
    const room = new StoreRoom(db, stores, tests);
    const packs = new MovePack(db, stores, silent);
    return {
      move: new MovePackJob(db, jobs, packs, room, silent),
      recall: new RecallPackJob(db, stores, jobs, packs, room, silent),
    };
  }
  const sent = (name: string) =>
    query(
      bench.db.dataSource,
      `select data, extract(epoch from start_after - created_on)::int as seconds from jobs.job where name = $1`,
      [name],
    );
  async function ask(packId: string): Promise<void> {
    await query(
      bench.db.dataSource,
      `insert into pack_recall (pack_id, bytes, reason) select pack_id, bytes, 'test' from pack where pack_id = $1`,
      [packId],
    );
  }
  const recallOf = async (packId: string) =>
    (await query(bench.db.dataSource, 'select state, error from pack_recall where pack_id = $1', [packId]))[0];

  it('moves a pack that is ordered to a full store when there is room', async () => {
    const { packId } = await insertPack(bench);
    const full = withChanges(bench.warm, { space: async () => ({ bytesFree: 0, bytesTotal: 1_000 }) });
    const order = { payload: { packId, tier: 'warm' as const }, signal: never() };
    await handlers(storesOf(bench, { warm: full })).move.handle(order);
    expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
    expect(await sent('move-pack')).toEqual([{ data: order.payload, seconds: 30 }]);
    await handlers(storesOf(bench)).move.handle(order);
    expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'warm ready']);
  });

  it('waits with a recall for the store it is read from, and says so', async () => {
    const { packId } = await insertPack(bench, { tier: 'warm' });
    await ask(packId);
    const away = withChanges(bench.warm, { read: () => Promise.reject(new BlobError('blob-unavailable', 'away')) });
    // Its last try: one that is put off is none.
    const order = { payload: { packId, tier: 'hot' as const }, signal: never(), attempt: 5 };
    await handlers(storesOf(bench, { warm: away }), 'warm').recall.handle(order);
    expect(await recallOf(packId)).toEqual({
      state: 'requested',
      error: 'The tier warm takes nothing now: warm did not pass its self-test (reading: it is away)',
    });
    expect(await sent('recall-pack')).toEqual([{ data: order.payload, seconds: 30 }]);
    await handlers(storesOf(bench)).recall.handle(order);
    expect(await recallOf(packId)).toEqual({ state: 'done', error: null });
    expect(await copiesOf(bench, packId)).toEqual(['hot ready', 'warm ready']);
  });

  it('uses up a try where no store is in the way', async () => {
    const { packId } = await insertPack(bench, { tier: 'warm' });
    await ask(packId);
    const cut = withChanges(bench.warm, { read: () => Promise.reject(new BlobError('blob-unavailable', 'cut')) });
    const { move, recall } = handlers(storesOf(bench, { warm: cut }));
    const order = { payload: { packId, tier: 'hot' as const }, signal: never() };
    await expect(move.handle(order)).rejects.toThrow('cut');
    await expect(recall.handle({ ...order, attempt: 5 })).rejects.toThrow('cut');
    expect(await recallOf(packId)).toEqual({ state: 'failed', error: 'cut' });
    expect([...(await sent('move-pack')), ...(await sent('recall-pack'))]).toEqual([]);
  });
});
