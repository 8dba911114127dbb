import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ArchiveBench, startArchiveBench } from '../../../../test/support/archive/archive-bench.js';
import { type InstanceDescription, makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { failureReason, warningReason } from '../store/failure-reason.js';

jest.setTimeout(120_000);

let bench: ArchiveBench;
let seed = 100;
let study: string;
beforeAll(async () => {
  bench = await startArchiveBench();
});
afterAll(() => bench?.close());
beforeEach(() => {
  seed += 1;
  study = testUid(`replaced study ${seed}`);
});

const make = (description: InstanceDescription = {}) => makeInstance({ seed, studyInstanceUid: study, ...description });
const uids = () => ({
  studyInstanceUid: study,
  seriesInstanceUid: testUid(`series ${study} CT`),
  sopInstanceUid: testUid(`instance ${testUid(`series ${study} CT`)} 1`),
});
const replace = (objects: readonly Uint8Array[]) => bench.store(objects, { conflictPolicy: 'replace' });
const version = (number: number) => make({ accessionNumber: `V${number}`, rows: 8 + number });
const versions = () =>
  bench.rows<{ deletion_id: string; cause: string; state: string; instances: number }>(
    'select deletion_id, cause, state, instances from deletion where study_instance_uid = $1 order by deleted_at',
    [study],
  );
const count = async (table: string) =>
  (
    await bench.rows<{ n: number }>(`select count(*)::integer as n from ${table} where sop_instance_uid = $1`, [
      uids().sopInstanceUid,
    ])
  )[0]!.n;

describe('where the policy is to replace', () => {
  it('gives the new version at once, and keeps the former one', async () => {
    await bench.store([version(1), make({ instanceNumber: 2 })]);
    const before = await bench.metadata.version({ studyInstanceUid: study });
    const outcome = await replace([version(2)]);
    expect(outcome).toMatchObject({
      failed: [],
      stored: [{ sopInstanceUid: uids().sopInstanceUid, isDuplicate: false, warning: warningReason.replacesVersion }],
    });
    expect((await bench.read(uids())).equals(version(2))).toBe(true);
    expect(await bench.metadata.ofInstance(uids())).toContain('"V2"');
    expect(await bench.metadata.version({ studyInstanceUid: study })).not.toBe(before);
    const [row] = await bench.rows('select number_of_instances, bytes from study where study_instance_uid = $1', [
      study,
    ]);
    expect(row).toEqual({ number_of_instances: 2, bytes: version(2).length + make({ instanceNumber: 2 }).length });
    expect(await versions()).toMatchObject([{ cause: 'replaced', state: 'recoverable', instances: 1 }]);
  });

  it('shares no byte between versions, and brings a former one back once the newer is deleted', async () => {
    await bench.store([version(1)]);
    await replace([version(2)]);
    await replace([version(3)]);
    const packs = await bench.rows(
      `select pack_id from instance where sop_instance_uid = $1
       union all select pack_id from deleted_instance where sop_instance_uid = $1`,
      [uids().sopInstanceUid],
    );
    expect(new Set(packs.map((row) => row['pack_id'])).size).toBe(3);
    const [first] = await versions();
    await expect(bench.restoring.restore(first!.deletion_id)).rejects.toMatchObject({ code: 'restore-conflict' });
    await bench.deleting.delete(uids());
    await bench.restoring.restore(first!.deletion_id);
    expect((await bench.read(uids())).equals(version(1))).toBe(true);
  });

  it('stores identical content once, and says so without a warning', async () => {
    await bench.store([version(1)]);
    const again = await replace([version(1)]);
    expect(again.stored).toEqual([expect.objectContaining({ isDuplicate: true })]);
    expect(again.stored[0]).not.toHaveProperty('warning');
    expect(await versions()).toEqual([]);
  });

  it('lets what is replaced whole say anew what study and patient it is', async () => {
    await bench.store([make({ patientName: 'Wrong^Name' })]);
    await replace([make({ patientName: 'Right^Name' })]);
    const name = async () =>
      (await bench.rows('select patient_name from study where study_instance_uid = $1', [study]))[0];
    expect(await name()).toEqual({ patient_name: 'Right^Name' });
    await bench.store([make({ instanceNumber: 2, patientName: 'Right^Name' })]);
    await replace([make({ patientName: 'Another^Name' })]);
    expect(await name()).toEqual({ patient_name: 'Right^Name' });
  });

  it('lets a new version move to another series, and takes the emptied one away', async () => {
    await bench.store([version(1)]);
    const seriesInstanceUid = testUid(`other series ${study}`);
    const { sopInstanceUid } = uids();
    await replace([make({ seriesInstanceUid, sopInstanceUid, modality: 'MR' })]);
    const series = await bench.rows(
      `select series_instance_uid, se.number_of_instances, st.number_of_series, st.modalities
         from series se join study st using (study_key) where study_instance_uid = $1`,
      [study],
    );
    expect(series).toEqual([
      { series_instance_uid: seriesInstanceUid, number_of_instances: 1, number_of_series: 1, modalities: ['MR'] },
    ]);
    await expect(bench.read(uids())).rejects.toMatchObject({ code: 'instance-not-found' });
  });

  it('never takes an instance out of another study', async () => {
    await bench.store([version(1)]);
    const elsewhere = make({ studyInstanceUid: testUid(`elsewhere ${seed}`), sopInstanceUid: uids().sopInstanceUid });
    expect(await replace([elsewhere])).toMatchObject({
      stored: [],
      failed: [{ reason: failureReason.duplicateSopInstance, text: expect.stringContaining(study) as unknown }],
    });
    expect((await bench.read(uids())).equals(version(1))).toBe(true);
  });

  it('has one instance, and every version once, when many come at the same time', async () => {
    const all = [1, 2, 3, 4, 5, 6].map(version);
    const outcomes = await Promise.all([...all, ...all].map((object) => replace([object])));
    for (const { failed, stored } of outcomes) expect([failed, stored.length]).toEqual([[], 1]);
    expect(await count('instance')).toBe(1);
    const fresh = outcomes.flatMap(({ stored }) => stored).filter(({ isDuplicate }) => !isDuplicate).length;
    expect(await count('deleted_instance')).toBe(fresh - 1);
    expect(fresh).toBeGreaterThanOrEqual(6);
    const last = await bench.read(uids());
    expect(all.some((object) => object.equals(last))).toBe(true);
    const changes = await bench.rows<{ action: string }>(
      'select action from change where sop_instance_uid = $1 order by change_key',
      [uids().sopInstanceUid],
    );
    expect(changes.map((change) => change.action)).toEqual(['create', ...Array<string>(fresh - 1).fill('update')]);
  });
});

describe('where the policy is to reject', () => {
  it('has the first of many that come at the same time, without a deadlock', async () => {
    const all = [1, 2, 3, 4, 5, 6].map(version);
    const outcomes = await Promise.all(all.map((object) => bench.store([object])));
    expect(outcomes.filter(({ stored }) => stored.length === 1)).toHaveLength(1);
    for (const { failed } of outcomes.filter(({ stored }) => stored.length === 0)) {
      expect(failed).toMatchObject([{ reason: failureReason.duplicateSopInstance }]);
    }
    expect(await count('instance')).toBe(1);
  });
});
