import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BlobError, type BlobStore, BlobStores, newBlobKey } from '#libs/blobs';
import { type DataSource, execute, query, type Transaction, transaction } from '#libs/database';
import {
  copiesOf,
  digestInPieces,
  insertPack,
  keyOn,
  keysOf,
  never,
  readBlob,
  silent,
  startBench,
  type StorageBench,
  storesOf,
  withChanges,
} from '../../../../test/support/storage/storage-bench.js';
import { addCopy, readPack } from './copies.js';
import { MovePack } from './move-pack.js';

jest.setTimeout(60_000);

describe('move-pack', () => {
  let bench: StorageBench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.close());

  const mover = (stores: BlobStores = storesOf(bench), dataSource: DataSource = bench.db.dataSource) =>
    new MovePack(dataSource, stores, silent);
  /** The warm store, changed. */
  const warmWith = (changes: Partial<BlobStore>) => storesOf(bench, { warm: withChanges(bench.warm, changes) });

  it('copies, switches the readers, and keeps the old copy for its grace', async () => {
    const pack = await insertPack(bench);
    expect(await mover().move(pack.packId, 'warm', never())).toBe('moved');
    expect(await copiesOf(bench, pack.packId)).toEqual(['hot retired', 'warm ready']);
    expect((await readBlob(bench.warm, await keyOn(bench, pack.packId, 'warm'))).equals(pack.bytes)).toBe(true);
    expect((await readBlob(bench.hot, pack.key)).equals(pack.bytes)).toBe(true);
  });

  it('goes on from warm to cold, and straight from hot to cold', async () => {
    const pack = await insertPack(bench);
    await mover().move(pack.packId, 'warm', never());
    await mover().move(pack.packId, 'cold', never());
    expect(await copiesOf(bench, pack.packId)).toEqual(['hot retired', 'warm retired', 'cold ready']);
    const other = await insertPack(bench);
    await mover().move(other.packId, 'cold', never());
    expect(await copiesOf(bench, other.packId)).toEqual(['hot retired', 'cold ready']);
  });

  it('hashes a pack as one when it goes into an archive class, which tells the digest of the whole', async () => {
    const pack = await insertPack(bench, { tier: 'warm', pieceBytes: [3, 200_000] });
    const put: { key: string; sha256: Uint8Array }[] = [];
    const archive = {
      restoreSeconds: 1,
      archive: async (key: string, sha256: Uint8Array) => void put.push({ key, sha256 }),
      describe: async () => undefined,
      restore: async () => undefined,
      stateOf: async () => 'archived' as const,
    };
    const stores = storesOf(bench, { cold: withChanges(bench.cold, { archive }) });
    expect(await mover(stores).move(pack.packId, 'cold', never())).toBe('moved');
    const sha256 = digestInPieces(pack.bytes, null);
    expect(put).toEqual([{ key: await keyOn(bench, pack.packId, 'cold'), sha256 }]);
    expect(await readPack(bench.db.dataSource, pack.packId)).toMatchObject({ sha256, pieceBytes: null });
  });

  it('compares a pack that is hashed in pieces on its way, and finds a piece that is damaged', async () => {
    const pack = await insertPack(bench, { pieceBytes: [3, 200_000] });
    expect(await mover().move(pack.packId, 'warm', never())).toBe('moved');
    const other = await insertPack(bench, { pieceBytes: [3, 200_000] });
    await flipByte('hot', other.key, other.bytes);
    const before = await keysOf(bench.warm);
    // It says which of the two it is, and leaves nothing of the other.
    await expect(mover().move(other.packId, 'warm', never())).rejects.toMatchObject({
      code: 'copy-damaged',
      message: expect.stringContaining(`${other.key} in hot`),
    });
    expect(await copiesOf(bench, other.packId)).toEqual(['hot ready']);
    expect(await keysOf(bench.warm)).toEqual(before);
  });

  it('does nothing the second time', async () => {
    const { packId } = await insertPack(bench);
    await mover().move(packId, 'warm', never());
    const before = await keysOf(bench.warm);
    expect(await mover().move(packId, 'warm', never())).toBe('already-there');
    expect(await keysOf(bench.warm)).toEqual(before);
    expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'warm ready']);
  });

  it('calls a pack back beside its colder copy, and sends it away again without copying', async () => {
    const pack = await insertPack(bench, { tier: 'cold' });
    expect(await mover().move(pack.packId, 'hot', never())).toBe('moved');
    expect(await copiesOf(bench, pack.packId)).toEqual(['hot ready', 'cold ready']);
    const before = await keysOf(bench.cold);
    expect(await mover().move(pack.packId, 'cold', never())).toBe('moved');
    expect(await copiesOf(bench, pack.packId)).toEqual(['hot retired', 'cold ready']);
    expect(await keysOf(bench.cold)).toEqual(before);
  });

  it('does not send a called back pack away to a cold copy that has rotted', async () => {
    const pack = await insertPack(bench, { tier: 'cold' });
    await mover().move(pack.packId, 'hot', never());
    await flipByte('cold', pack.key, pack.bytes);
    await expect(mover().move(pack.packId, 'cold', never())).rejects.toMatchObject({ code: 'copy-damaged' });
    expect(await copiesOf(bench, pack.packId)).toEqual(['hot ready', 'cold ready']);
  });

  it('lets one of two runners win, and the other takes its copy away', async () => {
    const { packId, bytes } = await insertPack(bench);
    const before = await keysOf(bench.warm);
    // Both have read the rows and written their copies before either goes on.
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    const stores = warmWith({
      read: async (key) => {
        arrived += 1;
        if (arrived === 2) both.resolve();
        await both.promise;
        return bench.warm.read(key);
      },
    });
    const outcomes = await Promise.all([
      mover(stores).move(packId, 'warm', never()),
      mover(stores).move(packId, 'warm', never()),
    ]);
    expect(outcomes.sort()).toEqual(['moved', 'superseded']);
    expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'warm ready']);
    const key = await keyOn(bench, packId, 'warm');
    expect(await keysOf(bench.warm)).toEqual([...before, key].sort());
    expect((await readBlob(bench.warm, key)).equals(bytes)).toBe(true);
  });

  it('lets one of two runners win a call back, although the copy they read stays', async () => {
    const { packId } = await insertPack(bench, { tier: 'cold' });
    const before = await keysOf(bench.hot);
    const hot = withChanges(bench.hot, {
      read: async (key) => {
        await mover().move(packId, 'hot', never());
        return bench.hot.read(key);
      },
    });
    expect(await mover(storesOf(bench, { hot })).move(packId, 'hot', never())).toBe('superseded');
    expect(await copiesOf(bench, packId)).toEqual(['hot ready', 'cold ready']);
    expect(await keysOf(bench.hot)).toEqual([...before, await keyOn(bench, packId, 'hot')].sort());
  });

  it('adds no second copy while the transaction that adds the first is open', async () => {
    const { packId } = await insertPack(bench);
    const { copies } = (await readPack(bench.db.dataSource, packId))!;
    const add = (tx: Transaction) =>
      addCopy(tx, packId, copies[0]!, { tier: 'warm', store: 'warm', key: newBlobKey() });
    const holding = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const first = transaction(bench.db.dataSource, async (tx) => {
      const isAdded = await add(tx);
      holding.resolve();
      await release.promise;
      return isAdded;
    });
    await holding.promise;
    const second = transaction(bench.db.dataSource, add);
    const deadline = Date.now() + 30_000;
    for (let isWaiting = false; !isWaiting && Date.now() < deadline;) {
      const rows = await query(
        bench.db.dataSource,
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      isWaiting = rows.length > 0;
    }
    release.resolve();
    expect(await Promise.all([first, second])).toEqual([true, false]);
    expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'warm ready']);
  });

  it('gives way to a runner that took the pack to another tier meanwhile', async () => {
    const { packId } = await insertPack(bench);
    const before = await keysOf(bench.warm);
    const stores = warmWith({
      read: async (key) => {
        await mover().move(packId, 'cold', never());
        return bench.warm.read(key);
      },
    });
    expect(await mover(stores).move(packId, 'warm', never())).toBe('superseded');
    expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'cold ready']);
    expect(await keysOf(bench.warm)).toEqual(before);
  });

  it('finds a byte flipped on the way by reading back, and leaves nothing of the copy', async () => {
    const { packId } = await insertPack(bench);
    const before = await keysOf(bench.warm);
    const stores = warmWith({
      write: async () => {
        const writer = await bench.warm.write();
        const write = writer.write.bind(writer);
        writer.write = (chunk) => {
          const flipped = Buffer.from(chunk);
          flipped[0]! ^= 0x10;
          return write(flipped);
        };
        return writer;
      },
    });
    await expect(mover(stores).move(packId, 'warm', never())).rejects.toMatchObject({
      code: 'copy-damaged',
      message: expect.stringMatching(/in warm has SHA-256/),
    });
    expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
    expect(await keysOf(bench.warm)).toEqual(before);
  });

  it('finds a copy that was cut short on the way', async () => {
    const { packId } = await insertPack(bench);
    const stores = warmWith({
      write: async () => {
        const writer = await bench.warm.write();
        const commit = writer.commit.bind(writer);
        writer.commit = async () => {
          await writer.truncate(writer.bytes - 1);
          return commit();
        };
        return writer;
      },
    });
    await expect(mover(stores).move(packId, 'warm', never())).rejects.toMatchObject({ code: 'copy-damaged' });
    expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
  });

  it('refuses a source that has rotted, and retires nothing', async () => {
    const pack = await insertPack(bench);
    const before = await keysOf(bench.warm);
    await flipByte('hot', pack.key, pack.bytes);
    await expect(mover().move(pack.packId, 'warm', never())).rejects.toMatchObject({
      code: 'copy-damaged',
      message: expect.stringContaining(`${pack.key} in hot`),
    });
    expect(await copiesOf(bench, pack.packId)).toEqual(['hot ready']);
    expect(await keysOf(bench.warm)).toEqual(before);
  });

  it('leaves everything as it was when the source is gone', async () => {
    const pack = await insertPack(bench);
    await bench.hot.delete(pack.key);
    await expect(mover().move(pack.packId, 'warm', never())).rejects.toMatchObject({ code: 'blob-not-found' });
    expect(await copiesOf(bench, pack.packId)).toEqual(['hot ready']);
  });

  it.each(['begin', 'write', 'commit', 'read back'] as const)(
    'leaves everything as it was when the target fails at: %s',
    async (step) => {
      const { packId } = await insertPack(bench);
      const before = await keysOf(bench.warm);
      const fail = async (): Promise<never> => {
        throw new BlobError('blob-unavailable', `no ${step} today`);
      };
      const stores = warmWith({
        ...(step === 'read back' && { read: fail }),
        write: async () => {
          if (step === 'begin') await fail();
          const writer = await bench.warm.write();
          if (step === 'write' || step === 'commit') writer[step] = fail;
          return writer;
        },
      });
      await expect(mover(stores).move(packId, 'warm', never())).rejects.toThrow(`no ${step} today`);
      expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
      expect(await keysOf(bench.warm)).toEqual(before);
      // And the next try finds nothing in its way.
      expect(await mover().move(packId, 'warm', never())).toBe('moved');
    },
  );

  it('says what to do about a store that takes and does not give back at once', async () => {
    const { packId } = await insertPack(bench);
    const stores = warmWith({
      read: async () => {
        throw new BlobError('blob-archived', 'it is archived');
      },
    });
    await expect(mover(stores).move(packId, 'warm', never())).rejects.toThrow(/can be read at once/);
    expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
  });

  it.each(['reading the source', 'reading back'] as const)('stops at the abort while %s', async (step) => {
    const { packId } = await insertPack(bench);
    const before = await keysOf(bench.warm);
    const controller = new AbortController();
    const hang: Partial<BlobStore> = {
      read: async () => {
        setImmediate(() => controller.abort(new Error('the process stops')));
        return new PassThrough();
      },
    };
    const stores = step === 'reading back' ? warmWith(hang) : storesOf(bench, { hot: withChanges(bench.hot, hang) });
    await expect(mover(stores).move(packId, 'warm', controller.signal)).rejects.toThrow('the process stops');
    expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
    expect(await keysOf(bench.warm)).toEqual(before);
  });

  it('moves a pack whose earlier move was cut off between its copy and its row', async () => {
    const { packId } = await insertPack(bench);
    const before = await keysOf(bench.warm);
    await expect(mover(storesOf(bench), failing(bench, 'before')).move(packId, 'warm', never())).rejects.toThrow('cut');
    expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
    // Whether the commit arrived is not known there, so the blob stays.
    expect(await keysOf(bench.warm)).toHaveLength(before.length + 1);
    expect(await mover().move(packId, 'warm', never())).toBe('moved');
    expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'warm ready']);
  });

  it('keeps the copy when the connection broke and the commit had arrived', async () => {
    const { packId, bytes } = await insertPack(bench);
    await expect(mover(storesOf(bench), failing(bench, 'after')).move(packId, 'warm', never())).rejects.toThrow('cut');
    expect(await copiesOf(bench, packId)).toEqual(['hot retired', 'warm ready']);
    expect((await readBlob(bench.warm, await keyOn(bench, packId, 'warm'))).equals(bytes)).toBe(true);
    expect(await mover().move(packId, 'warm', never())).toBe('already-there');
  });

  it('is an error for an unknown pack, a pack without a copy, and a tier without a store', async () => {
    await expect(mover().move(randomUUID(), 'warm', never())).rejects.toMatchObject({ code: 'pack-not-found' });
    const { packId } = await insertPack(bench);
    const hotOnly = mover(new BlobStores({ hot: bench.hot }));
    await expect(hotOnly.move(packId, 'warm', never())).rejects.toMatchObject({ code: 'tier-without-store' });
    await execute(bench.db.dataSource, 'delete from location where pack_id = $1', [packId]);
    await expect(mover().move(packId, 'warm', never())).rejects.toMatchObject({ code: 'pack-not-found' });
  });

  it('says which store is gone when a location names one that is not configured', async () => {
    const { packId } = await insertPack(bench);
    await execute(bench.db.dataSource, `update location set store = 'old-nas' where pack_id = $1`, [packId]);
    await expect(mover().move(packId, 'warm', never())).rejects.toThrow(/old-nas/);
    expect(await copiesOf(bench, packId)).toEqual(['hot ready']);
  });

  async function flipByte(store: 'hot' | 'cold', key: string, bytes: Buffer): Promise<void> {
    const rotten = Buffer.from(bytes);
    rotten[1000]! ^= 1;
    await writeFile(path.join(bench.folder, store, key), rotten);
  }
});

/** A data source whose transactions are lost: before they begin, or after they have committed. */
function failing({ db }: StorageBench, when: 'before' | 'after'): DataSource {
  return new Proxy(db.dataSource, {
    get(target, property) {
      if (property === 'transaction') {
        return async (work: Parameters<DataSource['transaction']>[1]) => {
          if (when === 'after') await target.transaction(work as never);
          throw new Error('cut');
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
