import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BlobError, BlobStores, FilesystemBlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import { query } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import { createLogger } from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { type InstanceDescription, makeInstance } from '../../../test/support/make-instance.js';
import { failureReason, type IncomingPart, OpenFrames, OpenInstance, ReadPack, StoreInstances } from './index.js';

const jpeg = '1.2.840.10008.1.2.4.50';

describe('StoreInstances', () => {
  let db: TestDatabase;
  let jobs: JobQueue;
  let directory: string;
  let blobs: FilesystemBlobStore;
  let store: StoreInstances;
  let open: OpenInstance;
  let frames: OpenFrames;

  beforeAll(async () => {
    db = await createTestDatabase();
    jobs = await db.jobs();
    directory = await mkdtemp(path.join(tmpdir(), 'isocenter-archive-'));
    blobs = await FilesystemBlobStore.open('local', directory);
    store = storeOn(blobs);
    const packs = new ReadPack(db.dataSource, new BlobStores({ hot: blobs }));
    open = new OpenInstance(db.dataSource, packs);
    frames = new OpenFrames(db.dataSource, packs);
  });
  beforeEach(async () => {
    await db.dataSource.query('truncate location, instance, series, study_routing, study, pack, jobs.job cascade');
    for (const { key } of await listed()) await blobs.delete(key);
  });
  afterAll(async () => {
    await db.drop();
    await rm(directory, { recursive: true, force: true });
  });

  function storeOn(hot: FilesystemBlobStore, limits: { stowPartBytesMax?: number } = {}): StoreInstances {
    const config = loadConfig('suite', {});
    const changed = { ...config, limits: { ...config.limits, ...limits } };
    return new StoreInstances(changed, createLogger('test', 'silent'), new BlobStores({ hot }), db.dataSource, jobs);
  }
  async function listed() {
    const found: { key: string; bytes: number }[] = [];
    for await (const blob of blobs.list()) found.push(blob);
    return found;
  }
  async function* partsOf(objects: Buffer[], chunk = 1000): AsyncGenerator<IncomingPart> {
    for (const [index, object] of objects.entries()) yield { number: index + 1, body: chunks(object, chunk) };
  }
  async function* chunks(object: Buffer, size: number): AsyncGenerator<Buffer> {
    for (let at = 0; at < object.length; at += size) yield object.subarray(at, at + size);
  }
  const send = (objects: Buffer[], options = {}) => store.store(partsOf(objects), { origin: 'sender', ...options });
  const make = (description: InstanceDescription = {}) => makeInstance({ rows: 16, columns: 16, ...description });
  const series = (count: number, description: InstanceDescription = {}) =>
    Array.from({ length: count }, (_, index) => make({ instanceNumber: index + 1, ...description }));
  const counts = async () => {
    const [row] = await query<Record<string, number>>(
      db.dataSource,
      `select (select count(*) from study) as studies, (select count(*) from series) as series,
              (select count(*) from instance) as instances, (select count(*) from pack) as packs,
              (select count(*) from location) as locations`,
    );
    return row;
  };

  it('makes one pack of a request, and gives every instance back byte for byte', async () => {
    const objects = series(5);
    const outcome = await send(objects);
    expect(outcome.failed).toEqual([]);
    expect(await counts()).toEqual({ studies: 1, series: 1, instances: 5, packs: 1, locations: 1 });
    expect(await listed()).toHaveLength(1);
    for (const [index, stored] of outcome.stored.entries()) {
      const row = await open.find(stored);
      expect((await buffer(await open.open(row))).equals(objects[index]!)).toBe(true);
    }
  });

  it('keeps counts and roll-ups as instances arrive, study by study and series by series', async () => {
    const studyInstanceUid = '1.2.3';
    await send(series(2, { studyInstanceUid }));
    await send([...series(3, { studyInstanceUid, modality: 'MR' }), make({ seed: 9 })]);
    const rows = await query(
      db.dataSource,
      `select number_of_series, number_of_instances, modalities, bytes = (select sum(length) from instance i where i.study_key = s.study_key) as is_sum
         from study s order by number_of_instances`,
    );
    expect(rows).toEqual([
      { number_of_series: 1, number_of_instances: 1, modalities: ['CT'], is_sum: true },
      { number_of_series: 2, number_of_instances: 5, modalities: ['CT', 'MR'], is_sum: true },
    ]);
  });

  it('announces a sender’s study once a request, and not a result of ours', async () => {
    await send(series(3));
    await store.store(partsOf([make({ seed: 2, modality: 'SR', frames: 0 })]), { origin: 'isocenter' });
    const sent = await query(
      db.dataSource,
      `select data->>'studyInstanceUid' as uid from jobs.job where name = 'study-arrived'`,
    );
    expect(sent).toHaveLength(1);
    expect(await query(db.dataSource, `select state from study_routing`)).toEqual([{ state: 'receiving' }]);
  });

  it('takes the same again as success and stores nothing twice', async () => {
    const objects = series(3);
    await send(objects);
    const outcome = await send([...objects, make({ instanceNumber: 4 })]);
    expect(outcome.failed).toEqual([]);
    expect(outcome.stored.map((one) => one.isDuplicate)).toEqual([false, true, true, true]);
    const again = await send(objects);
    expect(again.stored).toHaveLength(3);
    expect(await counts()).toMatchObject({ instances: 4, packs: 2 });
    expect(await listed()).toHaveLength(2);
  });

  it('keeps the first of two contents under one UID, and says so', async () => {
    const [first] = series(1, { patientId: 'A' });
    const [other] = series(1, { patientId: 'B' });
    await send([first!]);
    const outcome = await send([other!]);
    expect(outcome.stored).toEqual([]);
    expect(outcome.failed).toMatchObject([{ part: 1, reason: failureReason.duplicateSopInstance }]);
    expect(await counts()).toMatchObject({ instances: 1, packs: 1 });
    const both = await send([make({ seed: 5, patientId: 'A' }), make({ seed: 5, patientId: 'B' })]);
    expect(both.stored).toHaveLength(1);
    expect(both.failed).toMatchObject([{ part: 2, reason: failureReason.duplicateSopInstance }]);
  });

  it('stores the good parts of a request with bad ones, and names each bad one', async () => {
    const good = series(3);
    const outcome = await send([
      good[0]!,
      Buffer.from('this is no DICOM object at all, only some text to look at '.repeat(10)),
      good[1]!,
      make({ seed: 3 }).subarray(0, 500),
      make({ seed: 4, omit: ['0020000D'] }),
      good[2]!,
    ]);
    expect(outcome.stored).toHaveLength(3);
    expect(outcome.failed.map(({ part, reason }) => [part, reason])).toEqual([
      [2, failureReason.cannotUnderstand],
      [4, failureReason.cannotUnderstand],
      [5, failureReason.dataSetDoesNotMatch],
    ]);
    expect(outcome.failed[2]?.text).toContain('Study Instance UID');
    // Of the bad parts no byte is left in the pack.
    const [pack] = await listed();
    expect(pack?.bytes).toBe(good.reduce((sum, object) => sum + object.length, 0));
    for (const [index, stored] of outcome.stored.entries()) {
      expect((await buffer(await open.open(await open.find(stored)))).equals(good[index]!)).toBe(true);
    }
  });

  it('stores nothing at all when no part is good, or when the request breaks off', async () => {
    await send([Buffer.from('no')]);
    async function* broken(): AsyncGenerator<IncomingPart> {
      yield* partsOf(series(2));
      throw new Error('the sender is gone');
    }
    await expect(store.store(broken(), { origin: 'sender' })).rejects.toThrow('gone');
    expect(await counts()).toMatchObject({ studies: 0, instances: 0, packs: 0 });
    expect(await listed()).toEqual([]);
    expect(await readdir(path.join(directory, 'staging'))).toEqual([]);
  });

  it('refuses an instance of another study than the one it is sent to', async () => {
    const outcome = await send(
      [make({ seed: 1, studyInstanceUid: '1.2.3' }), make({ seed: 2, studyInstanceUid: '1.2.4' })],
      {
        studyInstanceUid: '1.2.3',
      },
    );
    expect(outcome.stored.map((one) => one.studyInstanceUid)).toEqual(['1.2.3']);
    expect(outcome.failed).toMatchObject([{ part: 2, reason: failureReason.dataSetDoesNotMatch }]);
  });

  it('limits the bytes of a part: at the limit, and one over', async () => {
    const object = make();
    const at = storeOn(blobs, { stowPartBytesMax: object.length });
    expect((await at.store(partsOf([object]), { origin: 'sender' })).stored).toHaveLength(1);
    const under = storeOn(blobs, { stowPartBytesMax: object.length - 1 });
    const outcome = await under.store(partsOf([make({ seed: 2 })]), { origin: 'sender' });
    expect(outcome.failed).toMatchObject([{ reason: failureReason.outOfResources }]);
  });

  it('lets many send the same at once: one instance each, no deadlock, right counts', async () => {
    const studies = [1, 2, 3].map((seed) => series(4, { seed }));
    const senders = Array.from({ length: 12 }, (_, index) => {
      const order = index % 2 === 0 ? studies.flat() : studies.flat().toReversed();
      return send(order);
    });
    const outcomes = await Promise.all(senders);
    expect(outcomes.flatMap((outcome) => outcome.failed)).toEqual([]);
    expect(outcomes.flatMap((outcome) => outcome.stored.filter((one) => !one.isDuplicate))).toHaveLength(12);
    const rows = await query(db.dataSource, 'select number_of_series, number_of_instances from study');
    expect(rows).toEqual(Array.from({ length: 3 }, () => ({ number_of_series: 1, number_of_instances: 4 })));
    // Packs that lost the race leave neither rows nor blobs.
    expect((await counts())?.['packs']).toBe((await listed()).length);
  });

  it('lets one of two have a UID that both claim, for different studies', async () => {
    const claims = ['1.2.1', '1.2.2', '1.2.3', '1.2.4'].map((studyInstanceUid) =>
      send([make({ studyInstanceUid, sopInstanceUid: '1.9.9' })]),
    );
    const outcomes = await Promise.all(claims);
    expect(outcomes.flatMap((outcome) => outcome.stored)).toHaveLength(1);
    expect(outcomes.flatMap((outcome) => outcome.failed)).toHaveLength(3);
    expect(await counts()).toMatchObject({ studies: 1, series: 1, instances: 1, packs: 1 });
  });

  it('leaves no row when the blob store fails', async () => {
    const failing = await FilesystemBlobStore.open('local', directory);
    failing.write = async () => {
      const writer = await blobs.write();
      writer.commit = async () => {
        await writer.abort();
        throw new BlobError('blob-no-space', 'full');
      };
      return writer;
    };
    await expect(storeOn(failing).store(partsOf(series(2)), { origin: 'sender' })).rejects.toMatchObject({
      code: 'blob-no-space',
    });
    expect(await counts()).toMatchObject({ studies: 0, instances: 0, packs: 0 });
    expect(await listed()).toEqual([]);
  });

  it('finds every frame: native, encapsulated, in fragments, of one bit, and none past the end', async () => {
    const read = async (object: Buffer, numbers: number[]) => {
      const outcome = await send([object]);
      const opened = await frames.open(outcome.stored[0]!, numbers);
      return Promise.all(
        opened.frames.map(async (frame) => ({ bytes: frame.bytes, data: await buffer(await frame.open()) })),
      );
    };
    const codestreams = Array.from({ length: 5 }, (_, index) =>
      Buffer.concat([Buffer.from('ffd8', 'hex'), randomBytes(100 + 2 * index)]),
    );
    for (const [seed, fragmentsPerFrame] of [1, 3].entries()) {
      const object = make({
        seed: 100 + seed,
        frames: 5,
        transferSyntaxUid: jpeg,
        frameBytes: codestreams,
        fragmentsPerFrame,
      });
      const found = await read(object, [5, 1, 3]);
      for (const [position, number] of [5, 1, 3].entries()) {
        const { data, bytes } = found[position]!;
        expect(bytes).toBe(data.length);
        expect(data.subarray(0, codestreams[number - 1]!.length).equals(codestreams[number - 1]!)).toBe(true);
      }
    }
    const native = make({ seed: 200, frames: 3 });
    const [second] = await read(native, [2]);
    expect(second?.data.length).toBe(16 * 16 * 2);
    expect(native.includes(second!.data)).toBe(true);
    const stored = await send([native]);
    await expect(frames.open(stored.stored[0]!, [4])).rejects.toMatchObject({ code: 'frame-not-found' });
    await expect(frames.open({ ...stored.stored[0]!, sopInstanceUid: '1.1' }, [1])).rejects.toMatchObject({
      code: 'instance-not-found',
    });
    const bits = await read(make({ seed: 300, rows: 3, columns: 3, frames: 3, bitsAllocated: 1 }), [1, 2, 3]);
    expect(bits.map(({ data }) => data.length)).toEqual([2, 2, 2]);
  });
});
