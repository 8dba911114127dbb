import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { newUid } from '#libs/dicom';
import { transaction } from '#libs/database';
import { claimWorkitem, completeWorkitem, createWorkitem, getWorkitem, type NewWorkitem } from '#libs/workitems';
import { type ArchiveBench, startArchiveBench } from '../../../../test/support/archive/archive-bench.js';
import { type InstanceDescription, makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { missing } from './missing.js';
import { purgeOverdue } from './purge-deletions.js';

jest.setTimeout(120_000);

let bench: ArchiveBench;
let seed = 0;
/** A study of its own for each test. */
let study: string;
beforeAll(async () => {
  bench = await startArchiveBench();
});
afterAll(() => bench?.close());
beforeEach(() => {
  seed += 1;
  study = testUid(`deleted study ${seed}`);
});

const make = (description: InstanceDescription = {}) => makeInstance({ seed, studyInstanceUid: study, ...description });
const seriesUid = (modality = 'CT') => testUid(`series ${study} ${modality}`);
const uidsOf = (instanceNumber = 1, modality = 'CT') => ({
  studyInstanceUid: study,
  seriesInstanceUid: seriesUid(modality),
  sopInstanceUid: testUid(`instance ${seriesUid(modality)} ${instanceNumber}`),
});

/** Everything a reader of the archive sees of the study, but for what says when it changed. */
async function seen() {
  const [studyRow] = await bench.rows(
    `select to_jsonb(s) - 'study_key' - 'updated_at' as row from study s where study_instance_uid = $1`,
    [study],
  );
  const series = await bench.rows(
    `select to_jsonb(se) - 'series_key' - 'study_key' - 'updated_at' - 'version' as row
       from series se join study using (study_key) where study_instance_uid = $1 order by modality`,
    [study],
  );
  const instances = await bench.rows(
    `select to_jsonb(i) - 'series_key' - 'study_key' as row
       from instance i join study using (study_key) where study_instance_uid = $1 order by sop_instance_uid`,
    [study],
  );
  return { study: studyRow, series, instances };
}

/** Counts are what a count says, and nothing refers to what is not there. */
async function expectSound() {
  expect(
    await bench.rows(
      `select st.study_instance_uid
         from study st
         left join lateral (select count(*) as n, count(distinct series_key) as series, sum(length) as bytes
                              from instance i where i.study_key = st.study_key) i on true
        where st.number_of_instances <> i.n or st.number_of_series <> i.series or st.bytes <> i.bytes or i.n = 0`,
    ),
  ).toEqual([]);
  expect(
    await bench.rows(
      `select se.series_key from series se
        where se.number_of_instances <> (select count(*) from instance i where i.series_key = se.series_key)
           or se.number_of_instances = 0`,
    ),
  ).toEqual([]);
  expect(
    await bench.rows(
      `select d.deletion_id from deletion d
        where (d.state = 'recoverable') <> exists (select from deleted_instance i where i.deletion_id = d.deletion_id)`,
    ),
  ).toEqual([]);
}

const gone = { code: 'gone' };

it('keeps the tables of what is deleted like those of what is here', async () => {
  for (const table of ['study', 'series', 'instance']) {
    const columns = (name: string) =>
      bench.rows(
        `select attname, format_type(atttypid, atttypmod) as type from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname <> 'deletion_id' order by attname`,
        [name],
      );
    expect(await columns(`deleted_${table}`)).toEqual(await columns(table));
  }
});

describe('deleting', () => {
  it('takes a study away, whole, and answers gone', async () => {
    await bench.store([make(), make({ instanceNumber: 2 }), make({ modality: 'SR' })]);
    const deletion = await bench.deleting.delete({ studyInstanceUid: study }, 'sent twice');
    expect(deletion).toMatchObject({
      cause: 'deleted',
      level: 'study',
      studyInstanceUid: study,
      reason: 'sent twice',
      instances: 3,
      state: 'recoverable',
    });
    expect(deletion.recoverableUntil.getTime() - deletion.deletedAt.getTime()).toBe(
      bench.config.graceHours * 3_600_000,
    );
    expect(await seen()).toEqual({ study: undefined, series: [], instances: [] });
    await expect(bench.read(uidsOf())).rejects.toMatchObject(gone);
    await expect(bench.metadata.version({ studyInstanceUid: study })).rejects.toMatchObject(gone);
    await expect(bench.metadata.version({ studyInstanceUid: study, seriesInstanceUid: seriesUid() })).rejects.toThrow(
      /was deleted at .*Z; an administrator can bring it back until .*Z/,
    );
    await expectSound();
  });

  it('takes a series away and counts what is left', async () => {
    const ct = [make(), make({ instanceNumber: 2 })];
    const sr = make({ modality: 'SR' });
    await bench.store([...ct, sr]);
    const before = await bench.metadata.version({ studyInstanceUid: study });
    await bench.deleting.delete({ studyInstanceUid: study, seriesInstanceUid: seriesUid() });
    expect(await seen()).toMatchObject({
      study: {
        row: {
          number_of_series: 1,
          number_of_instances: 1,
          bytes: sr.length,
          modalities: ['SR'],
          sop_classes: ['1.2.840.10008.5.1.4.1.1.88.33'],
        },
      },
      series: [{ row: { modality: 'SR' } }],
    });
    expect(await bench.metadata.version({ studyInstanceUid: study })).not.toBe(before);
    await expect(
      bench.metadata.version({ studyInstanceUid: study, seriesInstanceUid: seriesUid() }),
    ).rejects.toMatchObject(gone);
    await expect(bench.read(uidsOf(2))).rejects.toMatchObject(gone);
    await expect(bench.read(uidsOf(9))).rejects.toMatchObject({ code: 'instance-not-found' });
    expect((await bench.read(uidsOf(1, 'SR'))).equals(sr)).toBe(true);
    await expectSound();
  });

  it('takes an instance away, and with the last one its series and study', async () => {
    const jpeg = { transferSyntaxUid: '1.2.840.10008.1.2.4.50', bitsAllocated: 8 } as const;
    await bench.store([make(), make({ instanceNumber: 2, ...jpeg })]);
    await bench.deleting.delete(uidsOf(2));
    expect(await seen()).toMatchObject({
      study: { row: { number_of_instances: 1 } },
      series: [{ row: { number_of_instances: 1, transfer_syntaxes: ['1.2.840.10008.1.2.1'] } }],
    });
    await expect(bench.read(uidsOf(2))).rejects.toMatchObject(gone);
    await bench.deleting.delete(uidsOf(1));
    expect((await seen()).study).toBeUndefined();
    for (const uids of [
      uidsOf(),
      { studyInstanceUid: study },
      { studyInstanceUid: study, seriesInstanceUid: seriesUid() },
    ]) {
      await expect(missing(bench.dataSource, uids)).rejects.toMatchObject(gone);
    }
    await expectSound();
  });

  it('tells what never was from what was deleted', async () => {
    const other = testUid(`never ${seed}`);
    await expect(bench.deleting.delete({ studyInstanceUid: study })).rejects.toMatchObject({ code: 'study-not-found' });
    await bench.store([make()]);
    await expect(bench.deleting.delete({ studyInstanceUid: study, seriesInstanceUid: other })).rejects.toMatchObject({
      code: 'series-not-found',
    });
    await expect(bench.deleting.delete({ ...uidsOf(), sopInstanceUid: other })).rejects.toMatchObject({
      code: 'instance-not-found',
    });
    await bench.deleting.delete({ studyInstanceUid: study });
    await expect(bench.deleting.delete({ studyInstanceUid: study })).rejects.toMatchObject(gone);
    await expect(bench.deleting.delete(uidsOf())).rejects.toMatchObject(gone);
  });

  it('answers 404 again for what a study stored anew never had', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await bench.store([make()]);
    await expect(bench.read(uidsOf(2))).rejects.toMatchObject(gone);
    await expect(bench.read(uidsOf(3))).rejects.toMatchObject({ code: 'instance-not-found' });
    expect((await bench.read(uidsOf(1))).equals(make())).toBe(true);
    await bench.purging.purge(deletionId);
    await expect(bench.read(uidsOf(2))).rejects.toMatchObject({ code: 'instance-not-found' });
  });

  it('happens once when two ask at once', async () => {
    await bench.store([make()]);
    const asked = await Promise.allSettled(
      Array.from({ length: 4 }, () => bench.deleting.delete({ studyInstanceUid: study })),
    );
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of asked) if (one.status === 'rejected') expect(one.reason).toMatchObject(gone);
    await expectSound();
  });

  it('comes before or after a request that stores in the same study, and never in its middle', async () => {
    const objects = Array.from({ length: 12 }, (_, index) => make({ instanceNumber: index + 1 }));
    await bench.store(objects.slice(0, 2));
    let deleted = 0;
    await Promise.all([
      ...Array.from({ length: 5 }, (_, index) => bench.store(objects.slice(2 + index * 2, 4 + index * 2))),
      ...Array.from({ length: 5 }, async () => {
        try {
          // Read after the waiting: += reads what it adds to before.
          const { instances } = await bench.deleting.delete({ studyInstanceUid: study });
          deleted += instances;
        } catch (error) {
          expect(error).toMatchObject(gone);
        }
      }),
    ]);
    const { instances } = await seen();
    expect(deleted + instances.length).toBe(12);
    expect(instances.length % 2).toBe(0);
    await expectSound();
  });
});

describe('restoring', () => {
  it.each(['study', 'series', 'instance'] as const)('brings a %s back as it was', async (level) => {
    const objects = [make(), make({ instanceNumber: 2, frames: 3 }), make({ modality: 'SR' })];
    await bench.store(objects);
    const before = await seen();
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = uidsOf(2);
    const { deletionId } = await bench.deleting.delete({
      studyInstanceUid,
      ...(level !== 'study' && { seriesInstanceUid }),
      ...(level === 'instance' && { sopInstanceUid }),
    });
    expect(await seen()).not.toEqual(before);
    expect(await bench.restoring.restore(deletionId)).toMatchObject({ state: 'restored' });
    expect(await seen()).toEqual(before);
    expect((await bench.read(uidsOf(2))).equals(objects[1]!)).toBe(true);
    await expect(bench.restoring.restore(deletionId)).rejects.toMatchObject({ code: 'deletion-over' });
    await expect(bench.restoring.restore(randomUUID())).rejects.toMatchObject({ code: 'deletion-not-found' });
    await expectSound();
  });

  it('keeps the word of the first instance on patient and study', async () => {
    await bench.store([make({ patientName: 'First^Word' })]);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await bench.restoring.restore(deletionId);
    expect(await seen()).toMatchObject({ study: { row: { patient_name: 'First^Word' } } });
  });

  it('brings deletions back in any order, however they overlapped', async () => {
    const objects = [make(), make({ instanceNumber: 2 }), make({ modality: 'SR' })];
    await bench.store(objects);
    const before = await seen();
    const first = await bench.deleting.delete(uidsOf(1));
    const second = await bench.deleting.delete({ studyInstanceUid: study, seriesInstanceUid: seriesUid('SR') });
    const third = await bench.deleting.delete({ studyInstanceUid: study });
    for (const { deletionId } of [first, third, second]) await bench.restoring.restore(deletionId);
    expect(await seen()).toEqual(before);
    await expectSound();
  });

  it('never gives a series an entity tag that it had with other content', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    const tags = new Map<string, string>();
    const note = async () => {
      const tag = await bench.metadata.version({ studyInstanceUid: study });
      const content = JSON.stringify((await seen()).instances);
      expect(tags.get(tag) ?? content).toBe(content);
      tags.set(tag, content);
    };
    await note();
    const first = await bench.deleting.delete(uidsOf(1));
    await note();
    await bench.deleting.delete(uidsOf(2));
    await bench.restoring.restore(first.deletionId);
    await note();
  });

  it('refuses, and says which, when other content has come under a UID', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    const other = make({ patientName: 'Other^Content' });
    await bench.store([other]);
    const before = await seen();
    await expect(bench.restoring.restore(deletionId)).rejects.toMatchObject({
      code: 'restore-conflict',
      message: expect.stringContaining(uidsOf(1).sopInstanceUid) as unknown,
    });
    expect(await seen()).toEqual(before);
    await bench.deleting.delete(uidsOf(1));
    await bench.restoring.restore(deletionId);
    expect((await bench.read(uidsOf(1))).equals(make())).toBe(true);
    await expectSound();
  });

  it('leaves what was stored anew, the same, as it is', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await bench.store([make()]);
    await bench.restoring.restore(deletionId);
    expect((await seen()).instances).toHaveLength(2);
    for (const number of [1, 2]) {
      expect((await bench.read(uidsOf(number))).equals(make({ instanceNumber: number }))).toBe(true);
    }
    await expectSound();
  });
});

describe('purging', () => {
  it('takes the rows, and marks the packs that hold nothing more', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    await bench.store([make({ instanceNumber: 3 })]);
    const packs = await bench.rows<{ pack_id: string; n: number }>(
      `select pack_id, count(*)::integer as n from instance join study using (study_key)
        where study_instance_uid = $1 group by pack_id order by n`,
      [study],
    );
    const [one] = [await bench.deleting.delete(uidsOf(1)), await bench.deleting.delete(uidsOf(3))];
    const [last] = await bench.rows<{ deletion_id: string }>(
      'select deletion_id from deletion where sop_instance_uid = $1',
      [uidsOf(3).sopInstanceUid],
    );
    const isEmptied = async () => {
      const found = await bench.rows<{ pack_id: string }>(
        'select pack_id from pack where emptied_at is not null and pack_id = any($1)',
        [packs.map((pack) => pack.pack_id)],
      );
      return found.map((pack) => pack.pack_id);
    };
    await bench.purging.purge(one!.deletionId);
    expect(await isEmptied()).toEqual([]);
    await bench.purging.purge(last!.deletion_id);
    expect(await isEmptied()).toEqual([packs[0]!.pack_id]);
    await expect(bench.restoring.restore(last!.deletion_id)).rejects.toMatchObject({ code: 'deletion-over' });
    await expect(bench.read(uidsOf(3))).rejects.toThrow(/cannot be brought back any more/);
    expect((await bench.read(uidsOf(2))).equals(make({ instanceNumber: 2 }))).toBe(true);
    await expectSound();
  });

  it('sees a pack empty when two deletions that shared it are purged at once', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    const deletions = [await bench.deleting.delete(uidsOf(1)), await bench.deleting.delete(uidsOf(2))];
    await Promise.all(deletions.map(({ deletionId }) => bench.purging.purge(deletionId)));
    const stranded = await bench.rows(
      `select pack_id from pack p where emptied_at is null
          and not exists (select from instance i where i.pack_id = p.pack_id)
          and not exists (select from deleted_instance i where i.pack_id = p.pack_id)`,
    );
    expect(stranded).toEqual([]);
  });

  it('is for those whose grace is over, by itself', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    const past = await bench.deleting.delete(uidsOf(1));
    const within = await bench.deleting.delete(uidsOf(2));
    await bench.rows(`update deletion set recoverable_until = now() where deletion_id = $1`, [past.deletionId]);
    expect(await purgeOverdue(bench.dataSource, new AbortController().signal, (_id, work) => work())).toBe(1);
    await expect(bench.restoring.restore(past.deletionId)).rejects.toMatchObject({ code: 'deletion-over' });
    await bench.restoring.restore(within.deletionId);
    expect((await bench.read(uidsOf(2))).equals(make({ instanceNumber: 2 }))).toBe(true);
  });

  it('or restoring wins when both are asked at once, and the bytes are there if it is restoring', async () => {
    await bench.store([make()]);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    const [restored, purged] = await Promise.allSettled([
      bench.restoring.restore(deletionId),
      bench.purging.purge(deletionId),
    ]);
    expect([restored.status, purged.status].toSorted()).toEqual(['fulfilled', 'rejected']);
    if (restored.status === 'fulfilled') expect((await bench.read(uidsOf())).equals(make())).toBe(true);
    else await expect(bench.read(uidsOf())).rejects.toMatchObject(gone);
    await expectSound();
  });
});

describe('what was to be done about a study', () => {
  async function studyKey() {
    const [row] = await bench.rows<{ study_key: number }>('select study_key from study where study_instance_uid = $1', [
      study,
    ]);
    return row!.study_key;
  }
  async function task(more: Partial<NewWorkitem> & { kind: 'reading' | 'ai' }): Promise<string> {
    const uid = newUid();
    const common = { uid, priority: 'MEDIUM', priorityReason: '', deadline: null, dataset: {} } as const;
    const model = { modelId: 'radiology/x', modelVersion: '1.0.0', modelSha256: 'a', inputDigest: uid };
    await transaction(bench.dataSource, async (tx) => {
      await createWorkitem(tx, { ...common, studyKey: await studyKey(), ...model, ...more } as NewWorkitem);
    });
    return uid;
  }
  async function complete(uid: string) {
    const transactionUid = newUid();
    await transaction(bench.dataSource, (tx) => claimWorkitem(tx, uid, { transactionUid, performer: 'tester' }));
    await transaction(bench.dataSource, (tx) => completeWorkitem(tx, uid, transactionUid, []));
  }
  const result = (uid: string) =>
    bench.rows(
      `insert into result (result_id, study_key, workitem_uid, model_id, model_version, model_sha256, input_digest,
                           outcome, priority, summary, findings, runtime, report_series_uid, report_sop_instance_uid,
                           started_at, finished_at)
       select gen_random_uuid(), study_key, workitem_uid, 'radiology/x', '1.0.0', 'a', 'd', 'positive', 'HIGH', 's', '[]',
              '{}', '1.2', '1.3', now(), now() from workitem where workitem_uid = $1`,
      [uid],
    );
  const listed = () =>
    bench.rows<{ workitem_uid: string; state: string; results: number }>(
      `select w.workitem_uid, w.state, (select count(*)::integer from result r
                                         where r.workitem_uid = w.workitem_uid and r.study_key = s.study_key) as results
         from workitem w join study s using (study_key) where s.study_instance_uid = $1 order by w.workitem_key`,
      [study],
    );

  it('is canceled with the reason, and its history stays', async () => {
    await bench.store([make()]);
    const reading = await task({ kind: 'reading' });
    const held = await task({ kind: 'ai' });
    const done = await task({ kind: 'ai' });
    await transaction(bench.dataSource, (tx) =>
      claimWorkitem(tx, held, { transactionUid: newUid(), performer: 'worker' }),
    );
    await complete(done);
    await result(done);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    expect(await listed()).toEqual([]);
    for (const uid of [reading, held]) {
      expect(await getWorkitem(bench.dataSource, uid)).toMatchObject({
        state: 'CANCELED',
        discontinuationReason: 'The study was deleted.',
        studyInstanceUid: study,
      });
    }
    expect(await getWorkitem(bench.dataSource, done)).toMatchObject({ state: 'COMPLETED', studyInstanceUid: study });

    await bench.restoring.restore(deletionId);
    expect(await listed()).toEqual([{ workitem_uid: done, state: 'COMPLETED', results: 1 }]);
    const again = await task({ kind: 'reading' });
    expect(await listed()).toContainEqual({ workitem_uid: again, state: 'SCHEDULED', results: 0 });
    const [routing] = await bench.rows(
      `select r.state from study_routing r join study using (study_key) where study_instance_uid = $1`,
      [study],
    );
    expect(routing).toEqual({ state: 'receiving' });
  });

  it('does not take the place of what is newer when the study comes back', async () => {
    await bench.store([make()]);
    const first = await task({ kind: 'reading' });
    await complete(first);
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await bench.store([make({ instanceNumber: 2 })]);
    const second = await task({ kind: 'reading' });
    await bench.restoring.restore(deletionId);
    expect(await listed()).toEqual([{ workitem_uid: second, state: 'SCHEDULED', results: 0 }]);
    expect(await getWorkitem(bench.dataSource, first)).toMatchObject({ state: 'COMPLETED', studyInstanceUid: study });
  });

  it('is looked at anew when a part of the study goes', async () => {
    await bench.store([make(), make({ instanceNumber: 2 })]);
    const reading = await task({ kind: 'reading' });
    await bench.rows(`update study_routing set state = 'routed' where study_key = $1`, [await studyKey()]);
    await bench.deleting.delete(uidsOf(2));
    expect(await listed()).toEqual([{ workitem_uid: reading, state: 'SCHEDULED', results: 0 }]);
    const [routing] = await bench.rows('select state from study_routing where study_key = $1', [await studyKey()]);
    expect(routing).toEqual({ state: 'receiving' });
  });

  it('brings no deleted study back by a result that comes too late', async () => {
    await bench.store([make()]);
    await bench.deleting.delete({ studyInstanceUid: study });
    const late = await bench.store([make({ modality: 'SR' })], { origin: 'isocenter' });
    expect(late).toMatchObject({ stored: [], failed: [{ reason: 0x0110, text: expect.stringMatching(/deleted/) }] });
    expect((await seen()).study).toBeUndefined();
    await bench.store([make({ modality: 'SR' })]);
    expect((await seen()).instances).toHaveLength(1);
  });
});
