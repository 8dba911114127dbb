import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { sendSamples } from '../../apps/suite/src/samples/send-samples.js';
import { seededRandom } from '../support/seeded-random.js';
import { freePort, makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { getWorklist, waitForResults } from '../support/worklist.js';

jest.setTimeout(600_000);

const samples = ['ISOCENTER-SAMPLE-1', 'ISOCENTER-SAMPLE-2', 'ISOCENTER-SAMPLE-3'];
const kills = 4;

/** kill -9 while studies are routed and analysed. What it does to storing is in kill-stow. */
describe('killed while it works, and started again', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let port: number;
  const random = seededRandom(Number(process.env['ISOCENTER_TEST_SEED'] ?? 1));
  const start = () => startApp({ dataDir: data.dataDir, port });

  beforeAll(async () => {
    data = await makeDataDir();
    port = await freePort();
    suite = await start();
    await sendSamples(suite.dicomweb, { signal: new AbortController().signal, log: () => undefined });
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  it('finishes what was under way: one result and one report a study, in the end', async () => {
    for (let round = 0; round < kills; round += 1) {
      await waitFor('work under way, or done', async () => {
        const items = await getWorklist(suite.url);
        return items.some((item) => item.ai.results.length > 0) ? true : undefined;
      });
      await new Promise((done) => setTimeout(done, random() * 2_000));
      await suite.kill();
      suite = await start();
    }
    const items = await waitForResults(suite.url, samples);
    expect(items.map((item) => item.ai.state)).toEqual(['positive', 'positive', 'positive']);
    for (const item of items) {
      expect(item.ai.results).toHaveLength(1);
      const url = `${suite.dicomweb}/studies/${item.studyInstanceUid}/series?Modality=SR`;
      const reports = (await (await fetch(url)).json()) as DicomJson[];
      expect(reports.map((series) => series['00201209']?.Value)).toEqual([[1]]);
    }
  });
});
