import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BlobStores, FilesystemBlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import { execute, query } from '#libs/database';
import { createLogger } from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { type InstanceDescription, makeInstance } from '../../../../test/support/make-instance.js';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { OpenFrames } from './open-frames.js';
import { OpenInstance } from './open-instance.js';
import { ReadPack } from './read-pack.js';
import { StoreInstances } from '../store/store-instances.js';
import type { IncomingPart, StoredInstance } from '../store/store-outcome.js';

jest.setTimeout(120_000);

const jpegLs = '1.2.840.10008.1.2.4.80';
const deflated = '1.2.840.10008.1.2.1.99';
const random = seededRandom(3);
const randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));

describe('opening what is stored', () => {
  let database: TestDatabase;
  let directory: string;
  let hot: FilesystemBlobStore;
  let warm: FilesystemBlobStore;
  let stores: BlobStores;
  let store: StoreInstances;
  let frames: OpenFrames;
  let instances: OpenInstance;
  let seed = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await mkdtemp(path.join(tmpdir(), 'isocenter-archive-'));
    hot = await FilesystemBlobStore.open('local', path.join(directory, 'hot'));
    warm = await FilesystemBlobStore.open('elsewhere', path.join(directory, 'warm'));
    stores = new BlobStores({ hot, warm });
    const logger = createLogger('test', 'silent');
    store = new StoreInstances(loadConfig('suite', {}), logger, stores, database.dataSource);
    const packs = new ReadPack(database.dataSource, stores);
    frames = new OpenFrames(database.dataSource, packs);
    instances = new OpenInstance(database.dataSource, packs);
  });
  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  async function put(...objects: Buffer[]): Promise<StoredInstance[]> {
    async function* parts(): AsyncGenerator<IncomingPart> {
      for (const [index, object] of objects.entries()) yield { number: index + 1, body: one(object) };
    }
    async function* one(object: Buffer): AsyncGenerator<Buffer> {
      yield object;
    }
    const outcome = await store.store(parts(), { origin: 'sender' });
    expect(outcome.failed).toEqual([]);
    return outcome.stored;
  }
  const make = (description: InstanceDescription) => makeInstance({ seed: (seed += 1), ...description });

  async function read(stored: StoredInstance, numbers: number[]): Promise<Buffer[]> {
    const opened = await frames.open(stored, numbers);
    expect(opened.frames.map((frame) => frame.frameNumber)).toEqual(numbers);
    const found: Buffer[] = [];
    for (const frame of opened.frames) {
      const data = await buffer(await frame.open());
      expect(data.length).toBe(frame.bytes);
      found.push(data);
    }
    return found;
  }

  it.each([1, 2, 3])(
    'gives bare codestreams of %i fragments a frame, in the order asked for',
    async (fragmentsPerFrame) => {
      const frameBytes = Array.from({ length: 6 }, (_, index) => randomBytes(60 + 2 * index));
      const description = { frames: 6, transferSyntaxUid: jpegLs, frameBytes, fragmentsPerFrame };
      // Behind another object in the pack, so that offsets count from the object and not from the pack.
      const [, stored] = await put(make({ rows: 20 }), make(description));
      expect(await read(stored!, [6, 1, 1, 4])).toEqual([6, 1, 1, 4].map((number) => frameBytes[number - 1]));
    },
  );

  it('gives uncompressed frames as they are', async () => {
    const frameBytes = Array.from({ length: 4 }, () => randomBytes(8 * 8 * 2));
    const [, stored] = await put(make({ rows: 20 }), make({ frames: 4, frameBytes, bitsStored: 16 }));
    expect(await read(stored!, [3, 2, 4])).toEqual([frameBytes[2], frameBytes[1], frameBytes[3]]);
  });

  it('gives 1-bit frames from a byte boundary on, though they are packed without gaps', async () => {
    const object = make({ rows: 3, columns: 3, frames: 5, bitsAllocated: 1 });
    const [stored] = await put(object);
    const [row] = await query<{ offset: number; length: number }>(
      database.dataSource,
      `select pixel_data_offset as offset, pixel_data_length as length from instance where sop_instance_uid = $1`,
      [stored!.sopInstanceUid],
    );
    const packed = object.subarray(row!.offset, row!.offset + row!.length);
    const bit = (bytes: Buffer, index: number) => (bytes[index >> 3]! >> (index & 7)) & 1;
    const found = await read(stored!, [1, 2, 3, 4, 5]);
    for (const [frame, bytes] of found.entries()) {
      const pixels = Array.from({ length: 9 }, (_, index) => bit(bytes, index));
      expect(pixels).toEqual(Array.from({ length: 9 }, (_, index) => bit(packed, frame * 9 + index)));
    }
    // The test means little when all pixels are alike.
    expect(new Set(packed).size).toBeGreaterThan(2);
  });

  it('says which frame, instance or kind of object it cannot give frames of', async () => {
    const [stored] = await put(make({ frames: 2 }));
    await expect(frames.open(stored!, [1, 3])).rejects.toMatchObject({ code: 'frame-not-found' });
    await expect(frames.open({ ...stored!, sopInstanceUid: '1.2.3' }, [1])).rejects.toMatchObject({
      code: 'instance-not-found',
    });
    await expect(frames.open({ ...stored!, seriesInstanceUid: '1.2.3' }, [1])).rejects.toMatchObject({
      code: 'instance-not-found',
    });
    const [report, inflated] = await put(make({ modality: 'SR' }), make({ transferSyntaxUid: deflated }));
    await expect(frames.open(report!, [1])).rejects.toMatchObject({ code: 'frame-not-found' });
    await expect(frames.open(inflated!, [1])).rejects.toMatchObject({ code: 'frames-not-readable' });
  });

  it('reads from where the pack has gone, even when that happens between finding it and reading it', async () => {
    const object = make({});
    const [stored] = await put(object);
    const row = await instances.find(stored!);
    const writer = await warm.write();
    await writer.write(object);
    const copy = await writer.commit();
    const { key } = row.location!;
    await execute(database.dataSource, `update location set store = $2, key = $3, tier = 'warm' where key = $1`, [
      key,
      warm.name,
      copy.key,
    ]);
    await hot.delete(key);
    expect((await buffer(await instances.open(row))).equals(object)).toBe(true);
    expect((await buffer(await instances.open(await instances.find(stored!)))).equals(object)).toBe(true);
    await warm.delete(copy.key);
    await expect(instances.open(row)).rejects.toMatchObject({ code: 'blob-not-found' });
    await execute(database.dataSource, `update location set state = 'retired' where key = $1`, [copy.key]);
    await expect(instances.open(await instances.find(stored!))).rejects.toMatchObject({ code: 'archive-unavailable' });
  });

  it('prefers the nearest tier that has a copy', async () => {
    const object = make({});
    const [stored] = await put(object);
    await execute(database.dataSource, `update location set tier = 'cold' where pack_id = $1`, [
      (await instances.find(stored!)).packId,
    ]);
    const writer = await warm.write();
    await writer.write(object);
    const { key } = await writer.commit();
    await query(
      database.dataSource,
      `insert into location (location_id, pack_id, tier, store, key) values (gen_random_uuid(), $1, 'warm', $2, $3)`,
      [(await instances.find(stored!)).packId, warm.name, key],
    );
    expect((await instances.find(stored!)).location).toEqual({ tier: 'warm', store: warm.name, key });
  });
});
