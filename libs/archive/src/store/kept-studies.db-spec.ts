import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BlobStores, FilesystemBlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import { query } from '#libs/database';
import { type DicomJson, jsonItems, jsonText, readPart10 } from '#libs/dicom';
import { createLogger } from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { type InstanceDescription, makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { warningReason } from './failure-reason.js';
import { StoreInstances } from './store-instances.js';
import type { IncomingPart } from './store-outcome.js';

jest.setTimeout(120_000);

let database: TestDatabase;
let directory: string;
let stores: BlobStores;
let seed = 0;
let study: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(path.join(tmpdir(), 'isocenter-coercion-'));
  stores = new BlobStores({ hot: await FilesystemBlobStore.open('local', path.join(directory, 'blobs')) });
});
afterAll(async () => {
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => {
  seed += 1;
  study = testUid(`coerced study ${seed}`);
});

function store(objects: readonly Uint8Array[], coercion: 'off' | 'study' = 'study') {
  const config = loadConfig('suite', { ISOCENTER_DATA_DIR: directory, ISOCENTER_COERCION: coercion });
  async function* parts(): AsyncGenerator<IncomingPart> {
    for (const [index, object] of objects.entries()) yield { number: index + 1, body: chunksOf(object) };
  }
  const service = new StoreInstances(config, createLogger('test', 'silent'), stores, database.dataSource);
  return service.store(parts(), { origin: 'sender' });
}
async function* chunksOf(object: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < object.length; at += 300) yield object.subarray(at, at + 300);
}

const make = (description: InstanceDescription) => makeInstance({ seed, studyInstanceUid: study, ...description });

interface Row {
  dicom_json: string;
  sha256: Buffer;
  length: number;
  key: string;
  pack_offset: number;
  pixel_data_offset: number | null;
}

async function rowOf(object: Uint8Array): Promise<Row & { bytes: Buffer }> {
  const [row] = await query<Row>(
    database.dataSource,
    `select i.dicom_json, i.sha256, i.length::integer, l.key, i.pack_offset::integer, i.pixel_data_offset::integer
       from instance i join location l using (pack_id) where i.sop_instance_uid = $1`,
    [readPart10(object).sopInstanceUid],
  );
  return { ...row!, bytes: await buffer(await stores.hot.readRange(row!.key, row!.pack_offset, row!.length)) };
}

describe('an instance that names another patient than its study has', () => {
  it('is made to say what the archive says, and its rows, digests and bytes agree', async () => {
    const first = make({ instanceNumber: 1, patientId: 'RIGHT', patientName: 'Right^Name' });
    const second = make({ instanceNumber: 2, patientId: 'WRONG', patientName: 'Wrong^Name', rows: 32 });
    await store([first]);
    const outcome = await store([second]);
    expect(outcome.stored.map((one) => one.warning)).toEqual([warningReason.coercion]);

    const { bytes, dicom_json, sha256, pixel_data_offset } = await rowOf(second);
    const { dataset } = readPart10(bytes);
    const metadata = JSON.parse(dicom_json) as DicomJson;
    for (const said of [dataset, metadata]) {
      expect(jsonText(said, '00100020')).toBe('RIGHT');
      const [record] = jsonItems(said, '04000561');
      expect(jsonText(record!, '04000565')).toBe('COERCE');
      expect(jsonText(jsonItems(record!, '04000550')[0]!, '00100020')).toBe('WRONG');
    }
    expect(createHash('sha256').update(bytes).digest().equals(sha256)).toBe(true);
    const pixels = readPart10(second).frames;
    if (pixels.kind !== 'native') throw new Error(pixels.kind);
    expect(
      bytes
        .subarray(pixel_data_offset!)
        .equals(second.subarray(pixels.pixelDataOffset, pixels.pixelDataOffset + pixels.pixelDataLength)),
    ).toBe(true);
    expect((await rowOf(first)).bytes.equals(first)).toBe(true);
  });

  it('is the same when it is sent again, as it was or as it is stored', async () => {
    await store([make({ instanceNumber: 1, patientId: 'RIGHT' })]);
    const object = make({ instanceNumber: 2, patientId: 'WRONG' });
    await store([object]);
    const { bytes } = await rowOf(object);
    for (const again of [object, bytes]) {
      const outcome = await store([again]);
      expect([outcome.failed, outcome.stored.map((one) => one.isDuplicate)]).toEqual([[], [true]]);
      // Nor does it matter that the policy has changed.
      expect((await store([again], 'off')).stored.map((one) => one.isDuplicate)).toEqual([true]);
    }
    const other = await store([make({ instanceNumber: 2, patientId: 'THIRD' })]);
    expect([other.stored.length, other.failed.length]).toEqual([0, 1]);
  });

  it('follows the first of its request, where the study is new', async () => {
    const outcome = await store([
      make({ instanceNumber: 1, patientId: 'FIRST' }),
      make({ instanceNumber: 2, patientId: 'SECOND' }),
      make({ instanceNumber: 3, patientId: 'FIRST' }),
    ]);
    expect(outcome.stored.map((one) => one.warning)).toEqual([undefined, warningReason.coercion, undefined]);
  });

  it('is stored byte for byte, with a warning, where the policy is not to', async () => {
    await store([make({ instanceNumber: 1, patientId: 'RIGHT' })], 'off');
    const object = make({ instanceNumber: 2, patientId: 'WRONG' });
    expect((await store([object], 'off')).stored.map((one) => one.warning)).toEqual([
      warningReason.dataSetDoesNotMatch,
    ]);
    expect((await rowOf(object)).bytes.equals(object)).toBe(true);
  });

  it('is only warned of where it cannot be coerced: deflated', async () => {
    await store([make({ instanceNumber: 1, patientId: 'RIGHT' })]);
    const object = make({ instanceNumber: 2, patientId: 'WRONG', transferSyntaxUid: '1.2.840.10008.1.2.1.99' });
    expect((await store([object])).stored.map((one) => one.warning)).toEqual([warningReason.dataSetDoesNotMatch]);
    expect((await rowOf(object)).bytes.equals(object)).toBe(true);
  });
});
