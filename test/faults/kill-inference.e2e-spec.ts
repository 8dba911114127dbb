import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { store } from '../e2e/wado-support.js';
import { descendants } from '../support/child-processes.js';
import { askForTiny, type MixedStudy, mixedStudy, modelsWithTiny } from '../support/mixed-studies.js';
import { seededRandom } from '../support/seeded-random.js';
import { freePort, makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(1_800_000);

/** A hundred by hand: ISOCENTER_TEST_STUDIES=100. */
const count = Number(process.env['ISOCENTER_TEST_STUDIES'] ?? 20);
const suiteKills = 2;

interface Results {
  results: { state: string }[];
}

/** Radiographs, ECGs and slides, while the processes that run models are killed, and twice the whole suite. */
describe('inference workers killed at random', () => {
  const random = seededRandom(Number(process.env['ISOCENTER_TEST_SEED'] ?? 7));
  const studies: MixedStudy[] = [];
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let port: number;
  const modelsDir = modelsWithTiny();
  const start = () => startApp({ dataDir: data.dataDir, port, environment: { ISOCENTER_MODELS_DIR: modelsDir } });

  beforeAll(async () => {
    data = await makeDataDir();
    port = await freePort();
    suite = await start();
    await askForTiny(suite.url);
    for (let index = 0; index < count; index++) studies.push(await mixedStudy(index));
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  const series = async (uid: string, modality: string) => {
    const response = await fetch(`${suite.dicomweb}/studies/${uid}/series?Modality=${modality}`);
    return response.status === 204 ? [] : ((await response.json()) as DicomJson[]);
  };
  const results = async (): Promise<Map<string, number>> => {
    const response = await fetch(`${suite.url}/api/worklist?limit=500&state=ALL`);
    if (!response.ok) throw new Error(`The worklist answered ${response.status}: ${await response.text()}`);
    const { items } = (await response.json()) as { items: { patientId: string; ai: Results }[] };
    return new Map(
      items.map(({ patientId, ai }) => [patientId, ai.results.filter(({ state }) => state === 'COMPLETED').length]),
    );
  };

  it('gives each study exactly one result and one report', async () => {
    let childKills = 0;
    let isDone = false;
    const killer = (async () => {
      while (!isDone) {
        await sleep(500 + random() * 2_500);
        const [child] = descendants(suite.process.pid!, 'inference-worker');
        if (child === undefined) continue;
        process.kill(child, 'SIGKILL');
        childKills += 1;
        // Later ones are left alone: an attempt needs time, on a slow machine too.
        if (childKills >= Math.max(6, count / 4)) return;
      }
    })();
    await store(
      suite.dicomweb,
      studies.map(({ bytes }) => bytes),
    );
    for (let kill = 0; kill < suiteKills; kill++) {
      await sleep(3_000 + random() * 4_000);
      await suite.kill();
      suite = await start();
    }
    const wanted = new Map(studies.map(({ patientId }) => [patientId, 1]));
    await waitFor(
      'a result of every study',
      async () => {
        const found = await results();
        return studies.every(({ patientId }) => (found.get(patientId) ?? 0) > 0) ? true : undefined;
      },
      1_500,
    );
    isDone = true;
    await killer;
    expect(childKills).toBeGreaterThan(0);

    expect(await results()).toEqual(wanted);
    for (const { studyInstanceUid, patientId } of studies) {
      const reports = (await series(studyInstanceUid, 'SR')).map((one) => one['00201209']?.Value?.[0]);
      expect([patientId, reports]).toEqual([patientId, [1]]);
    }
    const failures = await fetch(`${suite.url}/api/inference/failures`);
    expect(await failures.json()).toEqual({ failures: [] });
  });
});
