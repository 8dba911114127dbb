import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BlobError, type BlobStore, BlobStores, type BlobWriter, FilesystemBlobStore } from '#libs/blobs';
import { type Config, loadConfig } from '#libs/config';
import { type DataSource, query } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import { createLogger } from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { type InstanceDescription, makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { ArchiveError } from '../archive-error.js';
import { failureReason, warningReason } from './failure-reason.js';
import { OpenInstance } from '../retrieve/open-instance.js';
import { ReadPack } from '../retrieve/read-pack.js';
import { StoreInstances } from './store-instances.js';
import type { IncomingPart, Origin, StoreOutcome } from './store-outcome.js';

jest.setTimeout(120_000);

const logger = createLogger('test', 'silent');
let database: TestDatabase;
let directory: string;
let blobs: FilesystemBlobStore;
let seed = 0;
/** A study of its own for each test. */
let study: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(path.join(tmpdir(), 'isocenter-archive-'));
  blobs = await FilesystemBlobStore.open('local', path.join(directory, 'blobs'));
});
afterAll(async () => {
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => {
  seed += 1;
  study = testUid(`stored study ${seed}`);
});
afterEach(async () => {
  // Whatever a test did: every row has its bytes, and nothing half-written is left.
  for (const { key, bytes } of await query<{ key: string; bytes: number }>(
    database.dataSource,
    'select l.key, p.bytes from location l join pack p using (pack_id)',
  )) {
    expect(await blobs.head(key)).toEqual({ bytes });
  }
  expect(await readdir(path.join(directory, 'blobs', 'staging'))).toEqual([]);
});

function service(options: { hot?: BlobStore; partBytesMax?: number } = {}): StoreInstances {
  const config: Config = loadConfig('suite', { ISOCENTER_DATA_DIR: directory });
  const limits = { ...config.limits, ...(options.partBytesMax && { stowPartBytesMax: options.partBytesMax }) };
  const stores = new BlobStores({ hot: options.hot ?? blobs });
  return new StoreInstances({ ...config, limits }, logger, stores, database.dataSource);
}

const make = (description: InstanceDescription = {}) => makeInstance({ seed, studyInstanceUid: study, ...description });

/** As they come from the wire: in chunks that know nothing of the objects' structure. */
async function* partsOf(objects: readonly Uint8Array[], chunkBytes = 700): AsyncGenerator<IncomingPart> {
  for (const [index, object] of objects.entries()) yield { number: index + 1, body: chunksOf(object, chunkBytes) };
}
async function* chunksOf(object: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < object.length; at += chunkBytes) yield object.subarray(at, at + chunkBytes);
}

const store = (objects: readonly Uint8Array[], options: { studyInstanceUid?: string; origin?: Origin } = {}) =>
  service().store(partsOf(objects), { origin: 'sender', ...options });

const reasons = (outcome: StoreOutcome) => outcome.failed.map(({ part, reason }) => [part, reason]);

async function studyRow(uid = study) {
  const [row] = await query<Record<string, unknown>>(
    database.dataSource,
    'select * from study where study_instance_uid = $1',
    [uid],
  );
  return row;
}

async function countOf(table: string): Promise<number> {
  const [row] = await query<{ n: number }>(database.dataSource, `select count(*)::integer as n from ${table}`);
  return row!.n;
}
const counts = async () => ({
  packs: await countOf('pack'),
  locations: await countOf('location'),
  instances: await countOf('instance'),
  series: await countOf('series'),
  studies: await countOf('study'),
  blobs: (await keys()).length,
});
async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of blobs.list()) found.push(key);
  return found;
}

async function readBack(sopInstanceUid: string): Promise<Buffer> {
  const stores = new BlobStores({ hot: blobs });
  const open = new OpenInstance(database.dataSource, new ReadPack(database.dataSource, stores));
  const [uids] = await query<{ study: string; series: string }>(
    database.dataSource,
    `select st.study_instance_uid as study, se.series_instance_uid as series
       from instance i join series se using (series_key) join study st on st.study_key = i.study_key
      where i.sop_instance_uid = $1`,
    [sopInstanceUid],
  );
  if (uids === undefined) throw new Error(`${sopInstanceUid} is not stored`);
  const row = await open.find({ studyInstanceUid: uids.study, seriesInstanceUid: uids.series, sopInstanceUid });
  return buffer(await open.open(row));
}

describe('storing', () => {
  it('puts the instances of a request into one pack, and gives each back byte for byte', async () => {
    const objects = [1, 2, 3].map((instanceNumber) =>
      make({ instanceNumber, sopInstanceUid: testUid(`${study} ${instanceNumber}`), rows: 20 + instanceNumber }),
    );
    const before = await counts();
    const outcome = await store(objects);
    expect(outcome.failed).toEqual([]);
    expect(outcome.stored.map((one) => [one.sopInstanceUid, one.isDuplicate])).toEqual(
      [1, 2, 3].map((number) => [testUid(`${study} ${number}`), false]),
    );
    const after = await counts();
    expect({ packs: after.packs - before.packs, blobs: after.blobs - before.blobs }).toEqual({ packs: 1, blobs: 1 });
    for (const [index, object] of objects.entries()) {
      expect((await readBack(testUid(`${study} ${index + 1}`))).equals(object)).toBe(true);
    }
    const rows = await query<{ sha256: Buffer; pack: Buffer }>(
      database.dataSource,
      `select i.sha256, p.sha256 as pack from instance i join pack p using (pack_id)
        where i.study_key = $1 order by i.pack_offset`,
      [(await studyRow())!['study_key']],
    );
    expect(rows.map((row) => row.sha256)).toEqual(objects.map((bytes) => createHash('sha256').update(bytes).digest()));
    expect(rows[0]!.pack).toEqual(createHash('sha256').update(Buffer.concat(objects)).digest());
  });

  it('keeps counts, sizes and roll-ups as requests come', async () => {
    const ct = [1, 2].map((instanceNumber) => make({ instanceNumber }));
    const report = make({ modality: 'SR' });
    await store(ct.slice(0, 1));
    await store([ct[1]!, report]);
    expect(await studyRow()).toMatchObject({
      number_of_series: 2,
      number_of_instances: 3,
      bytes: ct[0]!.length + ct[1]!.length + report.length,
      modalities: ['CT', 'SR'],
      sop_classes: ['1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.88.33'],
      patient_id: `TEST-${seed}`,
      patient_name: `Test^Patient${seed}`,
      study_date: '20240229',
    });
    const series = await query<Record<string, unknown>>(
      database.dataSource,
      `select modality, number_of_instances, version, transfer_syntaxes from series where study_key = $1 order by modality`,
      [(await studyRow())!['study_key']],
    );
    expect(series).toEqual([
      { modality: 'CT', number_of_instances: 2, version: 3, transfer_syntaxes: ['1.2.840.10008.1.2.1'] },
      { modality: 'SR', number_of_instances: 1, version: 2, transfer_syntaxes: ['1.2.840.10008.1.2.1'] },
    ]);
  });

  it('keeps the metadata as text, with addresses for what is big', async () => {
    const sopInstanceUid = testUid(`${study} bulky`);
    const lookupTable = { vr: 'OW', InlineBinary: Buffer.alloc(4000, 7).toString('base64') };
    await store([make({ sopInstanceUid, attributes: { '00281201': lookupTable } })]);
    const [row] = await query<{ dicom_json: string; series: string }>(
      database.dataSource,
      `select i.dicom_json, se.series_instance_uid as series from instance i join series se using (series_key)
        where i.sop_instance_uid = $1`,
      [sopInstanceUid],
    );
    const dataset = JSON.parse(row!.dicom_json) as DicomJson;
    expect(dataset['00281201']).toEqual({
      vr: 'OW',
      BulkDataURI: `/dicom-web/studies/${study}/series/${row!.series}/instances/${sopInstanceUid}/bulkdata/00281201`,
    });
    expect(dataset['00083002']?.Value).toEqual(['1.2.840.10008.1.2.1']);
    expect(Object.keys(dataset)).toEqual(Object.keys(dataset).toSorted());
  });

  it('notes where every frame of an encapsulated object is', async () => {
    const frameBytes = [31, 20, 44].map((length, fill) => Buffer.alloc(length + (length % 2), fill + 1));
    const object = make({ transferSyntaxUid: '1.2.840.10008.1.2.4.80', frames: 3, frameBytes });
    await store([object]);
    const [row] = await query<{ kind: string; entries: Buffer }>(
      database.dataSource,
      'select frame_kind as kind, frame_entries as entries from instance where study_key = $1',
      [(await studyRow())!['study_key']],
    );
    expect(row!.kind).toBe('encapsulated');
    const frames = [0, 1, 2].map((index) => {
      const offset = Number(row!.entries.readBigUInt64LE(index * 16));
      return object.subarray(offset, offset + row!.entries.readUInt32LE(index * 16 + 8));
    });
    expect(frames).toEqual(frameBytes);
  });

  it('tells the router in the same transaction, once a study', async () => {
    await store([make({ instanceNumber: 1 }), make({ instanceNumber: 2 })]);
    expect(await arrivals()).toBe(1);
    const routing = await query(
      database.dataSource,
      `select r.state from study_routing r join study using (study_key) where study_instance_uid = $1`,
      [study],
    );
    expect(routing).toEqual([{ state: 'receiving' }]);
  });

  it('starts no new analysis for what the analysis itself made', async () => {
    await store([make({ modality: 'SR' })], { origin: 'isocenter' });
    expect(await studyRow()).toMatchObject({ number_of_instances: 1 });
    expect(await arrivals()).toBe(0);
    expect(
      await query(
        database.dataSource,
        `select 1 from study_routing join study using (study_key) where study_instance_uid = $1`,
        [study],
      ),
    ).toEqual([]);
  });

  it('stores an object whose text PostgreSQL cannot hold as it is', async () => {
    // Not compressible: an index entry holds at most 2,704 bytes, and compresses what it can.
    const long = Array.from({ length: 150 }, (_, index) => createHash('sha256').update(`${index}`).digest('hex')).join(
      '',
    );
    const object = make({
      patientName: 'Null\0Byte^Test',
      patientId: long,
      accessionNumber: long,
      attributes: { '00080060': { vr: 'CS', Value: ['CT'] }, '00081030': { vr: 'LO', Value: [long] } },
    });
    const outcome = await store([object]);
    expect(outcome).toMatchObject({ failed: [], stored: [{ isDuplicate: false }] });
    const row = await studyRow();
    expect(long.startsWith(row!['patient_id'] as string)).toBe(true);
    expect(row!['patient_name']).toMatch(/^Null.?Byte\^Test$/);
  });

  it('keeps the metadata of each instance apart, whatever control characters are in it', async () => {
    const comments = ['one\x1e{"00080018":"two"}\x1e', '\x1e', 'three'];
    const objects = comments.map((comment, index) =>
      make({
        sopInstanceUid: testUid(`${study} separated ${index}`),
        attributes: { '00204000': { vr: 'LT', Value: [comment] } },
      }),
    );
    expect(await store(objects)).toMatchObject({ failed: [], stored: [{}, {}, {}] });
    const rows = await query<{ uid: string; comment: string }>(
      database.dataSource,
      `select i.sop_instance_uid as uid, i.dicom_json::json #>> '{00204000,Value,0}' as comment
         from instance i join study using (study_key) where study_instance_uid = $1`,
      [study],
    );
    expect(Object.fromEntries(rows.map(({ uid, comment }) => [uid, comment]))).toEqual(
      Object.fromEntries(comments.map((comment, index) => [testUid(`${study} separated ${index}`), comment])),
    );
  });

  async function arrivals(): Promise<number> {
    const [row] = await query<{ n: number }>(
      database.dataSource,
      `select count(*)::integer as n from study_arrival join study using (study_key) where study_instance_uid = $1`,
      [study],
    );
    return row!.n;
  }
});

describe('requests that share a transaction', () => {
  it('have outcomes of their own: new, here already, and contested', async () => {
    const present = make({ sopInstanceUid: testUid(`${study} present`) });
    await store([present]);
    const fresh = Array.from({ length: 12 }, (_, index) => make({ sopInstanceUid: testUid(`${study} new ${index}`) }));
    const twice = [0, 1].map((index) =>
      make({ sopInstanceUid: testUid(`${study} twice`), instanceNumber: 40 + index }),
    );
    const before = await counts();
    const one = service();
    const send = (object: Uint8Array) => one.store(partsOf([object]), { origin: 'sender' });
    const outcomes = await Promise.all([...fresh.slice(0, 6), present, ...twice, ...fresh.slice(6)].map(send));

    const isNew = (outcome: StoreOutcome) => outcome.stored.length === 1 && outcome.stored[0]!.isDuplicate === false;
    expect([...outcomes.slice(0, 6), ...outcomes.slice(9)].every(isNew)).toBe(true);
    expect(outcomes[6]!.stored).toMatchObject([{ isDuplicate: true }]);
    expect(outcomes.slice(7, 9).filter(isNew)).toHaveLength(1);
    expect(outcomes.slice(7, 9).flatMap(reasons)).toEqual([[1, failureReason.duplicateSopInstance]]);
    const after = await counts();
    expect([after.instances - before.instances, after.packs - before.packs]).toEqual([13, 13]);
    expect(after.blobs - before.blobs).toBe(13);
    expect(await studyRow()).toMatchObject({ number_of_instances: 14, number_of_series: 1 });
    for (const object of fresh.slice(0, 2)) {
      expect((await readBack(testUid(`${study} new ${fresh.indexOf(object)}`))).equals(object)).toBe(true);
    }
  });

  it('are all right when one of them is refused', async () => {
    const one = service();
    // A SOP Instance UID that another study has makes PostgreSQL refuse, or find it here: whichever comes first.
    const sopInstanceUid = testUid(`${study} claimed`);
    const objects = [
      make({ sopInstanceUid }),
      make({ sopInstanceUid, studyInstanceUid: testUid(`${study} other`) }),
      ...Array.from({ length: 6 }, (_, index) => make({ sopInstanceUid: testUid(`${study} beside ${index}`) })),
    ];
    const outcomes = await Promise.all(objects.map((object) => one.store(partsOf([object]), { origin: 'sender' })));
    expect(outcomes.slice(0, 2).flatMap((outcome) => outcome.stored)).toHaveLength(1);
    expect(outcomes.slice(2).every((outcome) => outcome.stored.length === 1)).toBe(true);
  });
});

describe('what was stored before', () => {
  it('is success again, and nothing is stored twice', async () => {
    const objects = [make({ instanceNumber: 1 }), make({ instanceNumber: 2 })];
    await store(objects);
    const before = await counts();
    const row = await studyRow();
    const outcome = await store(objects);
    expect(outcome.failed).toEqual([]);
    expect(outcome.stored.map((one) => one.isDuplicate)).toEqual([true, true]);
    expect(await counts()).toEqual(before);
    expect(await studyRow()).toEqual(row);
  });

  it('is left alone when only some of a request is new', async () => {
    const objects = [1, 2, 3].map((instanceNumber) => make({ instanceNumber }));
    await store(objects.slice(1, 2));
    const outcome = await store(objects);
    expect(outcome.failed).toEqual([]);
    expect(outcome.stored.map((one) => one.isDuplicate).toSorted()).toEqual([false, false, true]);
    expect(await studyRow()).toMatchObject({ number_of_instances: 3, number_of_series: 1 });
    for (const [index, object] of objects.entries()) {
      expect((await readBack(outcomeUid(outcome, index + 1))).equals(object)).toBe(true);
    }
  });

  it('stays when other content comes under its UID', async () => {
    const sopInstanceUid = testUid(`${study} contested`);
    const first = make({ sopInstanceUid });
    await store([first]);
    const before = await counts();
    const outcome = await store([make({ sopInstanceUid, studyDescription: 'Other' })]);
    expect(outcome.stored).toEqual([]);
    expect(reasons(outcome)).toEqual([[1, failureReason.duplicateSopInstance]]);
    expect(outcome.failed[0]).toMatchObject({ sopInstanceUid, sopClassUid: '1.2.840.10008.5.1.4.1.1.2' });
    expect(await counts()).toEqual(before);
    expect((await readBack(sopInstanceUid)).equals(first)).toBe(true);
  });

  it('stays when another study claims its UID', async () => {
    const sopInstanceUid = testUid(`${study} stolen`);
    const first = make({ sopInstanceUid });
    await store([first]);
    const thief = testUid(`${study} thief`);
    const outcome = await store([make({ sopInstanceUid, studyInstanceUid: thief })]);
    expect(reasons(outcome)).toEqual([[1, failureReason.duplicateSopInstance]]);
    expect(await studyRow(thief)).toBeUndefined();
    expect((await readBack(sopInstanceUid)).equals(first)).toBe(true);
  });

  it('keeps its word on the patient, and a sender that says otherwise is warned', async () => {
    await store([make({ instanceNumber: 1, patientId: 'FIRST' })]);
    const outcome = await store([
      make({ instanceNumber: 2, patientId: 'SECOND' }),
      make({ instanceNumber: 3, patientId: 'FIRST' }),
    ]);
    expect(outcome.failed).toEqual([]);
    const warnings = new Map(outcome.stored.map((one) => [one.sopInstanceUid, one.warning]));
    expect([...warnings.values()].toSorted()).toEqual([warningReason.dataSetDoesNotMatch, undefined]);
    expect(await studyRow()).toMatchObject({ patient_id: 'FIRST', number_of_instances: 3 });
  });

  it('warns of nothing that an instance merely leaves out', async () => {
    await store([make({ instanceNumber: 1 })]);
    const outcome = await store([make({ modality: 'SR', omit: ['00100040', '00080050'] })]);
    expect(outcome.stored.map((one) => one.warning)).toEqual([undefined]);
  });

  const outcomeUid = (_outcome: StoreOutcome, instanceNumber: number) =>
    testUid(`instance ${testUid(`series ${study} CT`)} ${instanceNumber}`);
});

describe('a request with something wrong', () => {
  it.each([
    [
      'text',
      () => Buffer.from('This is not DICOM, though it is long enough to be looked at.'.repeat(20)),
      failureReason.cannotUnderstand,
    ],
    ['nothing', () => Buffer.alloc(0), failureReason.cannotUnderstand],
    [
      'half an object',
      () => make({ instanceNumber: 9, rows: 64, columns: 64 }).subarray(0, 5000),
      failureReason.cannotUnderstand,
    ],
    ['an object without SOP Instance UID', () => make({ omit: ['00080018'] }), failureReason.dataSetDoesNotMatch],
  ])('stores the good instances beside %s', async (_name, makeBad, reason) => {
    const good = [make({ instanceNumber: 1 }), make({ instanceNumber: 2, rows: 30 })];
    const outcome = await store([good[0]!, makeBad(), good[1]!]);
    expect(outcome.stored).toHaveLength(2);
    expect(reasons(outcome)).toEqual([[2, reason]]);
    expect(outcome.failed[0]!.text).toMatch(/^Part 2: /);
    for (const [index, object] of good.entries()) {
      const uid = testUid(`instance ${testUid(`series ${study} CT`)} ${index + 1}`);
      expect((await readBack(uid)).equals(object)).toBe(true);
    }
    // The bad part's bytes are not in the pack.
    const [pack] = await query<{ bytes: number }>(
      database.dataSource,
      `select p.bytes from pack p where pack_id in (select pack_id from instance join study using (study_key) where study_instance_uid = $1)`,
      [study],
    );
    expect(pack!.bytes).toBe(good[0]!.length + good[1]!.length);
  });

  it('stores nothing when nothing is good', async () => {
    const before = await counts();
    const outcome = await store([Buffer.from('no'), Buffer.from('neither')]);
    expect(reasons(outcome)).toEqual([
      [1, failureReason.cannotUnderstand],
      [2, failureReason.cannotUnderstand],
    ]);
    expect(await counts()).toEqual(before);
  });

  it('refuses what belongs to another study than the one addressed, and stores the rest', async () => {
    const other = testUid(`${study} other`);
    const outcome = await store([make({ instanceNumber: 1 }), make({ studyInstanceUid: other })], {
      studyInstanceUid: study,
    });
    expect(outcome.stored.map((one) => one.studyInstanceUid)).toEqual([study]);
    expect(reasons(outcome)).toEqual([[2, failureReason.dataSetDoesNotMatch]]);
    expect(await studyRow(other)).toBeUndefined();
  });

  it.each([
    [0, []],
    [1, [[1, failureReason.outOfResources]]],
  ])('takes a part up to the limit, and not %i byte more', async (over, expected) => {
    const object = make({ rows: 40, columns: 40 });
    const outcome = await service({ partBytesMax: object.length - over }).store(partsOf([object]), {
      origin: 'sender',
    });
    expect(reasons(outcome)).toEqual(expected);
    expect(outcome.stored).toHaveLength(1 - over);
  });

  it('counts the same instance twice in one request as one', async () => {
    const object = make();
    const outcome = await store([object, object]);
    expect(outcome.failed).toEqual([]);
    expect(outcome.stored.map((one) => one.isDuplicate)).toEqual([false, true]);
    expect(await studyRow()).toMatchObject({ number_of_instances: 1 });
  });

  it('keeps the first of two in one request that share a UID and differ', async () => {
    const sopInstanceUid = testUid(`${study} twin`);
    const first = make({ sopInstanceUid, rows: 12 });
    const outcome = await store([first, make({ sopInstanceUid, rows: 13 })]);
    expect(reasons(outcome)).toEqual([[2, failureReason.duplicateSopInstance]]);
    expect((await readBack(sopInstanceUid)).equals(first)).toBe(true);
  });

  it('stores nothing of a body that breaks off', async () => {
    const before = await counts();
    async function* breaking(): AsyncGenerator<IncomingPart> {
      yield* partsOf([make({ instanceNumber: 1 })]);
      throw new Error('aborted');
    }
    await expect(service().store(breaking(), { origin: 'sender' })).rejects.toThrow('aborted');
    expect(await counts()).toEqual(before);
  });
});

describe('a request larger than a pack', () => {
  const limits = { instancesMax: 2, bytesMax: 1e9, metadataBytesMax: 1e9 };
  const five = () => [1, 2, 3, 4, 5].map((instanceNumber) => make({ instanceNumber }));

  it.each([
    ['instances', limits, 3],
    ['bytes', { ...limits, instancesMax: 100, bytesMax: 1 }, 5],
    ['metadata', { ...limits, instancesMax: 100, metadataBytesMax: 1 }, 5],
  ])('becomes several, by its %s', async (_what, packLimits, packs) => {
    const before = await counts();
    const objects = five();
    const outcome = await service().store(partsOf([...objects, objects[0]!]), { origin: 'sender' }, packLimits);
    expect(outcome.failed).toEqual([]);
    expect(outcome.stored.map((one) => one.isDuplicate)).toEqual([false, false, false, false, false, true]);
    const after = await counts();
    expect({ packs: after.packs - before.packs, blobs: after.blobs - before.blobs }).toEqual({ packs, blobs: packs });
    expect(await studyRow()).toMatchObject({ number_of_instances: 5, number_of_series: 1 });
    for (const [index, stored] of outcome.stored.slice(0, 5).entries()) {
      expect((await readBack(stored.sopInstanceUid)).equals(objects[index]!)).toBe(true);
    }
  });

  it('keeps the full packs of a body that breaks off, and finds them when it comes again', async () => {
    const objects = five();
    async function* breaking(): AsyncGenerator<IncomingPart> {
      yield* partsOf(objects.slice(0, 3));
      throw new Error('aborted');
    }
    await expect(service().store(breaking(), { origin: 'sender' }, limits)).rejects.toThrow('aborted');
    expect(await studyRow()).toMatchObject({ number_of_instances: 2 });
    const outcome = await service().store(partsOf(objects), { origin: 'sender' }, limits);
    expect(outcome.stored.filter((one) => one.isDuplicate)).toHaveLength(2);
    expect(await studyRow()).toMatchObject({ number_of_instances: 5 });
  });
});

describe('writers at the same time', () => {
  it('store one instance between them when they send the same, whatever the order', async () => {
    const objects = Array.from({ length: 6 }, (_, index) => make({ instanceNumber: index + 1 }));
    const orders = [objects, objects.toReversed(), [...objects.slice(3), ...objects.slice(0, 3)], objects];
    const outcomes = await Promise.all(orders.map((order) => store(order)));
    for (const outcome of outcomes) {
      expect(outcome.failed).toEqual([]);
      expect(outcome.stored).toHaveLength(6);
    }
    expect(outcomes.flatMap((one) => one.stored).filter((one) => !one.isDuplicate)).toHaveLength(6);
    expect(await studyRow()).toMatchObject({ number_of_instances: 6, number_of_series: 1 });
  });

  it('keep the counts right when each brings its own', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, writer) =>
        store(
          [1, 2, 3].map((number) =>
            make({ modality: writer % 2 === 0 ? 'CT' : 'MR', instanceNumber: writer * 10 + number }),
          ),
        ),
      ),
    );
    expect(await studyRow()).toMatchObject({ number_of_instances: 24, number_of_series: 2, modalities: ['CT', 'MR'] });
    const series = await query(
      database.dataSource,
      `select se.number_of_instances as said, (select count(*)::integer from instance i where i.series_key = se.series_key) as counted
         from series se join study using (study_key) where study_instance_uid = $1`,
      [study],
    );
    expect(series).toEqual([
      { said: 12, counted: 12 },
      { said: 12, counted: 12 },
    ]);
  });

  it('do not wait for each other in a circle when two studies cross', async () => {
    const [a, b] = ['a', 'b'].map((name) => testUid(`${study} crossing ${name}`));
    await Promise.all(
      Array.from({ length: 8 }, (_, writer) => {
        const pair = [a, b].map((studyInstanceUid) =>
          make({ studyInstanceUid: studyInstanceUid!, instanceNumber: writer + 1 }),
        );
        return store(writer % 2 === 0 ? pair : pair.toReversed());
      }),
    );
    expect(await studyRow(a)).toMatchObject({ number_of_instances: 8 });
    expect(await studyRow(b)).toMatchObject({ number_of_instances: 8 });
  });

  it('let one of two studies have a UID that both claim', async () => {
    const sopInstanceUid = testUid(`${study} claimed twice`);
    const claims = ['x', 'y', 'z'].map((name) =>
      make({ sopInstanceUid, studyInstanceUid: testUid(`${study} ${name}`) }),
    );
    const outcomes = await Promise.all(claims.map((object) => store([object])));
    expect(outcomes.flatMap((one) => one.stored)).toHaveLength(1);
    expect(outcomes.flatMap((one) => one.failed.map((failed) => failed.reason))).toEqual([
      failureReason.duplicateSopInstance,
      failureReason.duplicateSopInstance,
    ]);
    const rows = await query(
      database.dataSource,
      'select number_of_instances from study where study_instance_uid = any($1)',
      [['x', 'y', 'z'].map((name) => testUid(`${study} ${name}`))],
    );
    expect(rows).toEqual([{ number_of_instances: 1 }]);
  });
});

describe('when something below fails', () => {
  it.each(['write', 'commit'] as const)('leaves no row when the blob store fails at %s', async (step) => {
    const before = await counts();
    const failing = failingStore(step, new BlobError('blob-no-space', 'no space left'));
    await expect(service({ hot: failing }).store(partsOf([make()]), { origin: 'sender' })).rejects.toMatchObject({
      code: 'blob-no-space',
    });
    expect(await counts()).toEqual(before);
  });

  it('acknowledges nothing when the transaction fails, and leaves no row', async () => {
    const before = await counts();
    await query(database.dataSource, `alter table series add constraint ck_test check (modality <> 'XA')`);
    try {
      await expect(store([make({ modality: 'CT' }), make({ modality: 'XA' })])).rejects.toThrow(ArchiveError);
    } finally {
      await query(database.dataSource, 'alter table series drop constraint ck_test');
    }
    expect(await counts()).toEqual(before);
  });

  it('acknowledges what was committed although the answer to COMMIT was lost', async () => {
    const object = make();
    const lost = whenStored((statement) => {
      const heard = statement.done;
      statement.done = () => heard(new Error('Connection terminated unexpectedly'), []);
    });
    const outcome = await store([object]);
    lost.mockRestore();
    expect(outcome).toMatchObject({ failed: [], stored: [{ studyInstanceUid: study }] });
    expect(await studyRow()).toMatchObject({ number_of_instances: 1 });
  });

  it('says that it is not known when the database is gone at COMMIT, and keeps the bytes in case it is stored', async () => {
    const before = await counts();
    const fail = () => Promise.reject(new Error('Connection terminated unexpectedly'));
    const lost = whenStored((statement, client) => {
      client.query = () => statement.done(new Error('Connection terminated unexpectedly'), []);
    });
    const gone = jest.spyOn(database.dataSource, 'transaction').mockImplementation(fail);
    await expect(store([make()])).rejects.toMatchObject({
      code: 'archive-unavailable',
      message: expect.stringContaining('not known') as unknown,
    });
    lost.mockRestore();
    gone.mockRestore();
    expect(await counts()).toEqual({ ...before, blobs: before.blobs + 1 });
  });

  it('writes nothing durable when the database is gone before', async () => {
    const before = await counts();
    const broken = {
      manager: { query: () => Promise.reject(new Error('connect ECONNREFUSED')) },
    } as unknown as DataSource;
    const config = loadConfig('suite', { ISOCENTER_DATA_DIR: directory });
    const cut = new StoreInstances(config, logger, new BlobStores({ hot: blobs }), broken);
    await expect(cut.store(partsOf([make()]), { origin: 'sender' })).rejects.toMatchObject({
      code: 'archive-unavailable',
    });
    expect(await counts()).toEqual(before);
  });

  interface Statement {
    name?: string;
    done: (error: Error | undefined, rows: unknown[]) => void;
  }
  interface Client {
    query: (statement: Statement) => void;
  }
  type Use = (failure: Error | undefined, client: Client | undefined, release: unknown) => void;

  /** @param happens to the statement that stores, when it is about to be sent */
  function whenStored(happens: (statement: Statement, client: Client) => void) {
    const pool = (database.dataSource.driver as unknown as { master: { connect: (use: Use) => void } }).master;
    const connect = pool.connect.bind(pool);
    return jest.spyOn(pool, 'connect').mockImplementation((use: Use) =>
      connect((failure, client, release) => {
        if (client === undefined) return use(failure, client, release);
        const tampered = Object.create(client) as Client;
        tampered.query = (statement, ...more: []) => {
          const sent = Object.create(client) as Client;
          if (statement.name === 'store_packs') happens(statement, sent);
          return Object.hasOwn(sent, 'query') ? sent.query(statement) : client.query(statement, ...more);
        };
        return use(failure, tampered, release);
      }),
    );
  }

  function failingStore(step: 'write' | 'commit', error: BlobError): BlobStore {
    return new Proxy(blobs, {
      get(target, name) {
        if (name === 'write') {
          return async (): Promise<BlobWriter> => {
            const writer = await target.write();
            const fail = async () => {
              await writer.abort();
              throw error;
            };
            return new Proxy(writer, {
              get: (inner, key) => {
                if (key === step) return fail;
                const value = Reflect.get(inner, key, inner) as unknown;
                return typeof value === 'function' ? value.bind(inner) : value;
              },
            });
          };
        }
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
});
