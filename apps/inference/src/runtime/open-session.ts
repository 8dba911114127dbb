import ort from 'onnxruntime-node';
import type { ModelManifest } from '../models/manifest.js';
import { ModelError } from '../models/model-error.js';
import type { Tensor, Tensors } from '../pipelines/tensor.js';
import { trialInput, whyUnlike } from './provider-trial.js';

export interface SessionOptions {
  /** In the order tried, e.g. ['tensorrt', 'cuda', 'webgpu', 'cpu']. */
  executionProviders: readonly string[];
  /** Threads one operator may use. */
  intraOpThreads: number;
}

export interface Session {
  /** The provider that runs the network. What it cannot do, onnxruntime does on the CPU. */
  readonly executionProvider: string;
  /** What was tried before it, and why it was left: `<provider>: <reason>`. */
  readonly refusals: readonly string[];
  version: string;
  infer(input: Tensor): Promise<Tensors>;
  release(): Promise<void>;
}

/** The same, known to be on one provider. */
interface Opened {
  executionProvider: string;
  session: ort.InferenceSession;
}

/**
 * Opens a network from bytes already verified, with the first provider that truly runs it. Before a provider other than the CPU
 * is used it is tried: where the shape of the input is fixed, on a made-up input at once, and its answer is held against the CPU's;
 * otherwise on the first input that comes. The CPU is trusted as it is: it is what recorded outputs were made with.
 *
 * @throws ModelError 'no-provider' with what each provider said; 'invalid-model' when the network's inputs and outputs are
 *   not those of the manifest.
 */
export async function openSession(
  bytes: Uint8Array,
  manifest: ModelManifest,
  options: SessionOptions,
): Promise<Session> {
  const [input] = manifest.inputs;
  const outputs = manifest.outputs.map((output) => output.name);
  const refusals: string[] = [];
  const left = inOrder(options.executionProviders, manifest.runtime.executionProvider);

  const run = async ({ session }: Opened, { data, dims }: Tensor): Promise<Tensors> => {
    const given = await session.run({ [input.name]: new ort.Tensor(data, dims) }, outputs);
    return Object.fromEntries(Object.entries(given).map(([name, tensor]) => [name, fromOrt(name, tensor)]));
  };
  const openOn = async (executionProvider: string): Promise<Opened> => {
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: [executionProvider],
      intraOpNumThreads: options.intraOpThreads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // What it would warn of concerns who made the network.
      logSeverityLevel: 4,
    });
    return { executionProvider, session };
  };
  const openNext = async (): Promise<Opened> => {
    for (let provider = left.shift(); provider !== undefined; provider = left.shift()) {
      let opened: Opened | undefined;
      try {
        opened = await openOn(provider);
        compareNames('inputs', opened.session.inputNames, [input.name]);
        compareNames('outputs', opened.session.outputNames, outputs);
        if (provider !== 'cpu') await tryOut(opened);
        return opened;
      } catch (error) {
        await opened?.session.release();
        if (error instanceof ModelError) throw error;
        refusals.push(`${provider}: ${(error as Error).message}`);
      }
    }
    throw new ModelError(
      'no-provider',
      `No execution provider of those configured took the network. ${refusals.join('; ') || 'None is configured.'}`,
    );
  };
  const tryOut = async (opened: Opened): Promise<void> => {
    const trial = trialInput(input);
    if (trial === undefined) return;
    const answer = await run(opened, trial);
    const reference = await openOn('cpu');
    try {
      const why = whyUnlike(answer, await run(reference, trial));
      if (why !== undefined) throw new Error(`it does not compute what the CPU computes: ${why}`);
    } finally {
      await reference.session.release();
    }
  };

  let opened = await openNext();
  let isProven = false;
  return {
    get executionProvider() {
      return opened.executionProvider;
    },
    refusals,
    version: ort.env.versions.node ?? ort.env.versions.common,
    infer: async (tensor) => {
      for (;;) {
        const at = opened;
        try {
          const answer = await run(at, tensor);
          isProven = true;
          return answer;
        } catch (error) {
          if (error instanceof ModelError) throw error;
          // Somebody else's input may have shown meanwhile that this provider does not work.
          if (at !== opened) continue;
          if (isProven || left.length === 0) throw failed(tensor, error as Error);
          refusals.push(`${at.executionProvider}: ${(error as Error).message}`);
          await at.session.release();
          opened = await openNext();
        }
      }
    },
    release: () => opened.session.release(),
  };
}

/** What the model asks for goes first, where the worker is configured to try it at all. */
function inOrder(configured: readonly string[], asked: string | undefined): string[] {
  if (asked === undefined || !configured.includes(asked)) return [...configured];
  return [asked, ...configured.filter((one) => one !== asked)];
}

function failed({ dims }: Tensor, error: Error): ModelError {
  return new ModelError('invalid-input', `The network failed on its input [${dims.join(', ')}]: ${error.message}`, {
    cause: error,
  });
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
