import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import { behaviours } from './behaviours/index.js';
import { ConformanceServer } from './conformance-server.js';
import { tryBehaviour } from './run-behaviours.js';

jest.setTimeout(300_000);

const token = 'conformance-conformance-conformance';
const origin = 'https://viewer.example.org';

let suite: RunningProcess;
let server: ConformanceServer;
let removeData: () => Promise<void>;

beforeAll(async () => {
  const { dataDir, remove } = await makeDataDir();
  removeData = remove;
  // Without models: nothing adds results to the studies under test.
  const modelsDir = path.join(dataDir, 'no-models');
  await mkdir(modelsDir);
  suite = await startApp({
    dataDir,
    environment: {
      ISOCENTER_MODELS_DIR: modelsDir,
      ISOCENTER_API_TOKEN: token,
      ISOCENTER_CORS_ORIGINS: origin,
    },
  });
  // Our greatest number of results, as README has it.
  server = new ConformanceServer({ base: suite.dicomweb, token, origin, searchLimit: 1000 });
});

afterAll(async () => {
  await suite?.stop();
  await removeData?.();
});

describe('what DICOMweb clients depend on', () => {
  it('is listed once each', () => {
    const ids = behaviours.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
    for (const { id, area } of behaviours) expect(id.startsWith(`${area}.`)).toBe(true);
  });

  // Nothing is skipped here: this server is said to have it all.
  it.each(behaviours.map((behaviour) => [behaviour.id, behaviour.name, behaviour] as const))(
    '%s: %s',
    async (_id, _name, behaviour) => {
      const { result, why = '' } = await tryBehaviour(behaviour, server);
      expect(`${result}${why && `: ${why}`}`).toBe('pass');
    },
  );

  it('is cleaned up afterwards', async () => {
    expect(await server.cleanUp()).toBe(0);
  });
});
