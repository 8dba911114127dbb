import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance, testUid } from '../support/make-instance.js';
import type { RunningProcess } from '../support/start-suite.js';
import { startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

interface Entry {
  Sequence: number;
  StudyInstanceUid: string;
  SeriesInstanceUid: string;
  SopInstanceUid: string;
  Action: string;
  Timestamp: string;
  State: string;
  Metadata?: Record<string, unknown>;
}

describe('the change feed', () => {
  let suite: RunningProcess;
  beforeAll(async () => {
    suite = await startArchive();
  });
  afterAll(async () => {
    await suite?.stop();
  });

  const study = testUid('change feed e2e');
  const make = (instanceNumber: number) => makeInstance({ studyInstanceUid: study, instanceNumber });
  const ask = (query = '') => fetch(`${suite.dicomweb}/changefeed${query}`);
  const entries = async (query = '') => (await (await ask(query)).json()) as Entry[];

  it('begins empty', async () => {
    const answer = await ask();
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'application/json',
      '[]',
    ]);
    expect((await ask('/latest')).status).toBe(204);
  });

  it('has one entry a change, in the fields of microsoft/dicom-server', async () => {
    await store(suite.dicomweb, [make(1), make(2), make(3)]);
    const [first, ...others] = await entries('?offset=0');
    expect(others).toHaveLength(2);
    const series = testUid(`series ${study} CT`);
    expect(first).toEqual({
      Sequence: 1,
      StudyInstanceUid: study,
      SeriesInstanceUid: series,
      SopInstanceUid: expect.stringMatching(/^2\.25\./),
      Action: 'create',
      Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      State: 'current',
      Metadata: expect.objectContaining({ '0020000D': { vr: 'UI', Value: [study] } }),
    });
    const metadata = await fetch(
      `${suite.dicomweb}/studies/${study}/series/${series}/instances/${first!.SopInstanceUid}/metadata`,
    );
    expect([first!.Metadata]).toEqual(await metadata.json());
    expect(
      (await entries('?offset=1&limit=1&includemetadata=false')).map((entry) => [entry.Sequence, entry.Metadata]),
    ).toEqual([[2, undefined]]);
    const latest = (await (await ask('/latest?includemetadata=false')).json()) as Entry;
    expect(latest).toMatchObject({ Sequence: 3, State: 'current' });

    const { SopInstanceUid } = first!;
    const place = `${suite.dicomweb}/studies/${study}/series/${series}/instances/${SopInstanceUid}`;
    expect((await fetch(place, { method: 'DELETE' })).status).toBe(204);
    const [gone] = await entries('?after=3');
    expect(gone).toMatchObject({ Sequence: 4, SopInstanceUid, Action: 'delete', State: 'deleted' });
    expect(gone).not.toHaveProperty('Metadata');
    expect((await entries('?limit=1'))[0]).toMatchObject({ Sequence: 1, State: 'deleted' });
    const aDay = 24 * 3_600_000;
    const when = (shift: number) => new Date(Date.now() + shift).toISOString();
    expect(await entries(`?startTime=${when(-aDay)}&endTime=${when(aDay)}&offset=2&limit=2`)).toMatchObject([
      { Sequence: 3 },
      { Sequence: 4 },
    ]);
    expect(await entries(`?startTime=${when(aDay)}`)).toEqual([]);
  });

  it('lets a reader wait for what comes, and tells it when it comes', async () => {
    const { Sequence: last } = (await (await ask('/latest')).json()) as Entry;
    const waiting = entries(`?after=${last}&wait=25&includemetadata=false`);
    // It is to be there when the change comes, and not to come after it.
    await sleep(300);
    await store(suite.dicomweb, [make(50)]);
    expect(await waiting).toMatchObject([{ Sequence: last + 1, Action: 'create' }]);
    expect(await entries(`?after=${last + 1}&wait=1`)).toEqual([]);
  });

  it('is followed without a gap while senders store at once', async () => {
    let { Sequence: last } = (await (await ask('/latest')).json()) as Entry;
    const wanted = new Set<string>();
    let isStoring = true;
    const storing = Promise.all(
      Array.from({ length: 6 }, async (_, sender) => {
        for (let round = 0; round < 10; round += 1) {
          const objects = [1, 2, 3].map((number) =>
            makeInstance({ studyInstanceUid: testUid(`followed ${sender}`), instanceNumber: round * 3 + number }),
          );
          await store(suite.dicomweb, objects);
          for (let number = 1; number <= 3; number += 1) {
            const series = testUid(`series ${testUid(`followed ${sender}`)} CT`);
            wanted.add(testUid(`instance ${series} ${round * 3 + number}`));
          }
        }
      }),
    ).finally(() => (isStoring = false));
    const seen: string[] = [];
    for (let isLast = false; !isLast;) {
      isLast = !isStoring;
      const page = await entries(`?after=${last}&limit=20&includemetadata=false&wait=1`);
      for (const entry of page) {
        expect(entry.Sequence).toBe(last + 1);
        last = entry.Sequence;
        seen.push(entry.SopInstanceUid);
      }
      if (page.length > 0) isLast = false;
    }
    await storing;
    expect(seen.toSorted()).toEqual([...wanted].toSorted());
  });

  it.each(['?offset=-1', '?limit=0', '?limit=1001', '?wait=60', '?includemetadata=perhaps', '?startTime=today'])(
    'refuses %s as a bad request',
    async (query) => {
      const answer = await ask(query);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    },
  );
});
