import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BlobStores, FilesystemBlobStore } from '#libs/blobs';
import { execute, query } from '#libs/database';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import {
  configOf,
  insertPack,
  type InsertedPack,
  keyOn,
  never,
  silent,
  startBench,
  type StorageBench,
  storesOf,
} from '../../../../test/support/storage/storage-bench.js';
import { checkArchive } from '../fsck/check-archive.js';
import { CollectGarbageJob } from '../upkeep/collect-garbage.job.js';
import { withBackupLock } from './backup-lock.js';
import { listBackups, readManifest, restoreBackup } from './restore-backup.js';
import { packFile, writeBackup } from './write-backup.js';

jest.setTimeout(120_000);

describe('backup, restore and fsck', () => {
  let bench: StorageBench;
  let folder: string;
  const packs: InsertedPack[] = [];
  beforeAll(async () => {
    bench = await startBench();
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-backup-'));
    for (const tier of ['hot', 'warm'] as const) packs.push(await insertPack(bench, { tier }));
    packs.push(await insertPack(bench, { pieceBytes: [100_000, 3, 100_000] }));
    await execute(bench.db.dataSource, `update series set number_of_instances = 1`);
  });
  afterAll(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });

  const check = (digests = false) => checkArchive(bench.db.dataSource, storesOf(bench), { digests });
  const backup = () => writeBackup(bench.db.dataSource, storesOf(bench), folder, never());
  /** A new archive with a hot tier of its own. */
  async function elsewhere<Result>(work: (db: TestDatabase, stores: BlobStores) => Promise<Result>): Promise<Result> {
    const db = await createTestDatabase();
    const place = await mkdtemp(path.join(tmpdir(), 'isocenter-restored-'));
    try {
      return await work(db, new BlobStores({ hot: await FilesystemBlobStore.open('new', place) }));
    } finally {
      await db.drop();
      await rm(place, { recursive: true, force: true });
    }
  }

  it('finds a sound archive sound', async () => {
    expect(await check(true)).toMatchObject({
      isSound: true,
      checked: { studies: 3, instances: 3, packs: 3, copies: 3, blobs: 3, digests: 3 },
      orphans: { blobs: 0 },
      problems: [],
    });
  });

  it('says of a pack whose pieces are not all of its bytes', async () => {
    const { packId } = packs[2]!;
    const pieces = (numbers: number[]) =>
      execute(bench.db.dataSource, 'update pack set piece_bytes = $2 where pack_id = $1', [packId, numbers]);
    await pieces([100_000, 3]);
    expect(await check()).toMatchObject({
      isSound: false,
      problems: [{ kind: 'pieces-wrong', packId, bytes: 200_003, pieces: 100_003 }],
    });
    // Other pieces have another digest, all of the bytes though they are.
    await pieces([3, 100_000, 100_000]);
    expect((await check(true)).problems).toMatchObject([{ kind: 'blob-digest', packId }]);
    await pieces([100_000, 3, 100_000]);
    expect(await check(true)).toMatchObject({ isSound: true });
  });

  it('backs up what is there, and the second time only what is new', async () => {
    expect(await backup()).toMatchObject({ packs: 3, newPacks: 3, missing: [] });
    packs.push(await insertPack(bench));
    await execute(bench.db.dataSource, `update series set number_of_instances = 1`);
    expect(await backup()).toMatchObject({ packs: 4, newPacks: 1, missing: [] });
    expect(await listBackups(folder)).toHaveLength(2);
  });

  it('restores every row and every byte into an empty archive, and goes on writing there', async () => {
    await elsewhere(async (db, stores) => {
      const restored = await restoreBackup(db.dataSource, stores, folder, await readManifest(folder), never());
      expect(restored).toMatchObject({ studies: 4, instances: 4, packs: 4, missing: [] });
      expect(restored.storesElsewhere).toEqual(['hot', 'warm', 'cold']);
      expect(await checkArchive(db.dataSource, stores, { digests: true })).toMatchObject({ isSound: true });
      for (const table of ['study', 'series', 'instance', 'pack']) {
        const text = `select md5(string_agg(t::text, '|' order by t::text)) as digest from ${table} t`;
        expect(await query(db.dataSource, text)).toEqual(await query(bench.db.dataSource, text));
      }
      // Keys go on where they were.
      await query(db.dataSource, `insert into study (study_instance_uid, attributes) values ('1.2.3', '{}')`);
      await expect(restoreBackup(db.dataSource, stores, folder, await readManifest(folder), never())).rejects.toThrow(
        'not empty',
      );
    });
  });

  it('has the models that were uploaded', async () => {
    const pieces = 3; // four megabytes each, as an upload makes them
    await query(
      bench.db.dataSource,
      `insert into model (model_id, version, specialty, sha256, manifest, source, is_current)
       values ('test/large', '1.0.0', 'radiology', 'x', '{}', 'upload', false)`,
    );
    await query(
      bench.db.dataSource,
      `insert into model_file (model_id, version, name, position, bytes)
       select 'test/large', '1.0.0', 'model.onnx', n, decode(md5(n::text) || repeat('ab', 4194288), 'hex')
         from generate_series(1, $1::integer) n`,
      [pieces],
    );
    const text = `select count(*) as n, md5(string_agg(md5(bytes), '' order by position)) as digest from model_file`;
    const uploaded = await query(bench.db.dataSource, text);
    expect(uploaded).toMatchObject([{ n: pieces }]);
    await backup();
    await elsewhere(async (db, stores) => {
      await restoreBackup(db.dataSource, stores, folder, await readManifest(folder), never());
      expect(await query(db.dataSource, text)).toEqual(uploaded);
    });
    await execute(bench.db.dataSource, `delete from model where model_id = 'test/large'`);
  });

  it('restores the earlier one by its name', async () => {
    const [earlier] = await listBackups(folder);
    await elsewhere(async (db, stores) => {
      const manifest = await readManifest(folder, earlier!);
      expect(await restoreBackup(db.dataSource, stores, folder, manifest, never())).toMatchObject({ studies: 3 });
    });
  });

  it.each([
    ['hashed as one', 0],
    ['hashed in pieces', 2],
  ])(
    'says which pack of a damaged backup is not restored, and that the archive is not sound: one %s',
    async (_, at) => {
      const { packId, bytes } = packs[at]!;
      const file = packFile(folder, packId);
      const damaged = Buffer.from(bytes);
      damaged[0]! ^= 1;
      await writeFile(file, damaged);
      await elsewhere(async (db, stores) => {
        const restored = await restoreBackup(db.dataSource, stores, folder, await readManifest(folder), never());
        expect(restored.missing).toMatchObject([{ packId }]);
        const { isSound, problems } = await checkArchive(db.dataSource, stores);
        expect(isSound).toBe(false);
        expect(problems).toMatchObject([{ kind: 'pack-without-copy', packId }]);
      });
      await writeFile(file, bytes);
    },
  );

  it('takes a backup that was cut off for none', async () => {
    const before = await listBackups(folder);
    const stop = new AbortController();
    stop.abort(new Error('cut'));
    await expect(writeBackup(bench.db.dataSource, storesOf(bench), folder, stop.signal)).rejects.toThrow('cut');
    expect((await readdir(folder)).some((name) => name.endsWith('.partial'))).toBe(true);
    expect(await listBackups(folder)).toEqual(before);
  });

  it('lets nothing be deleted while it is made', async () => {
    const { packId } = await insertPack(bench, { studies: [] });
    await execute(bench.db.dataSource, 'update pack set emptied_at = now() where pack_id = $1', [packId]);
    const collector = new CollectGarbageJob(bench.db.dataSource, storesOf(bench), configOf(), silent);
    await withBackupLock(bench.db.dataSource, async () => {
      expect(await collector.collect(never())).toMatchObject({ emptied: 0 });
    });
    expect(await collector.collect(never())).toMatchObject({ emptied: 1 });
  });

  it.each([
    ['blob-missing', async (pack: InsertedPack) => bench.hot.delete(await keyOn(bench, pack.packId, 'hot'))],
    [
      'blob-size',
      async (pack: InsertedPack) =>
        writeFile(path.join(bench.folder, 'hot', await keyOn(bench, pack.packId, 'hot')), Buffer.from('short')),
    ],
    [
      'blob-digest',
      async (pack: InsertedPack) =>
        writeFile(
          path.join(bench.folder, 'hot', await keyOn(bench, pack.packId, 'hot')),
          Buffer.alloc(pack.bytes.length),
        ),
    ],
    [
      'pack-without-copy',
      async (pack: InsertedPack) => {
        await execute(bench.db.dataSource, 'delete from location where pack_id = $1', [pack.packId]);
      },
    ],
    [
      'store-unknown',
      async (pack: InsertedPack) => {
        await execute(bench.db.dataSource, `update location set store = 'gone' where pack_id = $1`, [pack.packId]);
      },
    ],
    [
      'instance-beyond-pack',
      async (pack: InsertedPack) => {
        await execute(bench.db.dataSource, 'update instance set length = length + 1 where pack_id = $1', [pack.packId]);
      },
    ],
    [
      'count-wrong',
      async (pack: InsertedPack) => {
        await execute(
          bench.db.dataSource,
          'update study set number_of_instances = 7 where study_key in (select study_key from instance where pack_id = $1)',
          [pack.packId],
        );
      },
    ],
  ])('finds %s', async (kind, damage) => {
    const pack = await insertPack(bench);
    await execute(bench.db.dataSource, `update series set number_of_instances = 1`);
    await damage(pack);
    const { isSound, problems } = await check(true);
    expect(isSound).toBe(false);
    expect(problems.map((problem) => problem.kind)).toContain(kind);
    await execute(bench.db.dataSource, 'delete from instance where pack_id = $1', [pack.packId]);
    await execute(bench.db.dataSource, 'delete from location where pack_id = $1', [pack.packId]);
    await execute(
      bench.db.dataSource,
      'delete from series where not exists (select from instance i where i.series_key = series.series_key)',
    );
    await execute(
      bench.db.dataSource,
      'delete from study where not exists (select from instance i where i.study_key = study.study_key)',
    );
    expect(await check(true)).toMatchObject({ isSound: true });
  });
});
