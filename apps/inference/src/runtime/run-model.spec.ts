import { appendFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { GraphBuilder, type Edge } from '../../../../scripts/models/graph-builder.js';
import { loadModel } from '../models/load-models.js';
import type { FetchedInput, Model } from '../models/model.js';
import { element } from './fetch-from-files.fixture.js';
import { runModel } from './run-model.js';
import { temporaryFolder } from '../../../../test/support/temporary-folder.js';

const shipped = path.resolve(import.meta.dirname, '../../../../models/cardiology/ecg-rhythm/1.1.0');
const options = { executionProviders: ['cpu'], intraOpThreads: 1 };

/** Eight leads of ten seconds at 500 Hz, samples inline: 1 for each second's first sample, else 0. */
function task(): FetchedInput {
  const data = Int16Array.from({ length: 8 * 5000 }, (_, index) => (Math.floor(index / 8) % 500 === 0 ? 1000 : 0));
  const channel = (lead: number) => ({
    '003A0208': element('SQ', { '00080100': element('SH', `2:${lead}`), '00080102': element('SH', 'MDC') }),
    '003A0210': element('DS', 1),
    '003A0211': element('SQ', { '00080100': element('SH', 'uV') }),
  });
  const group = {
    '003A0005': element('US', 8),
    '003A0010': element('UL', 5000),
    '003A001A': element('DS', 500),
    '003A0200': element('SQ', ...[1, 2, 3, 4, 5, 6, 7, 8].map(channel)),
    '54001004': element('US', 16),
    '54001006': element('CS', 'SS'),
    '54001010': { vr: 'OW', InlineBinary: Buffer.from(data.buffer).toString('base64') },
  };
  const instance = {
    '00080016': element('UI', '1.5'),
    '00080018': element('UI', '1.9'),
    '54000100': element('SQ', group),
  };
  return {
    input: { seriesInstanceUid: '1.8', instances: [instance], frames: [], bulkData: [] },
    inputDigest: 'cd'.repeat(32),
    directory: temporaryFolder('run'),
    frameFiles: [],
    bulkDataFiles: [],
  };
}

describe('runModel', () => {
  let folder: string;
  beforeEach(() => {
    folder = path.join(temporaryFolder('run'), 'cardiology/ecg-rhythm/1.1.0');
    mkdirSync(folder, { recursive: true });
    cpSync(shipped, folder, { recursive: true });
  });

  /** The model with another network in its folder, whose outputs are what `build` makes of lead I. */
  async function modelWith(
    build: (g: GraphBuilder, lead: Edge) => Record<string, Edge>,
    samples: number | string = 'samples',
  ): Promise<Model> {
    const g = new GraphBuilder('test');
    const ecg = g.input('ecg', 'float32', [1, 8, 'samples']);
    const lead = g.op('Slice', [ecg, g.integers([0]), g.integers([1]), g.integers([1])]);
    for (const [name, edge] of Object.entries(build(g, lead))) g.output(name, edge, 'float32', [1, 1, samples]);
    writeFileSync(path.join(folder, 'model.onnx'), g.model('test', 1));
    return loadModel(folder);
  }

  it('runs the bytes that were registered and says what ran them', async () => {
    const model = await modelWith((_, lead) => ({ peaks: lead, activity: lead, speed: lead }));
    const output = await runModel(model, task(), options);
    expect(output.runtime).toEqual({
      name: 'onnxruntime-node',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      executionProvider: 'cpu',
    });
    expect(Date.parse(output.finishedAt)).toBeGreaterThanOrEqual(Date.parse(output.startedAt));
  });

  it('refuses bytes that changed since', async () => {
    const model = await loadModel(folder);
    appendFileSync(path.join(folder, 'model.onnx'), '\0');
    const altered = { ...model, version: '1.0.1' };
    await expect(runModel(altered, task(), options)).rejects.toMatchObject({
      code: 'altered-model',
      message: expect.stringMatching(/was registered with [0-9a-f]{64}/),
    });
  });

  it('takes the first provider that works and tells which', async () => {
    const model = await modelWith((_, lead) => ({ peaks: lead, activity: lead, speed: lead }));
    const output = await runModel(model, task(), {
      executionProviders: ['no-such-provider', 'cpu'],
      intraOpThreads: 1,
    });
    expect(output.runtime.executionProvider).toBe('cpu');
    await expect(
      runModel(model, task(), { executionProviders: ['no-such-provider'], intraOpThreads: 1 }),
    ).rejects.toMatchObject({
      code: 'no-provider',
      message: expect.stringMatching(/no-such-provider: /),
    });
  });

  it.each<[string, (g: GraphBuilder, lead: Edge) => Edge]>([
    ['NaN', (g, lead) => g.op('Div', [g.op('Sub', [lead, lead]), g.op('Sub', [lead, lead])])],
    ['Infinity', (g, lead) => g.op('Div', [lead, g.op('Sub', [lead, lead])])],
  ])('fails on an output of %s rather than conclude from it', async (_, spoil) => {
    const model = await modelWith((g, lead) => ({ peaks: lead, activity: lead, speed: spoil(g, lead) }));
    await expect(runModel(model, task(), options)).rejects.toMatchObject({
      code: 'invalid-output',
      message: expect.stringMatching(
        /answered (NaN|Infinity) where a number is needed \(output "speed", element \d+\)/,
      ),
    });
  });

  it('fails on an output of another shape than announced', async () => {
    const model = await modelWith(
      (g, lead) => ({ peaks: lead, activity: lead, speed: g.op('MaxPool', [lead], { kernel_shape: [5] }) }),
      'n',
    );
    await expect(runModel(model, task(), options)).rejects.toThrow(
      /"speed" has shape \[1, 1, 4996\], model\.json says \[1, 1, samples\]/,
    );
  });

  it('fails when the network has other outputs than model.json says', async () => {
    await expect(modelWith((_, lead) => ({ peaks: lead, speed: lead }))).rejects.toMatchObject({
      code: 'invalid-model',
      message: expect.stringMatching(/outputs\[1\]\.name: the network has no output "activity"; it has peaks, speed/),
    });
  });

  it('fails, as a fault of the input, when the network cannot take it', async () => {
    const tooLong = (g: GraphBuilder, lead: Edge) => g.op('Reshape', [lead, g.integers([1, 1, 7])]);
    const model = await modelWith((g, lead) => ({ peaks: lead, activity: lead, speed: tooLong(g, lead) }));
    await expect(runModel(model, task(), options)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/The network failed on its input \[1, 8, 5000\]/),
    });
  });
});
