import { readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { seededRandom } from '../support/seeded-random.js';
import { freePort, makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';

jest.setTimeout(900_000);

const writers = 3;
const kills = 8;

interface Acknowledged {
  url: string;
  object: Buffer;
}

/**
 * Senders store without a pause while the suite is killed, again and again, at moments of no choosing. Whatever it said
 * it had stored must be there afterwards, to the byte; whatever it did not say may be there whole or not at all.
 */
describe('the suite, killed while it stores', () => {
  const random = seededRandom(20);
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let port: number;

  const start = async () => {
    suite = await startApp({
      dataDir: data.dataDir,
      port,
      environment: { ISOCENTER_MODELS_DIR: path.join(data.dataDir, 'no-models'), ISOCENTER_LOG_LEVEL: 'error' },
    });
  };

  beforeAll(async () => {
    data = await makeDataDir();
    await mkdir(path.join(data.dataDir, 'no-models'));
    port = await freePort();
    await start();
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  it('keeps every instance it acknowledged, byte for byte, and has no row without its bytes', async () => {
    const acknowledged: Acknowledged[] = [];
    let lost = 0;
    for (let round = 0; round < kills; round += 1) {
      const isOver = { value: false };
      const sending = Array.from({ length: writers }, (_, writer) => sendUntil(isOver, round, writer, acknowledged));
      // Not before something was stored in this round, and then anywhere in the middle of the next requests.
      const before = acknowledged.length;
      while (acknowledged.length === before) await sleep(5);
      await sleep(random() * 150);
      await suite.kill();
      isOver.value = true;
      lost += (await Promise.all(sending)).filter((wasCut) => wasCut).length;
      await start();
      await check(acknowledged.slice(-60));
    }
    // The kills must have hit requests under way, or nothing was tested.
    expect(lost).toBeGreaterThan(kills);
    expect(acknowledged.length).toBeGreaterThan(kills * writers);
    await check(acknowledged);
    await checkCounts();
  });

  /** @returns whether a request of this writer was cut by the kill */
  async function sendUntil(
    isOver: { value: boolean },
    round: number,
    writer: number,
    acknowledged: Acknowledged[],
  ): Promise<boolean> {
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
      const { contentType, body } = multipartBody(objects);
      let response: Response;
      let answer: DicomJson;
      try {
        response = await fetch(`${suite.dicomweb}/studies`, {
          method: 'POST',
          headers: { 'content-type': contentType },
          body: new Uint8Array(body),
        });
        answer = (await response.json()) as DicomJson;
      } catch {
        return true;
      }
      // A suite whose database has been told of its parent's death answers 503, and acknowledges nothing.
      if (response.status === 503) continue;
      expect(response.status).toBe(200);
      for (const [index, item] of jsonItems(answer, '00081199').entries()) {
        acknowledged.push({ url: jsonText(item, '00081190')!, object: objects[index]! });
      }
    }
    return false;
  }

  async function check(expected: readonly Acknowledged[]): Promise<void> {
    for (const { url, object } of expected) {
      const response = await fetch(url, { headers: { accept: 'application/dicom; transfer-syntax=*' } });
      const bytes = Buffer.from(await response.arrayBuffer());
      if (response.status !== 200 || !bytes.equals(object)) {
        throw new Error(
          `Acknowledged and lost: ${url} answers ${response.status} with ${bytes.length} bytes\n${suite.output()}`,
        );
      }
    }
  }

  /** What the rows say, asked from outside: every instance listed can be read to its end, and the counts are right. */
  async function checkCounts(): Promise<void> {
    const studies = await json(`${suite.dicomweb}/studies?limit=1000&includefield=00201208`);
    expect(studies.length).toBeGreaterThan(kills);
    let rows = 0;
    let bytes = 0;
    for (const study of studies) {
      const uid = jsonText(study, '0020000D')!;
      const instances = await json(`${suite.dicomweb}/studies/${uid}/instances?limit=1000`);
      expect(instances).toHaveLength(study['00201208']!.Value![0] as number);
      rows += instances.length;
      for (const instance of instances) {
        const url = `${suite.dicomweb}/studies/${uid}/series/${jsonText(instance, '0020000E')!}/instances/${jsonText(instance, '00080018')!}`;
        const response = await fetch(url, { headers: { accept: 'application/dicom; transfer-syntax=*' } });
        expect([url, response.status]).toEqual([url, 200]);
        bytes += (await response.arrayBuffer()).byteLength;
      }
    }
    expect(rows).toBeGreaterThan(0);
    // Blobs without rows are what a kill between rename and COMMIT leaves; rows without blobs would have failed above.
    expect(bytesOfBlobs(path.join(data.dataDir, 'blobs'))).toBeGreaterThanOrEqual(bytes);
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
