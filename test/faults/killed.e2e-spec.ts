import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, jsonItems } from '#libs/dicom';
import { makeSampleStudies } from '../../apps/suite/src/samples/make-sample-studies.js';
import { makeInstance } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { seededRandom } from '../support/seeded-random.js';
import { freePort, makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { getWorklist, waitForResults } from '../support/worklist.js';

jest.setTimeout(900_000);

const kills = 8;
const writers = 3;

/** kill -9 of the process, at any moment. It does not test the disk: the page cache survives it. */
describe('killed and started again', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let port: number;
  const random = seededRandom(Number(process.env['ISOCENTER_TEST_SEED'] ?? 1));

  const start = () => startApp({ dataDir: data.dataDir, port });
  beforeAll(async () => {
    data = await makeDataDir();
    port = await freePort();
    suite = await start();
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  it('has every acknowledged instance, byte for byte, and nothing by halves', async () => {
    const acknowledged = new Map<string, { url: string; sha256: string }>();
    let seed = 0;
    for (let round = 0; round < kills; round += 1) {
      const stopping = { now: false };
      const working = Array.from({ length: writers }, async () => {
        while (!stopping.now) {
          seed += 1;
          const objects = Array.from({ length: 5 }, (_, index) =>
            makeInstance({ modality: 'MR', rows: 64, columns: 64, seed, instanceNumber: index + 1 }),
          );
          await send(objects, acknowledged);
        }
      });
      await new Promise((done) => setTimeout(done, 100 + random() * 900));
      await suite.kill();
      stopping.now = true;
      await Promise.all(working);
      suite = await start();
    }
    expect(acknowledged.size).toBeGreaterThan(kills);
    for (const { url, sha256 } of acknowledged.values()) {
      const response = await fetch(`http://127.0.0.1:${port}${url}`, { headers: { accept: 'application/dicom' } });
      expect(response.status).toBe(200);
      expect(hash(Buffer.from(await response.arrayBuffer()))).toBe(sha256);
    }
    // Every row has its bytes, acknowledged or not: a request is there wholly or not at all.
    const studies = (await (await fetch(`${suite.dicomweb}/studies?limit=1000`)).json()) as DicomJson[];
    for (const study of studies) expect(study['00201208']?.Value).toEqual([5]);
  });

  it('finishes the work that was under way: one result, in the end', async () => {
    for await (const study of makeSampleStudies()) {
      if (study.name === 'slide') continue;
      const objects: Buffer[] = [];
      for await (const instance of study.instances) objects.push(instance);
      expect((await post(objects)).status).toBe(200);
    }
    for (let round = 0; round < 3; round += 1) {
      await waitFor('work under way', async () => {
        const items = await getWorklist(suite.url);
        const results = items.flatMap((item) => item.ai.results);
        return results.length > 0 ? true : undefined;
      });
      await new Promise((done) => setTimeout(done, random() * 2_000));
      await suite.kill();
      suite = await start();
    }
    const items = await waitForResults(suite.url, ['ISOCENTER-SAMPLE-1', 'ISOCENTER-SAMPLE-2']);
    for (const item of items) {
      expect(item.ai.state).toBe('positive');
      expect(item.ai.results).toHaveLength(1);
      const reports = (await (
        await fetch(`${suite.dicomweb}/studies/${item.studyInstanceUid}/series?Modality=SR`)
      ).json()) as DicomJson[];
      expect(reports.map((series) => series['00201209']?.Value)).toEqual([[1]]);
    }
  });

  async function post(objects: Buffer[]): Promise<Response> {
    const { contentType, body } = multipartBody(objects);
    return fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: new Uint8Array(body),
    });
  }

  /** Notes what was acknowledged, after the answer was read. A request that fails was not. */
  async function send(objects: Buffer[], acknowledged: Map<string, { url: string; sha256: string }>): Promise<void> {
    let dataset: DicomJson;
    try {
      const response = await post(objects);
      if (response.status !== 200) return;
      dataset = (await response.json()) as DicomJson;
    } catch {
      return; // killed in the middle
    }
    for (const [index, item] of jsonItems(dataset, '00081199').entries()) {
      const uid = String(item['00081155']?.Value?.[0]);
      const url = new URL(String(item['00081190']?.Value?.[0])).pathname;
      acknowledged.set(uid, { url, sha256: hash(objects[index]!) });
    }
  }
});

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
