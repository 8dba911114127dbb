import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Listener, query, transaction } from '#libs/database';
import { newUid } from '#libs/dicom';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { insertStudy } from '../../../test/support/router/insert-study.js';
import {
  cancelForStudy,
  cancelWorkitem,
  claimWorkitem,
  completeWorkitem,
  createWorkitem,
  getWorkitem,
  getWorkitems,
  heartbeatWorkitem,
  type NewWorkitem,
  releaseSilentWorkitem,
  releaseWorkitem,
  toUpsDataset,
  type Workitem,
} from './index.js';

let db: TestDatabase;
let studyInstanceUid: string;
let studyKey: number;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  studyInstanceUid = await insertStudy(db.dataSource);
  const [row] = await query<{ study_key: number }>(
    db.dataSource,
    'select study_key from study where study_instance_uid = $1',
    [studyInstanceUid],
  );
  studyKey = row!.study_key;
});

const inTransaction = <T>(work: Parameters<typeof transaction<T>>[1]) => transaction(db.dataSource, work);
const claim = (uid: string, transactionUid = newUid(), performer = 'worker-1') =>
  inTransaction((tx) => claimWorkitem(tx, uid, { transactionUid, performer }));

function aiTask(changes: { modelSha256?: string; inputDigest?: string } = {}): NewWorkitem {
  return {
    uid: newUid(),
    kind: 'ai',
    studyKey,
    priority: 'MEDIUM',
    priorityReason: 'As urgent as its study.',
    deadline: null,
    modelId: 'radiology/x',
    modelVersion: '1.0.0',
    modelSha256: 'a'.repeat(64),
    inputDigest: 'b'.repeat(64),
    dataset: { '00741204': { vr: 'LO', Value: ['AI: radiology/x'] } },
    ...changes,
  };
}

async function created(task = aiTask()): Promise<string> {
  expect(await inTransaction((tx) => createWorkitem(tx, task))).toBe(true);
  return task.uid;
}

const get = async (uid: string): Promise<Workitem> => {
  const workitem = await getWorkitem(db.dataSource, uid);
  if (workitem === undefined) throw new Error(`no workitem ${uid}`);
  return workitem;
};

describe('createWorkitem', () => {
  it('makes a SCHEDULED task that says what it is about', async () => {
    const uid = await created();
    expect(await get(uid)).toMatchObject({
      uid,
      kind: 'ai',
      studyInstanceUid,
      state: 'SCHEDULED',
      modelId: 'radiology/x',
      modelSha256: 'a'.repeat(64),
      performer: null,
      attempts: 0,
    });
  });

  it('makes one task of a model on an input, however many try at once', async () => {
    const tasks = Array.from({ length: 8 }, () => aiTask());
    const made = await Promise.all(tasks.map((task) => inTransaction((tx) => createWorkitem(tx, task))));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await inTransaction((tx) => createWorkitem(tx, aiTask({ inputDigest: 'c'.repeat(64) })))).toBe(true);
    expect(await inTransaction((tx) => createWorkitem(tx, aiTask({ modelSha256: 'd'.repeat(64) })))).toBe(true);
  });

  it('makes one reading task a study', async () => {
    const reading = (): NewWorkitem => ({
      uid: newUid(),
      kind: 'reading',
      studyKey,
      priority: 'MEDIUM',
      priorityReason: '',
      deadline: new Date('2026-01-31T10:00:00Z'),
      dataset: {},
    });
    expect(await inTransaction((tx) => createWorkitem(tx, reading()))).toBe(true);
    expect(await inTransaction((tx) => createWorkitem(tx, reading()))).toBe(false);
  });

  it('takes steps that are about no study of ours', async () => {
    const uid = newUid();
    await inTransaction((tx) =>
      createWorkitem(tx, {
        uid,
        kind: 'other',
        studyKey: null,
        priority: 'LOW',
        priorityReason: '',
        deadline: null,
        dataset: {},
      }),
    );
    expect(await get(uid)).toMatchObject({ kind: 'other', studyInstanceUid: null });
  });
});

describe('claimWorkitem', () => {
  it('gives a task to one of many who try at once', async () => {
    const uid = await created();
    const performers = Array.from({ length: 12 }, (_, index) => `worker-${index}`);
    const claims = await Promise.all(performers.map((performer) => claim(uid, newUid(), performer)));
    const won = claims.filter((workitem) => workitem !== undefined);
    expect(won).toHaveLength(1);
    expect(won[0]).toMatchObject({ state: 'IN PROGRESS', studyInstanceUid });
    expect((await get(uid)).performer).toBe(won[0]!.performer);
  });

  it('gives nothing that is not there, taken, or over', async () => {
    expect(await claim(newUid())).toBeUndefined();
    const uid = await created();
    await inTransaction((tx) => cancelWorkitem(tx, uid, undefined, 'No.'));
    expect(await claim(uid)).toBeUndefined();
  });

  it('shows the Transaction UID to nobody', async () => {
    const uid = await created();
    const transactionUid = newUid();
    const claimed = await claim(uid, transactionUid);
    await inTransaction((tx) => completeWorkitem(tx, uid, transactionUid, []));
    const shown = JSON.stringify([
      claimed,
      await get(uid),
      toUpsDataset(await get(uid)),
      await getWorkitems(db.dataSource, [uid]),
    ]);
    expect(shown).not.toContain(transactionUid);
    expect(shown).not.toContain('00081195');
  });
});

describe('the fence', () => {
  it('lets only the attempt that holds a task write', async () => {
    const uid = await created();
    const [first, second] = [newUid(), newUid()];
    await claim(uid, first);
    await inTransaction((tx) => releaseWorkitem(tx, uid, undefined));
    await claim(uid, second, 'worker-2');

    expect(await heartbeatWorkitem(db.dataSource, uid, first)).toBe(false);
    expect(await inTransaction((tx) => completeWorkitem(tx, uid, first, []))).toBe(false);
    expect(await inTransaction((tx) => cancelWorkitem(tx, uid, first, 'Late.'))).toBe(false);
    expect(await inTransaction((tx) => releaseWorkitem(tx, uid, first))).toBeUndefined();

    expect(await get(uid)).toMatchObject({ state: 'IN PROGRESS', performer: 'worker-2', attempts: 1 });
    expect(await heartbeatWorkitem(db.dataSource, uid, second)).toBe(true);
    expect(await inTransaction((tx) => completeWorkitem(tx, uid, second, []))).toBe(true);
  });

  it('completes a task once', async () => {
    const uid = await created();
    const transactionUid = newUid();
    await claim(uid, transactionUid);
    const attempts = Array.from({ length: 4 }, () =>
      inTransaction((tx) => completeWorkitem(tx, uid, transactionUid, [])),
    );
    expect((await Promise.all(attempts)).filter(Boolean)).toHaveLength(1);
  });

  it('does not complete, release or cancel-as-holder what nobody holds', async () => {
    const uid = await created();
    expect(await inTransaction((tx) => completeWorkitem(tx, uid, newUid(), []))).toBe(false);
    expect(await inTransaction((tx) => releaseWorkitem(tx, uid, undefined))).toBeUndefined();
    expect(await inTransaction((tx) => cancelWorkitem(tx, uid, newUid(), 'No.'))).toBe(false);
    expect((await get(uid)).state).toBe('SCHEDULED');
  });
});

describe('heartbeatWorkitem', () => {
  it('says what is being done, for UPS-RS', async () => {
    const uid = await created();
    const transactionUid = newUid();
    await claim(uid, transactionUid);
    await heartbeatWorkitem(db.dataSource, uid, transactionUid, { percent: 41.6, description: 'Fetching' });
    expect(toUpsDataset(await get(uid))['00741002']).toEqual({
      vr: 'SQ',
      Value: [{ '00741004': { vr: 'DS', Value: [42] }, '00741006': { vr: 'ST', Value: ['Fetching'] } }],
    });
    // A bare sign of life takes nothing away.
    await heartbeatWorkitem(db.dataSource, uid, transactionUid);
    expect(toUpsDataset(await get(uid))['00741002']?.Value).toHaveLength(1);
  });
});

describe('completeWorkitem', () => {
  it('says who made what, when', async () => {
    const uid = await created();
    const transactionUid = newUid();
    await claim(uid, transactionUid, 'worker-with-a-rather-long-name');
    await inTransaction((tx) =>
      completeWorkitem(tx, uid, transactionUid, [
        {
          studyInstanceUid,
          seriesInstanceUid: '1.2.9',
          instances: [{ sopClassUid: '1.2.3', sopInstanceUid: '1.2.9.1' }],
        },
      ]),
    );
    const done = await get(uid);
    expect(done).toMatchObject({ state: 'COMPLETED', performer: 'worker-with-a-rather-long-name' });
    expect(done.finishedAt).toBeInstanceOf(Date);
    const performed = toUpsDataset(done)['00741216'];
    expect(performed?.Value?.[0]).toMatchObject({
      '00404028': { Value: [{ '00080100': { Value: ['worker-with-a-ra'] } }] },
      '00404050': { Value: [expect.stringMatching(/^\d{14}\.\d{6}\+0000$/)] },
      '00404033': { Value: [{ '00081199': { Value: [{ '00081155': { Value: ['1.2.9.1'] } }] } }] },
    });
  });

  it('leaves no trace when the transaction it is part of fails', async () => {
    const uid = await created();
    const transactionUid = newUid();
    await claim(uid, transactionUid);
    const failing = inTransaction(async (tx) => {
      await completeWorkitem(tx, uid, transactionUid, []);
      throw new Error('the result could not be written');
    });
    await expect(failing).rejects.toThrow('could not be written');
    expect((await get(uid)).state).toBe('IN PROGRESS');
  });
});

describe('cancelWorkitem', () => {
  it('says why, and is final', async () => {
    const uid = await created();
    expect(await inTransaction((tx) => cancelWorkitem(tx, uid, undefined, 'The model cannot read this study.'))).toBe(
      true,
    );
    expect(await inTransaction((tx) => cancelWorkitem(tx, uid, undefined, 'Again.'))).toBe(false);
    const canceled = await get(uid);
    expect(canceled).toMatchObject({ state: 'CANCELED', discontinuationReason: 'The model cannot read this study.' });
    expect(toUpsDataset(canceled)).toMatchObject({
      '00741000': { vr: 'CS', Value: ['CANCELED'] },
      '00741002': { Value: [{ '00741238': { Value: ['The model cannot read this study.'] } }] },
    });
  });

  it('takes a task from whoever holds it when the suite decides', async () => {
    const uid = await created();
    const transactionUid = newUid();
    await claim(uid, transactionUid);
    expect(await inTransaction((tx) => cancelWorkitem(tx, uid, undefined, 'Enough.'))).toBe(true);
    expect(await heartbeatWorkitem(db.dataSource, uid, transactionUid)).toBe(false);
  });
});

describe('cancelForStudy', () => {
  it('cancels what is open on this study, whoever holds it, and leaves what is over as it is', async () => {
    const [waiting, held, over] = [
      await created(aiTask({ inputDigest: '1' })),
      await created(aiTask({ inputDigest: '2' })),
      await created(aiTask({ inputDigest: '3' })),
    ];
    await claim(held);
    const transactionUid = newUid();
    await claim(over, transactionUid);
    await inTransaction((tx) => completeWorkitem(tx, over, transactionUid, []));
    expect(await inTransaction((tx) => cancelForStudy(tx, studyKey, 'The study was deleted.'))).toBe(2);
    expect(await inTransaction((tx) => cancelForStudy(tx, studyKey, 'Again.'))).toBe(0);
    for (const uid of [waiting, held]) {
      expect(await get(uid)).toMatchObject({ state: 'CANCELED', discontinuationReason: 'The study was deleted.' });
    }
    expect(await get(over)).toMatchObject({ state: 'COMPLETED' });
  });
});

describe('releaseWorkitem', () => {
  it('keeps what went wrong until somebody has more to say', async () => {
    const uid = await created();
    for (const reason of ['Out of memory', undefined]) {
      const transactionUid = newUid();
      await claim(uid, transactionUid);
      await inTransaction((tx) => releaseWorkitem(tx, uid, transactionUid, reason));
    }
    expect(await get(uid)).toMatchObject({ state: 'SCHEDULED', attempts: 2, discontinuationReason: 'Out of memory' });
    // A task that is to be tried again was not canceled, whatever its last attempt said.
    expect(JSON.stringify(toUpsDataset(await get(uid)))).not.toContain('Out of memory');
  });
});

describe('releaseSilentWorkitem', () => {
  it('takes a task from a performer that is silent, and from no other', async () => {
    const uid = await created();
    const silent = () => inTransaction((tx) => releaseSilentWorkitem(tx, uid, 15));
    expect(await silent()).toBeUndefined();
    await claim(uid);
    expect(await silent()).toBeUndefined();
    await query(
      db.dataSource,
      `update workitem set heartbeat_at = now() - interval '16 seconds' where workitem_uid = $1`,
      [uid],
    );
    expect(await silent()).toMatchObject({ state: 'SCHEDULED', attempts: 1, performer: null });
    expect(await silent()).toBeUndefined();
  });
});

describe('listeners of the worklist', () => {
  it('hear of each change once it is committed, and of nothing that is not', async () => {
    const heard: string[] = [];
    let isReady = (): void => undefined;
    const ready = new Promise<void>((done) => (isReady = done));
    let hearsEnd = (): void => undefined;
    const end = new Promise<void>((done) => (hearsEnd = done));
    const listener = new Listener(
      db.url,
      'worklist',
      (payload) => (payload === 'end' ? hearsEnd() : void heard.push(payload)),
      () => isReady(),
    );
    await listener.start();
    await ready;
    const uid = await created();
    const transactionUid = newUid();
    await claim(uid, transactionUid);
    await inTransaction(async (tx) => {
      await cancelWorkitem(tx, uid, transactionUid, 'Rolled back.');
      throw new Error('rolled back');
    }).catch(() => undefined);
    await heartbeatWorkitem(db.dataSource, uid, transactionUid);
    await inTransaction((tx) => completeWorkitem(tx, uid, transactionUid, []));
    await query(db.dataSource, `select pg_notify('isocenter_worklist', 'end')`);
    await end;
    await listener.close();
    // Created, claimed, completed.
    expect(heard).toEqual([studyInstanceUid, studyInstanceUid, studyInstanceUid]);
  });
});
