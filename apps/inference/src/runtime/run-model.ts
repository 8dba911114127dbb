import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { runPipeline } from '../pipelines/run-pipeline.js';
import { makeObjects } from '../results/make-objects.js';
import { LocalNetworks, type NetworkOptions, type Networks } from './networks.js';

export type RunOptions = NetworkOptions;

export interface RunReport {
  output: ModelOutput;
  /** Providers that were tried before the one that was used, and why they were left. */
  refusals: readonly string[];
}

/** Of this process. */
const local = new LocalNetworks();

/**
 * Runs a model on one fetched study, in this process. Several may be under way: their batches meet at the device.
 *
 * @param urgency Greater goes first: 2 for HIGH.
 * @throws ModelError of any code.
 */
export async function runModel(
  model: Model,
  task: FetchedInput,
  options: RunOptions,
  urgency = 0,
): Promise<ModelOutput> {
  return (await reportRun(model, task, options, urgency)).output;
}

/** {@link runModel} with what else there is to tell of it. @param networks where they run */
export async function reportRun(
  model: Model,
  task: FetchedInput,
  options: RunOptions,
  urgency: number,
  networks: Networks = local,
): Promise<RunReport> {
  const startedAt = new Date().toISOString();
  return networks.use(model, options, async (network) => {
    const result = await runPipeline(
      model.manifest,
      task,
      (input) => network.run(input, urgency),
      network.describe().itemsAtOnce,
    );
    const { version, executionProvider, refusals } = network.describe();
    const finished = {
      runtime: { name: 'onnxruntime-node', version, executionProvider },
      startedAt,
      finishedAt: new Date().toISOString(),
    } as const;
    const output = { ...result.conclusion, ...(await makeObjects(model, task, result, finished)), ...finished };
    return { output, refusals };
  });
}
