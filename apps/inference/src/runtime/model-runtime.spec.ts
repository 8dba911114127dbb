import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { loadModel } from '../models/load-models.js';
import type { FetchedInput } from '../models/model.js';
import { element } from './fetch-from-files.fixture.js';
import { ModelRuntime } from './model-runtime.js';
import { temporaryFolder } from '../../../../test/support/temporary-folder.js';

const models = path.resolve(import.meta.dirname, '../../../../models');

/** One native tile of a slide, half of it stained. */
function tileTask(size = 64): FetchedInput {
  const file = path.join(temporaryFolder('tile'), 'tile');
  const half = (size * size * 3) / 2;
  writeFileSync(
    file,
    Buffer.concat([
      Buffer.alloc(half, 250),
      Buffer.from(Array.from({ length: half }, (_, index) => [90, 60, 140][index % 3]!)),
    ]),
  );
  const number = (value: number) => element('US', value);
  const instance = {
    '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.77.1.6'),
    '00080018': element('UI', '1.9'),
    '00280002': number(3),
    '00280004': element('CS', 'RGB'),
    '00280006': number(0),
    '00280010': number(size),
    '00280011': number(size),
    '00280100': number(8),
    '00280101': number(8),
    '00280102': number(7),
    '00280103': number(0),
    '00480006': number(size),
    '00480007': number(size),
  };
  const frame = { sopInstanceUid: '1.9', frameNumber: 1 };
  return {
    input: { seriesInstanceUid: '1.8', instances: [instance], frames: [frame], bulkData: [] },
    inputDigest: 'cd'.repeat(32),
    directory: path.dirname(file),
    frameFiles: [{ ...frame, file, transferSyntaxUid: '1.2.840.10008.1.2.1' }],
    bulkDataFiles: [],
  };
}

// Child processes run the compiled worker, which `npm test` builds first.
describe('ModelRuntime', () => {
  let runtime: ModelRuntime;
  afterEach(() => runtime.close());

  it('runs a model in a child process', async () => {
    runtime = new ModelRuntime({ executionProviders: ['cpu'], inferenceWorkers: 1 });
    const model = await loadModel(path.join(models, 'pathology/he-cellularity/1.1.0'));
    const relaxed = { ...model, manifest: { ...model.manifest, checks: [] } };
    const output = await runtime.run(relaxed, tileTask());
    expect(output.findings.map((finding) => finding.value)).toEqual([100, expect.any(Number), 50]);
    expect(output).toMatchObject({ outcome: 'positive', runtime: { ...runtime.describe(), executionProvider: 'cpu' } });
  }, 60_000);

  it('tells a fault of model or input from one of the process', async () => {
    runtime = new ModelRuntime({ executionProviders: ['cpu'], inferenceWorkers: 1 });
    const model = await loadModel(path.join(models, 'pathology/he-cellularity/1.1.0'));
    const unfetched = { ...tileTask(), frameFiles: [] };
    await expect(runtime.run(model, unfetched)).rejects.toMatchObject({ name: 'ModelError', code: 'invalid-input' });
    await expect(runtime.run({ ...model, networkSha256: '0'.repeat(64) }, tileTask())).rejects.toMatchObject({
      name: 'ModelError',
      code: 'altered-model',
    });
  }, 60_000);

  it('opens a network before its first study, and says what is wrong with it', async () => {
    runtime = new ModelRuntime({ executionProviders: ['cpu'], inferenceWorkers: 1 });
    const model = await loadModel(path.join(models, 'pathology/he-cellularity/1.1.0'));
    await expect(runtime.warmUp({ ...model, networkSha256: '0'.repeat(64) })).rejects.toThrow(/was registered with/);
    await runtime.warmUp(model);
    expect((await runtime.run(model, tileTask())).runtime.executionProvider).toBe('cpu');
  }, 60_000);

  it('makes studies ready while a network runs, each with its own answer', async () => {
    runtime = new ModelRuntime({ executionProviders: ['cpu'], inferenceWorkers: 1 });
    const model = await loadModel(path.join(models, 'pathology/he-cellularity/1.1.0'));
    const relaxed = { ...model, manifest: { ...model.manifest, checks: [] } };
    const alone = await runtime.run(relaxed, tileTask(96));
    const together = await Promise.all([96, 64, 96, 128, 96].map((size) => runtime.run(relaxed, tileTask(size))));
    for (const at of [0, 2, 4]) expect(together[at]!.findings).toEqual(alone.findings);
  }, 60_000);

  it('ends the wait when it is told to', async () => {
    runtime = new ModelRuntime({ executionProviders: ['cpu'], inferenceWorkers: 1 });
    const model = await loadModel(path.join(models, 'pathology/he-cellularity/1.1.0'));
    await expect(runtime.run(model, tileTask(), AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
    const control = new AbortController();
    const waiting = runtime.run(model, tileTask(), control.signal);
    control.abort(new Error('taken over'));
    await expect(waiting).rejects.toThrow('taken over');
  }, 60_000);
});
