import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { RecallPacks } from '#libs/archive';
import { execute, query } from '#libs/database';
import { newUid } from '#libs/dicom';
import {
  configOf,
  insertPack,
  never,
  silent,
  startBench,
  type StorageBench,
  storesOf,
} from '../../../../test/support/storage/storage-bench.js';
import { BlobStores } from '#libs/blobs';
import { PrefetchPriorsJob } from './prefetch-priors.job.js';

jest.setTimeout(120_000);

describe('prefetch-priors', () => {
  let bench: StorageBench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.close());

  async function job(priorStudies = 3, stores = storesOf(bench)) {
    const db = bench.db.dataSource;
    // Who asks for the same pack within seconds is not written down again: each run is one of another minute.
    const recalls = new RecallPacks(db, await bench.db.jobs(), stores);
    return new PrefetchPriorsJob(db, stores, recalls, configOf({ priorStudies }), silent);
  }

  /** Studies of a patient on the cold tier, the latest last. @returns their packs, and the study keys */
  async function insertPriors(patientId: string, count: number) {
    const packs: { packId: string; studyKey: number }[] = [];
    for (let index = 0; index < count; index += 1) {
      const { packId, studyKeys } = await insertPack(bench, { tier: 'cold' });
      await execute(bench.db.dataSource, 'update study set patient_id = $2, study_date = $3 where study_key = $1', [
        studyKeys[0]!,
        patientId,
        `2024010${index + 1}`,
      ]);
      packs.push({ packId, studyKey: studyKeys[0]! });
    }
    return packs;
  }
  async function insertTask(
    kind: 'reading' | 'other' | 'ai',
    studyKey: number | null,
    dataset: object = {},
    state = 'SCHEDULED',
  ) {
    await query(
      bench.db.dataSource,
      `insert into workitem (workitem_uid, kind, study_key, state, dataset) values ($1, $2, $3, $4, $5)`,
      [newUid(), kind, studyKey, state, JSON.stringify(dataset)],
    );
  }
  async function recalledOf(packs: { packId: string }[]): Promise<boolean[]> {
    const rows = await query<{ packId: string }>(
      bench.db.dataSource,
      `select pack_id as "packId" from pack_recall where state = 'requested'`,
      [],
    );
    return packs.map(({ packId }) => rows.some((row) => row.packId === packId));
  }
  /** What was scheduled till now was scheduled a while ago. */
  const settle = () =>
    execute(bench.db.dataSource, `update workitem set created_at = created_at - interval '2 minutes'`, []);

  it('brings near the latest studies of whose study is to be read', async () => {
    const patient = randomUUID();
    const priors = await insertPriors(patient, 4);
    const others = await insertPriors(randomUUID(), 1);
    const { studyKeys } = await insertPack(bench);
    await execute(
      bench.db.dataSource,
      `update study set patient_id = $2, study_date = '20250101' where study_key = $1`,
      [studyKeys[0]!, patient],
    );
    await insertTask('reading', studyKeys[0]!);
    expect(await (await job(2)).prefetch(never())).toBe(2);
    expect(await recalledOf(priors)).toEqual([false, false, true, true]);
    expect(await recalledOf(others)).toEqual([false]);
  });

  it('brings near those of whom a procedure step is scheduled for, by patient and issuer', async () => {
    const patient = randomUUID();
    const [issued, other] = await insertPriors(patient, 2);
    await execute(bench.db.dataSource, `update study set issuer_of_patient_id = 'HERE' where study_key = $1`, [
      issued!.studyKey,
    ]);
    const dataset = { '00100020': { vr: 'LO', Value: [patient] }, '00100021': { vr: 'LO', Value: ['HERE'] } };
    await insertTask('other', null, dataset);
    await (await job()).prefetch(never());
    expect(await recalledOf([issued!, other!])).toEqual([true, false]);
  });

  it('orders nothing for what a model is to do, what is done, and what names nobody', async () => {
    const priors = await insertPriors('named', 2);
    await insertTask('ai', priors[0]!.studyKey);
    await insertTask('other', null, { '00100020': { vr: 'LO', Value: ['named'] } }, 'CANCELED');
    await insertTask('other', null, { '00100020': { vr: 'LO' } });
    expect(await (await job()).prefetch(never())).toBe(0);
    expect(await recalledOf(priors)).toEqual([false, false]);
  });

  it('goes on behind what it saw, and looks again at what is so new that others may come before it', async () => {
    const patient = randomUUID();
    const priors = await insertPriors(patient, 1);
    await insertTask('other', null, { '00100020': { vr: 'LO', Value: [patient] } });
    expect(await (await job()).prefetch(never())).toBe(1);
    await execute(bench.db.dataSource, `update pack_recall set state = 'done'`, []);
    expect(await (await job()).prefetch(never())).toBeGreaterThanOrEqual(1);
    await settle();
    await (await job()).prefetch(never());
    await execute(bench.db.dataSource, `update pack_recall set state = 'done'`, []);
    expect(await (await job()).prefetch(never())).toBe(0);
    expect(await recalledOf(priors)).toEqual([false]);
  });

  it('does nothing when it is switched off, or where there is one tier', async () => {
    const patient = randomUUID();
    const priors = await insertPriors(patient, 1);
    await insertTask('other', null, { '00100020': { vr: 'LO', Value: [patient] } });
    expect(await (await job(0)).prefetch(never())).toBe(0);
    expect(await (await job(3, new BlobStores({ hot: bench.hot }))).prefetch(never())).toBe(0);
    expect(await recalledOf(priors)).toEqual([false]);
    expect(await (await job()).prefetch(never())).toBe(1);
  });
});
