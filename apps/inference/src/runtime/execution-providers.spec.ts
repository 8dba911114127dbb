import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { radiograph } from '../../../../test/models/fetched-samples.js';
import { boxesAndMap, loadTiny } from '../../../../test/models/tiny-models.js';
import { greyPicture } from '../../../../test/support/mixed-studies.js';
import type { Model } from '../models/model.js';
import { ModelRuntime } from './model-runtime.js';
import { trialInput, whyUnlike } from './provider-trial.js';

const chromium = '/usr/lib/chromium';
const driver = path.join(chromium, 'vk_swiftshader_icd.json');
const hasDriver = existsSync(driver) && existsSync(path.join(chromium, 'libvulkan.so.1'));
if (!hasDriver) console.warn(`${driver} is not on this machine: WebGPU is not tried.`);

describe('execution providers', () => {
  let runtime: ModelRuntime;
  let model: Model;
  let picture: string;
  beforeAll(async () => {
    model = await loadTiny('radiology/boxes-and-map', boxesAndMap());
    picture = await greyPicture(96);
  });
  afterEach(() => runtime.close());

  const run = async (executionProviders: string[], of = model) => {
    runtime = new ModelRuntime({ executionProviders, inferenceWorkers: 1 });
    return runtime.run(of, await radiograph(of, picture));
  };

  it('uses the first that runs the network, and says why those before it do not', async () => {
    const output = await run(['tensorrt', 'cuda', 'cpu']);
    expect(output.runtime.executionProvider).toBe('cpu');
    expect(runtime.used()).toEqual([
      {
        model: 'radiology/boxes-and-map 1.0.0',
        executionProvider: 'cpu',
        refusals: [expect.stringMatching(/^tensorrt: ./), expect.stringMatching(/^cuda: ./)],
      },
    ]);
  }, 60_000);

  it('fails with what each said where none does', async () => {
    await expect(run(['cuda'])).rejects.toMatchObject({
      code: 'no-provider',
      message: expect.stringMatching(/cuda: /),
    });
  }, 60_000);

  (hasDriver ? describe : describe.skip)('WebGPU on SwiftShader (needs Debian’s chromium)', () => {
    const before = { LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'], VK_DRIVER_FILES: process.env['VK_DRIVER_FILES'] };
    beforeAll(() => void Object.assign(process.env, { LD_LIBRARY_PATH: chromium, VK_DRIVER_FILES: driver }));
    afterAll(() => {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });

    it('gives what the CPU gives', async () => {
      const onGpu = await run(['webgpu', 'cpu']);
      expect(runtime.used()).toMatchObject([{ executionProvider: 'webgpu', refusals: [] }]);
      await runtime.close();
      const onCpu = await run(['cpu']);
      expect(onGpu.runtime.executionProvider).toBe('webgpu');
      expect(onGpu.findings).toEqual(onCpu.findings);
      const vector = (output: typeof onCpu) => {
        const bytes = Buffer.from(output.details.embeddings[0]!.base64, 'base64');
        return [...new Float32Array(new Uint8Array(bytes).buffer)];
      };
      const reference = vector(onCpu);
      for (const [at, value] of vector(onGpu).entries()) expect(value).toBeCloseTo(reference[at]!, 4);
    }, 300_000);

    it('gives a model the provider it asks for', async () => {
      const runtimeWish = { executionProvider: 'cpu' as const };
      const output = await run(['webgpu', 'cpu'], { ...model, manifest: { ...model.manifest, runtime: runtimeWish } });
      expect(output.runtime.executionProvider).toBe('cpu');
    }, 60_000);
  });
});

describe('the trial of a provider', () => {
  const numbers = (...values: number[]) => ({ y: { data: Float32Array.from(values), dims: [values.length] } });
  const labels = (...values: number[]) => ({ y: { data: Uint8Array.from(values), dims: [values.length] } });

  it('lets rounding pass, and nothing else', () => {
    expect(whyUnlike(numbers(1.001, -7), numbers(1, -7))).toBeUndefined();
    expect(whyUnlike(numbers(-1.67, -3.63, -6.98), numbers(0.28, -2.79, -7.54))).toMatch(/-1\.6.* where 0\.28/);
    expect(whyUnlike(numbers(NaN), numbers(0))).toMatch(/NaN/);
    expect(whyUnlike({}, numbers(0))).toMatch(/"y"/);
    expect(whyUnlike(labels(...Array<number>(200).fill(1).fill(2, 199)), labels(...Array<number>(200).fill(1)))).toBe(
      undefined,
    );
    expect(whyUnlike(labels(1, 2), labels(1, 1))).toMatch(/1 of 2 values differ/);
  });

  it('is made up where the input has one size', () => {
    const describe = (shape: (number | string)[]) => trialInput({ name: 'x', dtype: 'float32', shape });
    expect(describe(['n', 1, 4, 4])?.dims).toEqual([1, 1, 4, 4]);
    expect(describe(['n', 1, 'd', 'h', 'w'])).toBeUndefined();
    expect(describe([1, 1, 256, 256, 256])).toBeUndefined();
  });
});
