import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BlobError, BlobStores } from '#libs/blobs';
import { createLogger } from '#libs/telemetry';
import { type ArchiveBench, startArchiveBench } from '../../../../test/support/archive/archive-bench.js';
import { makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { withChanges } from '../../../../test/support/storage/storage-bench.js';
import { readUsage } from '../usage/read-usage.js';
import { CollectGarbageJob } from './collect-garbage.job.js';

jest.setTimeout(120_000);

let bench: ArchiveBench;
let seed = 0;
let study: string;
beforeAll(async () => {
  bench = await startArchiveBench();
});
afterAll(() => bench?.close());
beforeEach(() => {
  seed += 1;
  study = testUid(`purged study ${seed}`);
});

const never = () => new AbortController().signal;
const logger = createLogger('test', 'silent');
const collector = (stores = bench.stores, changeFeedDays?: number) =>
  new CollectGarbageJob(bench.dataSource, stores, { ...bench.config, changeFeedDays }, logger);
const make = (instanceNumber: number) => makeInstance({ seed, studyInstanceUid: study, instanceNumber });
const uidsOf = (instanceNumber: number) => {
  const seriesInstanceUid = testUid(`series ${study} CT`);
  return {
    studyInstanceUid: study,
    seriesInstanceUid,
    sopInstanceUid: testUid(`instance ${seriesInstanceUid} ${instanceNumber}`),
  };
};
const endGrace = (deletionId: string) =>
  bench.rows(`update deletion set recoverable_until = now() where deletion_id = $1`, [deletionId]);
async function blobs(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bench.blobs.list()) keys.push(key);
  return keys;
}
afterEach(async () => {
  // Whatever a test did: what is kept has its bytes, and every blob is spoken of.
  const named = await bench.rows<{ key: string }>('select key from location order by key');
  expect((await blobs()).toSorted()).toEqual(named.map((row) => row.key));
});

describe('the collector', () => {
  it('never takes a pack that a deletion needs while its grace lasts', async () => {
    await bench.store([make(1)]);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    const before = await blobs();
    expect(await collector().collect(never())).toMatchObject({ purged: 0, emptied: 0, retired: 0, missing: 0 });
    expect(await blobs()).toEqual(before);
    await bench.restoring.restore(deletionId);
    expect((await bench.read(uidsOf(1))).equals(make(1))).toBe(true);
  });

  it('purges what is past its grace, rows and pack', async () => {
    await bench.store([make(1)]);
    const before = (await blobs()).length;
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await endGrace(deletionId);
    expect(await collector().collect(never())).toMatchObject({ purged: 1, emptied: 1 });
    expect(await blobs()).toHaveLength(before - 1);
    expect(await bench.rows('select 1 from pack where emptied_at is not null')).toEqual([]);
    expect(await bench.rows('select 1 from deleted_instance where deletion_id = $1', [deletionId])).toEqual([]);
    expect(await collector().collect(never())).toMatchObject({ purged: 0, emptied: 0 });
  });

  it('keeps a pack that still holds something, whether that is here or can come back', async () => {
    await bench.store([make(1), make(2), make(3)]);
    const first = await bench.deleting.delete(uidsOf(1));
    const second = await bench.deleting.delete(uidsOf(2));
    await endGrace(first.deletionId);
    const before = await blobs();
    expect(await collector().collect(never())).toMatchObject({ purged: 1, emptied: 0 });
    expect(await blobs()).toEqual(before);
    await bench.restoring.restore(second.deletionId);
    for (const number of [2, 3]) expect((await bench.read(uidsOf(number))).equals(make(number))).toBe(true);
  });

  it('finishes what was cut between a blob and its row', async () => {
    await bench.store([make(1)]);
    const [row] = await bench.rows<{ key: string }>(
      `select l.key from location l join instance i using (pack_id) join study using (study_key)
        where study_instance_uid = $1`,
      [study],
    );
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await endGrace(deletionId);
    const hot = withChanges(bench.blobs, {
      delete: async (key) => {
        await bench.blobs.delete(key);
        throw new BlobError('blob-unavailable', 'cut');
      },
    });
    await expect(collector(new BlobStores({ hot })).collect(never())).rejects.toThrow(/cut/);
    expect(await blobs()).not.toContain(row!.key);
    expect(await collector().collect(never())).toMatchObject({ purged: 0, emptied: 1, missing: 0 });
  });

  it('purges once when two run at once', async () => {
    await bench.store([make(1)]);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await endGrace(deletionId);
    const runs = await Promise.all([collector().collect(never()), collector().collect(never())]);
    expect(runs.reduce((sum, { purged }) => sum + purged, 0)).toBe(1);
  });

  it('numbers the changes nobody has asked for, and trims those older than is configured', async () => {
    await bench.store([make(1), make(2)]);
    const counted = async () =>
      (
        await bench.rows<{ kept: number; unnumbered: number }>(
          `select count(*)::integer as kept, count(*) filter (where sequence is null)::integer as unnumbered from change`,
        )
      )[0]!;
    expect((await counted()).unnumbered).toBeGreaterThan(0);
    await collector().collect(never());
    const { kept, unnumbered } = await counted();
    expect(unnumbered).toBe(0);
    await bench.rows(`update change set changed_at = now() - interval '3 days' where sequence <= 2`);
    await collector(bench.stores, 2).collect(never());
    expect((await counted()).kept).toBe(kept - 2);
  });
});

it('counts apart what can still be brought back', async () => {
  const deleted = async () => (await readUsage(bench.dataSource, bench.stores, bench.config.dataDir)).deleted;
  const before = await deleted();
  await bench.store([make(1), make(2)]);
  const { deletionId } = await bench.deleting.delete(uidsOf(1));
  expect(await deleted()).toEqual({
    deletions: before.deletions + 1,
    instances: before.instances + 1,
    bytes: before.bytes + make(1).length,
  });
  await bench.restoring.restore(deletionId);
  expect(await deleted()).toEqual(before);
});
