import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { query, transaction } from '#libs/database';
import { type ArchiveBench, startArchiveBench } from '../../../../test/support/archive/archive-bench.js';
import { makeInstance, testUid } from '../../../../test/support/make-instance.js';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { numberChanges } from './number-changes.js';
import type { Change } from './read-changes.js';
import { trimChanges } from './trim-changes.js';

jest.setTimeout(180_000);

let bench: ArchiveBench;
beforeEach(async () => {
  bench = await startArchiveBench();
});
afterEach(() => bench?.close());

const study = testUid('changing study');
const series = testUid(`series ${study} CT`);
const sop = (number: number) => testUid(`instance ${series} ${number}`);
const make = (instanceNumber: number, more: Parameters<typeof makeInstance>[0] = {}) =>
  makeInstance({ studyInstanceUid: study, instanceNumber, ...more });
const never = () => new AbortController().signal;

describe('the change feed', () => {
  it('tells what was stored, replaced, deleted and restored, in order', async () => {
    await bench.store([make(1), make(2)]);
    await bench.store([make(1, { rows: 20 })], { conflictPolicy: 'replace' });
    const { deletionId } = await bench.deleting.delete({ studyInstanceUid: study });
    await bench.restoring.restore(deletionId);
    await bench.deleting.delete({ studyInstanceUid: study, seriesInstanceUid: series, sopInstanceUid: sop(2) });
    const changes = await bench.changes.read({ after: 0, limit: 100 });
    const one = sop(1);
    const two = sop(2);
    const short = changes.map((change) => [change.sequence, change.action, change.sopInstanceUid, change.state]);
    // The order of the two within one request is theirs by UID.
    const pair = (action: string, from: number, states: Record<string, string>) =>
      [one, two].toSorted().map((uid, index) => [from + index, action, uid, states[uid]]);
    expect(short.slice(0, 2)).toEqual(pair('create', 1, { [one]: 'replaced', [two]: 'deleted' }));
    expect(short[2]).toEqual([3, 'update', one, 'current']);
    expect(new Set(short.slice(3, 5).map(([, action, uid]) => `${action} ${uid}`))).toEqual(
      new Set([`delete ${one}`, `delete ${two}`]),
    );
    expect(new Set(short.slice(5, 7).map(([, action, uid, state]) => `${action} ${uid} ${state}`))).toEqual(
      new Set([`restore ${one} current`, `restore ${two} deleted`]),
    );
    expect(short.slice(7)).toEqual([[8, 'delete', two, 'deleted']]);
    expect(await bench.changes.latest()).toMatchObject({ sequence: 8, studyInstanceUid: study });
    const [key] = changes.flatMap((change) => change.currentInstanceKey ?? []);
    const metadata = (await bench.changes.metadata([key!])).get(key!)!;
    expect(metadata.transferSyntaxUid).toBe('1.2.840.10008.1.2.1');
    expect(JSON.parse(metadata.text)).toMatchObject({ '00080018': { Value: [one] }, '00280010': { Value: [20] } });
  });

  it('goes on from the last number seen, a page at a time', async () => {
    await bench.store([1, 2, 3, 4, 5].map((number) => make(number)));
    const seen: number[] = [];
    for (;;) {
      const page = await bench.changes.read({ after: seen.at(-1) ?? 0, limit: 2 });
      if (page.length === 0) break;
      seen.push(...page.map((change) => change.sequence));
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    const [third] = await bench.changes.read({
      from: new Date(0),
      to: new Date(Date.now() + 60_000),
      skip: 2,
      limit: 1,
    });
    expect(third).toMatchObject({ sequence: 3 });
    expect(await bench.changes.read({ from: new Date(Date.now() + 60_000), limit: 10 })).toEqual([]);
  });

  it('has what is committed late when it is, and waits for nobody', async () => {
    await bench.store([make(1)]);
    const open = bench.dataSource.createQueryRunner();
    await open.startTransaction();
    // Has its row before the next one has, and commits after it was read.
    await open.query(insertOne, ['late', 1]);
    await bench.store([make(2)]);
    expect((await bench.changes.read({ after: 0, limit: 10 })).map(({ sequence }) => sequence)).toEqual([1, 2]);
    await open.commitTransaction();
    await open.release();
    const changes = await bench.changes.read({ after: 2, limit: 10 });
    expect(changes.map((change) => [change.sequence, change.sopInstanceUid])).toEqual([[3, 'late']]);
  });

  it('leaves no hole for what rolls back', async () => {
    for (let round = 0; round < 3; round += 1) {
      const rolledBack = transaction(bench.dataSource, async (tx) => {
        await query(tx, insertOne, ['never', round]);
        throw new Error('not today');
      });
      await expect(rolledBack).rejects.toThrow('not today');
      await bench.store([make(round)]);
    }
    const changes = await bench.changes.read({ after: 0, limit: 10 });
    expect(changes.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(changes.map((change) => change.sopInstanceUid)).toEqual([0, 1, 2].map(sop));
  });

  /*
   * Writers with transactions of one to five rows, that pause anywhere between their statements, and of which a third rolls
   * back; readers that only ever ask for what comes after the last number they saw. Each must see every committed row once,
   * in the order of the numbers, 1, 2, 3 …, and the rows of one writer in the order in which it wrote them.
   */
  it('shows every committed change exactly once and in order to those who follow it, whatever its writers do', async () => {
    const random = seededRandom(7);
    const committed: string[] = [];
    let isWriting = true;
    const writing = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 25; round += 1) {
        const rows = Array.from({ length: 1 + Math.floor(random() * 5) }, (_one, row) => `${writer}.${round}.${row}`);
        const pauses = rows.map(() => random() * 12);
        const isCommitted = random() > 0.33;
        await transaction(bench.dataSource, async (tx) => {
          for (const [index, row] of rows.entries()) {
            await sleep(pauses[index]!);
            await query(tx, insertOne, [row, writer]);
          }
          if (!isCommitted) throw new Error('rolled back');
          committed.push(...rows);
        }).catch((error: Error) => expect(error.message).toBe('rolled back'));
      }
    });
    const follow = async () => {
      const seen: Change[] = [];
      for (let isLast = false; ;) {
        const page = await bench.changes.read({ after: seen.at(-1)?.sequence ?? 0, limit: 7 });
        seen.push(...page);
        if (page.length > 0) continue;
        if (isLast) return seen;
        isLast = !isWriting;
      }
    };
    const following = [follow(), follow(), follow()];
    await Promise.all(writing);
    isWriting = false;
    const feeds = await Promise.all(following);
    for (const feed of feeds) {
      expect(feed.map(({ sequence }) => sequence)).toEqual(Array.from(committed, (_, index) => index + 1));
      expect(feed.map(({ sopInstanceUid }) => sopInstanceUid).toSorted()).toEqual(committed.toSorted());
      for (let writer = 0; writer < 8; writer += 1) {
        const own = (uids: string[]) => uids.filter((uid) => uid.startsWith(`${writer}.`));
        expect(own(feed.map(({ sopInstanceUid }) => sopInstanceUid))).toEqual(own(committed));
      }
      expect(feed).toEqual(feeds[0]);
    }
  });

  it('numbers once when many readers come at once, however much has gathered', async () => {
    await bench.rows(
      `insert into change (action, instance_key, study_instance_uid, series_instance_uid, sop_instance_uid)
       select 'create', n, '1', '1', n::text from generate_series(1, 25000) n`,
    );
    await Promise.all(Array.from({ length: 6 }, () => numberChanges(bench.dataSource)));
    const [row] = await bench.rows(
      `select count(*)::integer as n, count(distinct sequence)::integer as numbers, min(sequence) as first,
              max(sequence) as last, bool_and(sequence = instance_key) as "isInOrder", (select last_sequence from change_feed) as feed
         from change`,
    );
    expect(row).toEqual({ n: 25_000, numbers: 25_000, first: 1, last: 25_000, isInOrder: true, feed: 25_000 });
  });

  it('is trimmed from its beginning, goes on counting, and says where it begins', async () => {
    await bench.store([make(1), make(2)]);
    await bench.store([make(3)]);
    await bench.rows(`update change set changed_at = now() - interval '2 days' where sop_instance_uid <> $1`, [sop(3)]);
    expect(await trimChanges(bench.dataSource, 1, never())).toBe(2);
    await expect(bench.changes.read({ after: 0, limit: 10 })).rejects.toMatchObject({
      code: 'changes-trimmed',
      oldest: 3,
    });
    await expect(bench.changes.read({ after: 1, limit: 10 })).rejects.toMatchObject({ oldest: 3 });
    expect(await bench.changes.read({ after: 2, limit: 10 })).toMatchObject([{ sequence: 3 }]);
    expect(await bench.changes.read({ limit: 10 })).toMatchObject([{ sequence: 3 }]);
    await bench.rows(`update change set changed_at = now() - interval '2 days'`);
    expect(await trimChanges(bench.dataSource, 1, never())).toBe(1);
    expect(await bench.changes.latest()).toBeUndefined();
    await bench.store([make(4)]);
    expect(await bench.changes.latest()).toMatchObject({ sequence: 4 });
    expect(await bench.changes.read({ after: 3, limit: 10 })).toMatchObject([{ sequence: 4 }]);
  });
});

const insertOne = `insert into change (action, instance_key, study_instance_uid, series_instance_uid, sop_instance_uid)
  values ('create', $2::bigint + 1000000, '1', '1', $1)`;
