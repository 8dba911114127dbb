import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { seededRandom } from '../support/seeded-random.js';
import { store } from '../e2e/wado-support.js';
import { SuiteToKill } from './suite-to-kill.js';

jest.setTimeout(900_000);

const kills = 8;
const workers = 4;
const instancesPerStudy = 12;

type State = 'here' | 'deleted' | 'purged';

interface Study {
  uid: string;
  objects: Buffer[];
  state: State;
  deletionId: string | undefined;
  /** What was asked for when the suite was killed: it may have happened or not. */
  pending: State | undefined;
}

interface Entry {
  Sequence: number;
  StudyInstanceUid: string;
  SopInstanceUid: string;
  Action: string;
}

/**
 * Studies are deleted, restored and purged without a pause while the suite is killed, again and again. Whatever was
 * answered holds; whatever was not is wholly done or not at all; nothing that is here, or can come back, has lost a byte;
 * and the change feed tells exactly what happened.
 */
describe('the suite, killed while it deletes, restores and purges', () => {
  const random = seededRandom(41);
  let suite: SuiteToKill;
  const studies: Study[] = [];

  beforeAll(async () => {
    suite = await SuiteToKill.start();
  });
  afterAll(() => suite?.end());

  it('does each wholly or not at all, and loses no instance', async () => {
    let cut = 0;
    let answered = 0;
    for (let round = 0; round < kills; round += 1) {
      for (let worker = 0; worker < workers; worker += 1) await storeStudy(`${round} ${worker}`);
      const isOver = { value: false };
      let done = 0;
      const working = Array.from({ length: workers }, (_, worker) =>
        work(
          isOver,
          studies.filter((study, index) => index % workers === worker && study.state !== 'purged'),
          () => (done += 1),
        ),
      );
      while (done === 0) await sleep(2);
      await sleep(random() * 200);
      await suite.running.kill();
      isOver.value = true;
      await Promise.all(working);
      answered += done;
      cut += studies.filter((study) => study.pending !== undefined).length;
      await suite.startAgain();
      for (const study of studies) await check(study);
    }
    expect(cut).toBeGreaterThan(kills / 2);
    expect(answered).toBeGreaterThan(kills * workers);
    await checkFeed();
    await checkCounts();
    // And what is deleted now can all be brought back.
    for (const study of studies.filter(({ state }) => state === 'deleted')) {
      expect((await ask(study, 'here')).status).toBe(200);
      study.state = 'here';
      await check(study);
    }
  });

  async function storeStudy(name: string): Promise<void> {
    const uid = testUid(`kill delete ${name}`);
    const objects = Array.from({ length: instancesPerStudy }, (_, index) =>
      makeInstance({ studyInstanceUid: uid, instanceNumber: index + 1, rows: 40 + index, columns: 128 }),
    );
    await store(suite.running.dicomweb, objects);
    studies.push({ uid, objects, state: 'here', deletionId: undefined, pending: undefined });
  }

  async function work(isOver: { value: boolean }, own: Study[], onDone: () => void): Promise<void> {
    for (let turn = 0; !isOver.value; turn += 1) {
      const study = own[turn % own.length]!;
      if (study.state === 'purged') continue;
      const wanted: State = study.state === 'here' ? 'deleted' : turn % 5 === 4 ? 'purged' : 'here';
      // One at least is left to go on with.
      if (wanted === 'purged' && own.filter(({ state }) => state !== 'purged').length === 1) continue;
      study.pending = wanted;
      let response: Response;
      try {
        response = await ask(study, wanted);
        await response.arrayBuffer();
      } catch {
        return;
      }
      // A suite whose database has been told of its parent's death knows no more, and promises nothing.
      if (response.status >= 500) return;
      expect(response.status).toBe(wanted === 'deleted' ? 204 : 200);
      study.deletionId = response.headers.get('isocenter-deletion') ?? study.deletionId;
      study.state = wanted;
      study.pending = undefined;
      onDone();
    }
  }

  function ask(study: Study, wanted: State): Promise<Response> {
    if (wanted === 'deleted') return fetch(`${suite.running.dicomweb}/studies/${study.uid}`, { method: 'DELETE' });
    const order = wanted === 'here' ? 'restore' : 'purge';
    return fetch(`${suite.running.url}/api/deletions/${study.deletionId}/${order}`, { method: 'POST' });
  }

  /** Finds out what became of a request that was cut, and checks that it is that, whole. */
  async function check(study: Study): Promise<void> {
    const listing = await fetch(`${suite.running.url}/api/deletions?state=all&studyInstanceUid=${study.uid}`);
    const { deletions } = (await listing.json()) as { deletions: { deletionId: string; state: string }[] };
    const [newest] = deletions;
    const found: State = newest?.state === 'recoverable' ? 'deleted' : newest?.state === 'purged' ? 'purged' : 'here';
    expect([study.state, study.pending]).toContain(found);
    study.state = found;
    study.pending = undefined;
    study.deletionId = newest?.deletionId;

    const series = testUid(`series ${study.uid} CT`);
    const base = `${suite.running.dicomweb}/studies/${study.uid}/series/${series}/instances`;
    for (const [index, object] of study.objects.entries()) {
      const response = await fetch(`${base}/${testUid(`instance ${series} ${index + 1}`)}`, {
        headers: { accept: 'application/dicom; transfer-syntax=*' },
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(response.status).toBe(found === 'here' ? 200 : 410);
      if (found === 'here' && !bytes.equals(object))
        throw new Error(`Instance ${index + 1} of ${study.uid} is damaged`);
    }
    const search = await fetch(`${suite.running.dicomweb}/studies?0020000D=${study.uid}&includefield=00201208`);
    expect(search.status).toBe(found === 'here' ? 200 : 204);
    if (found !== 'here') return;
    const [row] = (await search.json()) as DicomJson[];
    expect(row!['00201208']?.Value).toEqual([instancesPerStudy]);
  }

  /** Replayed, the feed gives what is here. */
  async function checkFeed(): Promise<void> {
    const here = new Map<string, string>();
    for (let last = 0; ;) {
      const response = await fetch(
        `${suite.running.dicomweb}/changefeed?after=${last}&limit=1000&includemetadata=false`,
      );
      const page = (await response.json()) as Entry[];
      if (page.length === 0) break;
      for (const entry of page) {
        expect(entry.Sequence).toBe(last + 1);
        last = entry.Sequence;
        const isThere = here.has(entry.SopInstanceUid);
        expect([entry.Action, isThere]).toEqual([entry.Action, entry.Action === 'delete']);
        if (entry.Action === 'delete') here.delete(entry.SopInstanceUid);
        else here.set(entry.SopInstanceUid, entry.StudyInstanceUid);
      }
    }
    const expected = studies.filter(({ state }) => state === 'here').map(({ uid }) => uid);
    expect([...new Set(here.values())].toSorted()).toEqual(expected.toSorted());
    expect(here.size).toBe(expected.length * instancesPerStudy);
  }

  async function checkCounts(): Promise<void> {
    const response = await fetch(`${suite.running.url}/api/storage`);
    const usage = (await response.json()) as { studies: number; instances: number; deleted: { instances: number } };
    const count = (state: State) => studies.filter((study) => study.state === state).length;
    expect(usage).toMatchObject({
      studies: count('here'),
      instances: count('here') * instancesPerStudy,
      deleted: { instances: count('deleted') * instancesPerStudy },
    });
  }
});
