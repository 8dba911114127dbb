import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { runPipeline } from '../pipelines/run-pipeline.js';
import { makeObjects } from '../results/make-objects.js';
import { Device, type DeviceOptions } from './device.js';
import type { SessionOptions } from './open-session.js';
import { ResidentNetworks } from './resident-networks.js';

export interface RunOptions extends SessionOptions, Partial<DeviceOptions> {
  /** Of all networks open in one process. */
  modelBytesMax?: number;
}

export interface RunReport {
  output: ModelOutput;
  /** Providers that were tried before the one that was used, and why they were left. */
  refusals: readonly string[];
}

const usual = { runsAtOnce: 1, batchItemsMax: 8, batchWaitMilliseconds: 5 };
export const modelBytesUsual = 2 * 1024 ** 3;

/** What a process has, whatever it is asked: by the first request's options. */
let residents: ResidentNetworks | undefined;
const devices = new Map<string, Device>();

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

/** {@link runModel} with what else there is to tell of it. */
export async function reportRun(
  model: Model,
  task: FetchedInput,
  options: RunOptions,
  urgency: number,
): Promise<RunReport> {
  const startedAt = new Date().toISOString();
  residents ??= new ResidentNetworks(options.modelBytesMax ?? modelBytesUsual);
  return residents.use(model, options, async (resident) => {
    const { session } = resident;
    const result = await runPipeline(model.manifest, task, (input) =>
      deviceOf(session.executionProvider, options).run(resident, input, urgency),
    );
    const finished = {
      runtime: { name: 'onnxruntime-node', version: session.version, executionProvider: session.executionProvider },
      startedAt,
      finishedAt: new Date().toISOString(),
    } as const;
    const output = { ...result.conclusion, ...(await makeObjects(model, task, result, finished)), ...finished };
    return { output, refusals: [...session.refusals] };
  });
}

/** The CPU and an accelerator work side by side; two networks on one of them after each other. */
function deviceOf(executionProvider: string, options: RunOptions): Device {
  const name = executionProvider === 'cpu' ? 'cpu' : 'accelerator';
  let device = devices.get(name);
  if (!device) {
    const { runsAtOnce, batchItemsMax, batchWaitMilliseconds } = { ...usual, ...options };
    device = new Device({ runsAtOnce, batchItemsMax, batchWaitMilliseconds });
    devices.set(name, device);
  }
  return device;
}
