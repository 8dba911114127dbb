import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, jsonText } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { seededRandom } from '../support/seeded-random.js';
import { Acknowledged } from './acknowledged.js';
import { SuiteToKill } from './suite-to-kill.js';

jest.setTimeout(900_000);

const writers = 3;
const kills = 8;

/**
 * Senders store without a pause while the suite is killed, again and again, at moments of no choosing. Whatever it said
 * it had stored must be there afterwards, to the byte; whatever it did not say may be there whole or not at all.
 */
describe('the suite, killed while it stores', () => {
  const random = seededRandom(20);
  let suite: SuiteToKill;
  let acknowledged: Acknowledged;

  beforeAll(async () => {
    suite = await SuiteToKill.start();
    acknowledged = new Acknowledged(suite);
  });
  afterAll(() => suite?.end());

  it('keeps every instance it acknowledged, byte for byte, and has no row without its bytes', async () => {
    let lost = 0;
    for (let round = 0; round < kills; round += 1) {
      const isOver = { value: false };
      const sending = Array.from({ length: writers }, (_, writer) => sendUntil(isOver, round, writer));
      // Not before something was stored in this round, and then anywhere in the middle of the next requests.
      const before = acknowledged.length;
      while (acknowledged.length === before) await sleep(5);
      await sleep(random() * 150);
      await suite.running.kill();
      isOver.value = true;
      lost += (await Promise.all(sending)).filter((wasCut) => wasCut).length;
      await suite.startAgain();
      await acknowledged.check(60);
    }
    // The kills must have hit requests under way, or nothing was tested.
    expect(lost).toBeGreaterThan(kills);
    expect(acknowledged.length).toBeGreaterThan(kills * writers);
    await acknowledged.check();
    await checkCounts();
  });

  /** @returns whether a request of this writer was cut by the kill */
  async function sendUntil(isOver: { value: boolean }, round: number, writer: number): Promise<boolean> {
    for (let request = 0; !isOver.value; request += 1) {
      // Writers meet in one study, and each has one of its own.
      const studyInstanceUid = testUid(request % 2 === 0 ? `kill ${round}` : `kill ${round} ${writer}`);
      const objects = Array.from({ length: 1 + (request % 6) }, (_, index) =>
        makeInstance({
          studyInstanceUid,
          seriesInstanceUid: testUid(`kill ${round} ${writer}`),
          instanceNumber: request * 10 + index,
          rows: 32 + ((request * 37) % 200),
          columns: 128,
        }),
      );
      if ((await acknowledged.store(objects)) === 'cut') return true;
    }
    return false;
  }

  /** What the rows say, asked from outside: every instance listed can be read to its end, and the counts are right. */
  async function checkCounts(): Promise<void> {
    const studies = await json(`${suite.running.dicomweb}/studies?limit=1000&includefield=00201208`);
    expect(studies.length).toBeGreaterThan(kills);
    let rows = 0;
    let bytes = 0;
    for (const study of studies) {
      const uid = jsonText(study, '0020000D')!;
      const instances = await json(`${suite.running.dicomweb}/studies/${uid}/instances?limit=1000`);
      expect(instances).toHaveLength(study['00201208']!.Value![0] as number);
      rows += instances.length;
      for (const instance of instances) {
        const url = `${suite.running.dicomweb}/studies/${uid}/series/${jsonText(instance, '0020000E')!}/instances/${jsonText(instance, '00080018')!}`;
        const response = await fetch(url, { headers: { accept: 'application/dicom; transfer-syntax=*' } });
        expect([url, response.status]).toEqual([url, 200]);
        bytes += (await response.arrayBuffer()).byteLength;
      }
    }
    expect(rows).toBeGreaterThan(0);
    // Blobs without rows are what a kill between rename and COMMIT leaves; rows without blobs would have failed above.
    expect(bytesOfBlobs(path.join(suite.dataDir, 'blobs'))).toBeGreaterThanOrEqual(bytes);
  }

  async function json(url: string): Promise<DicomJson[]> {
    const response = await fetch(url);
    return response.status === 204 ? [] : ((await response.json()) as DicomJson[]);
  }

  function bytesOfBlobs(directory: string): number {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('staging'))
      .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
  }
});
