import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import type { Results } from './report.js';

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let suite: RunningProcess;

beforeAll(async () => {
  folder = await makeDataDir();
  suite = await startApp({ dataDir: folder.dataDir });
});

afterAll(async () => {
  await suite?.stop();
  await folder?.remove();
});

it('measures every row, and finds every answer of ours right', async () => {
  const json = path.join(folder.dataDir, 'bench.json');
  const script = path.resolve(import.meta.dirname, '../../scripts/bench.mjs');
  const args = ['--server', `ours=${suite.dicomweb}`, '--pid', `ours=${suite.process.pid}`, '--smoke', '--json', json];
  const bench = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [bench.stdout, bench.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [status] = (await once(bench, 'close')) as [number];
  expect([status, output]).toEqual([0, expect.stringContaining('CPU s/1000')]);

  const { rows, servers } = JSON.parse(await readFile(json, 'utf8')) as Results;
  expect(servers[0]!.pssMebibytes).toBeGreaterThan(0);
  expect(rows.length).toBeGreaterThanOrEqual(20);
  for (const { id, measurements } of rows) {
    expect([id, measurements['ours']!.flatMap(({ errors }) => errors)]).toEqual([id, []]);
    expect([id, measurements['ours']!.every(({ requests }) => requests > 0)]).toEqual([id, true]);
  }
}, 600_000);
