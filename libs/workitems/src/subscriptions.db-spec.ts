import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Listener, query, transaction } from '#libs/database';
import { type DicomJson, newUid } from '#libs/dicom';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import {
  cancelWorkitem,
  claimWorkitem,
  createWorkitem,
  deleteUpsEvents,
  filteredSubscriptionsMax,
  heartbeatWorkitem,
  parseWorkitemMatch,
  readUpsEvents,
  recentUpsEventKeys,
  releaseWorkitem,
  subscribeToAll,
  subscribeToMatching,
  subscribeToWorkitem,
  suspendSubscription,
  unsubscribeFrom,
  unsubscribeFromWorkitem,
  updateWorkitem,
  upsEventType,
} from './index.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(() => query(db.dataSource, 'truncate ups_event, ups_subscription'));

const inTransaction = <T>(work: Parameters<typeof transaction<T>>[1]) => transaction(db.dataSource, work);

async function created(dataset: DicomJson = {}): Promise<string> {
  const uid = newUid();
  await inTransaction((tx) =>
    createWorkitem(tx, {
      uid,
      kind: 'other',
      studyKey: null,
      priority: 'LOW',
      priorityReason: '',
      deadline: null,
      dataset,
    }),
  );
  return uid;
}

async function claimed(uid: string): Promise<string> {
  const transactionUid = newUid();
  await inTransaction((tx) => claimWorkitem(tx, uid, { transactionUid, performer: 'P' }));
  return transactionUid;
}

/** What a subscriber is to hear of a workitem, of all that was said so far. */
async function heard(aet: string, uid: string): Promise<unknown[]> {
  const events = await readUpsEvents(db.dataSource, [aet], await recentUpsEventKeys(db.dataSource, 3600));
  return events
    .filter(({ workitemUid }) => workitemUid === uid)
    .map(({ eventType, content }) => content['00741000']?.Value?.[0] ?? eventType);
}

const subscriber = { aet: 'A', deletionLock: false };

describe('events', () => {
  it('are written with each change that matters, and with no other', async () => {
    await inTransaction((tx) => subscribeToAll(tx, subscriber));
    const uid = await created({ '00404041': { vr: 'CS', Value: ['INCOMPLETE'] } });
    await inTransaction((tx) => updateWorkitem(tx, uid, { dataset: { '00404041': { vr: 'CS', Value: ['READY'] } } }));
    await inTransaction((tx) => updateWorkitem(tx, uid, { dataset: { '00400400': { vr: 'LT', Value: ['Hm'] } } }));
    const transactionUid = await claimed(uid);
    await heartbeatWorkitem(db.dataSource, uid, transactionUid);
    await heartbeatWorkitem(db.dataSource, uid, transactionUid, { percent: 10, description: 'Fetching' });
    await inTransaction((tx) => releaseWorkitem(tx, uid, transactionUid));
    await inTransaction((tx) => cancelWorkitem(tx, uid, undefined, 'Enough.'));
    expect(await heard('A', uid)).toEqual([
      'SCHEDULED',
      'SCHEDULED',
      'IN PROGRESS',
      upsEventType.progressReport,
      'SCHEDULED',
      'CANCELED',
    ]);
    const [last] = await query<{ content: DicomJson }>(
      db.dataSource,
      'select content from ups_event order by event_key desc limit 1',
    );
    expect(last!.content['00741238']).toEqual({ vr: 'LT', Value: ['Enough.'] });
  });

  it('tell who a workitem is assigned to', async () => {
    await inTransaction((tx) => subscribeToAll(tx, subscriber));
    const station = { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['CT1'] } }] };
    const uid = await created({ '00404025': station });
    expect(await heard('A', uid)).toEqual(['SCHEDULED', upsEventType.assigned]);
    const events = await readUpsEvents(db.dataSource, ['A'], await recentUpsEventKeys(db.dataSource, 3600));
    expect(events.at(-1)!.content).toEqual({ '00404025': station });
  });

  it('are not there when the change is not', async () => {
    const uid = await created();
    await inTransaction((tx) => subscribeToAll(tx, subscriber));
    await inTransaction(async (tx) => {
      await cancelWorkitem(tx, uid, undefined, 'Rolled back.');
      throw new Error('rolled back');
    }).catch(() => undefined);
    expect(await heard('A', uid)).toEqual(['SCHEDULED']);
  });

  it('of one workitem are notified in the order of its changes, however many are changed at once', async () => {
    const keys: number[] = [];
    let hasEnded = (): void => undefined;
    const end = new Promise<void>((done) => (hasEnded = done));
    let isReady = (): void => undefined;
    const ready = new Promise<void>((done) => (isReady = done));
    const listener = new Listener(
      db.url,
      'ups',
      (key) => (key === 'end' ? hasEnded() : void keys.push(Number(key))),
      () => isReady(),
    );
    await listener.start();
    await ready;
    const uids = await Promise.all(Array.from({ length: 8 }, () => created()));
    await Promise.all(
      uids.map(async (uid) => {
        const transactionUid = await claimed(uid);
        for (const percent of [1, 2, 3]) {
          await heartbeatWorkitem(db.dataSource, uid, transactionUid, { percent, description: 'x' });
        }
        await inTransaction((tx) => cancelWorkitem(tx, uid, transactionUid, 'Done.'));
      }),
    );
    await query(db.dataSource, `select pg_notify('isocenter_ups', 'end')`);
    await end;
    await listener.close();
    const rows = await query<{ event_key: number; workitem_uid: string }>(
      db.dataSource,
      'select event_key, workitem_uid from ups_event',
    );
    const owner = new Map(rows.map((row) => [row.event_key, row.workitem_uid]));
    expect(keys).toHaveLength(8 * 6);
    for (const uid of uids) {
      const own = keys.filter((key) => owner.get(key) === uid);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  });

  it('go when they are old', async () => {
    await created();
    expect(await deleteUpsEvents(db.dataSource, 3600)).toBe(0);
    await query(db.dataSource, `update ups_event set created_at = now() - interval '2 hours'`);
    expect(await deleteUpsEvents(db.dataSource, 3600)).toBe(1);
  });
});

describe('a subscription', () => {
  it('to one workitem reports its state now and what comes, to the subscriber alone', async () => {
    const uid = await created();
    expect(await inTransaction((tx) => subscribeToWorkitem(tx, subscriber, newUid()))).toBe(false);
    expect(await inTransaction((tx) => subscribeToWorkitem(tx, subscriber, uid))).toBe(true);
    await claimed(uid);
    // The first is what was said when it was made: who may hear of a workitem may hear of its past.
    expect(await heard('A', uid)).toEqual(['SCHEDULED', 'SCHEDULED', 'IN PROGRESS']);
    expect(await heard('B', uid)).toEqual([]);
    expect(await inTransaction((tx) => unsubscribeFromWorkitem(tx, 'B', uid))).toBe(false);
    expect(await inTransaction((tx) => unsubscribeFromWorkitem(tx, 'A', uid))).toBe(true);
    expect(await heard('A', uid)).toEqual(['SCHEDULED']);
  });

  it('to all stays with what there was when it is suspended, and takes everything back in when it is renewed', async () => {
    await inTransaction((tx) => subscribeToAll(tx, subscriber));
    const [before, without] = [await created(), await created()];
    expect(await inTransaction((tx) => unsubscribeFromWorkitem(tx, 'A', without))).toBe(true);
    expect(await inTransaction((tx) => suspendSubscription(tx, 'A', 'all'))).toBe(true);
    const after = await created();
    expect([await heard('A', before), await heard('A', without), await heard('A', after)]).toEqual([
      ['SCHEDULED'],
      [],
      [],
    ]);
    expect(await inTransaction((tx) => unsubscribeFromWorkitem(tx, 'A', after))).toBe(false);
    await inTransaction((tx) => subscribeToAll(tx, subscriber));
    await claimed(without);
    expect((await heard('A', without)).at(-1)).toBe('IN PROGRESS');
    expect(await inTransaction((tx) => unsubscribeFrom(tx, 'A', 'all'))).toBe(true);
    expect(await inTransaction((tx) => unsubscribeFrom(tx, 'A', 'all'))).toBe(false);
    expect(await heard('A', before)).toEqual([]);
  });

  it('by filter takes in what fits when it is made, until it is suspended', async () => {
    const label = (text: string): DicomJson => ({ '00741204': { vr: 'LO', Value: [text] } });
    const filter = [parseWorkitemMatch('ProcedureStepLabel', ['Seg*'])];
    const old = await created(label('Segment'));
    await inTransaction((tx) => subscribeToMatching(tx, { aet: 'A', deletionLock: true }, filter));
    const [fits, differs] = [await created(label('Segment 2')), await created(label('Read'))];
    await inTransaction((tx) => updateWorkitem(tx, differs, { dataset: label('Segment 3') }));
    await inTransaction((tx) => suspendSubscription(tx, 'A', 'filtered'));
    const late = await created(label('Segment 4'));
    for (const uid of [old, fits, differs, late]) await claimed(uid);
    expect((await heard('A', old)).at(-1)).toBe('IN PROGRESS');
    expect((await heard('A', fits)).at(-1)).toBe('IN PROGRESS');
    expect([await heard('A', differs), await heard('A', late)]).toEqual([[], []]);
    expect(await inTransaction((tx) => unsubscribeFrom(tx, 'A', 'filtered'))).toBe(true);
    expect(await heard('A', fits)).toEqual([]);
  });

  it('by filter is for so many, each of which may change its own', async () => {
    const filter = [parseWorkitemMatch('ProcedureStepLabel', ['Seg*'])];
    const subscribe = (aet: string) =>
      inTransaction((tx) => subscribeToMatching(tx, { aet, deletionLock: false }, filter));
    for (let number = 1; number <= filteredSubscriptionsMax; number++) expect(await subscribe(`F${number}`)).toBe(true);
    expect(await subscribe('ONE-MORE')).toBe(false);
    expect(await subscribe('F1')).toBe(true);
  });
});
