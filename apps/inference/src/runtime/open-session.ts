import ort from 'onnxruntime-node';
import type { ModelManifest } from '../models/manifest.js';
import { ModelError } from '../models/model-error.js';
import type { Tensor, Tensors } from '../pipelines/tensor.js';

export interface SessionOptions {
  /** In the order tried, e.g. ['tensorrt', 'cuda', 'webgpu', 'cpu']. */
  executionProviders: readonly string[];
  /** Threads one operator may use. */
  intraOpThreads: number;
}

export interface Session {
  /** The provider that took the network. What it cannot do, onnxruntime does on the CPU. */
  executionProvider: string;
  version: string;
  infer(input: Tensor): Promise<Tensors>;
  release(): Promise<void>;
}

/**
 * Opens a network from bytes already verified, with the first provider that works.
 *
 * @throws ModelError 'no-provider' with what each provider said; 'invalid-model' when the network's inputs and outputs are
 *   not those of the manifest.
 */
export async function openSession(
  bytes: Uint8Array,
  manifest: ModelManifest,
  options: SessionOptions,
): Promise<Session> {
  const { session, executionProvider } = await openWithFirst(bytes, options);
  const [input] = manifest.inputs;
  const outputs = manifest.outputs.map((output) => output.name);
  try {
    compareNames('inputs', session.inputNames, [input.name]);
    compareNames('outputs', session.outputNames, outputs);
  } catch (error) {
    await session.release();
    throw error;
  }

  return {
    executionProvider,
    version: ort.env.versions.node ?? ort.env.versions.common,
    infer: async ({ data, dims }) => {
      const given = await session.run({ [input.name]: new ort.Tensor(data, dims) }, outputs).catch((error: Error) => {
        throw new ModelError(
          'invalid-input',
          `The network failed on its input [${dims.join(', ')}]: ${error.message}`,
          {
            cause: error,
          },
        );
      });
      return Object.fromEntries(Object.entries(given).map(([name, tensor]) => [name, fromOrt(name, tensor)]));
    },
    release: () => session.release(),
  };
}

async function openWithFirst(bytes: Uint8Array, { executionProviders, intraOpThreads }: SessionOptions) {
  const refusals: string[] = [];
  for (const executionProvider of executionProviders) {
    try {
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: [executionProvider],
        intraOpNumThreads: intraOpThreads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        logSeverityLevel: 3,
      });
      return { session, executionProvider };
    } catch (error) {
      refusals.push(`${executionProvider}: ${(error as Error).message}`);
    }
  }
  throw new ModelError(
    'no-provider',
    `No execution provider of those configured took the network. ${refusals.join('; ') || 'None is configured.'}`,
  );
}

function compareNames(which: 'inputs' | 'outputs', has: readonly string[], expected: readonly string[]): void {
  const same = has.length === expected.length && expected.every((name) => has.includes(name));
  if (!same)
    throw new ModelError(
      'invalid-model',
      `model.json: ${which}: the network has ${has.join(', ')}, model.json says ${expected.join(', ')}.`,
    );
}

function fromOrt(name: string, { data, dims }: ort.Tensor): Tensor {
  if (data instanceof Float32Array || data instanceof Uint8Array || data instanceof Int32Array) return { data, dims };
  if (data instanceof BigInt64Array) return { data: Int32Array.from(data, Number), dims };
  throw new ModelError('invalid-output', `Output "${name}" is none of float32, uint8, int32, int64 and bool.`);
}
