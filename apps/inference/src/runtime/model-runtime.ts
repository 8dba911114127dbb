import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { WorkerError, WorkerPool } from '#libs/workers';
import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { isModelErrorCode, ModelError } from '../models/model-error.js';
import { modelBytesUsual } from './networks.js';
import type { RunOptions, RunReport } from './run-model.js';
import { type Priority, urgencyOf } from './urgency.js';

export interface ModelRuntimeOptions {
  /** In the order tried, e.g. ['tensorrt', 'cuda', 'webgpu', 'cpu']; the first that works is used and reported. */
  executionProviders: readonly string[];
  /** Child processes; on one accelerator, as many batches run at once. */
  inferenceWorkers: number;
  /** Studies one child is at: while one is at the device, others are made ready or concluded. */
  studiesPerWorker?: number;
  /** For one study, decoding included; model.json may say less. */
  timeoutMilliseconds?: number;
  /** Of one child process, everything counted. */
  memoryBytesMax?: number;
  /** Of the networks open in one child. */
  modelMemoryBytes?: number;
  /** Items of a batch, of however many studies. */
  batchItems?: number;
  /** A child without work for so long ends, and gives its memory back. */
  inferenceIdleMinutes?: number;
  /** Threads one operator of a network may use; by default half the processors, shared among the children. */
  intraOpThreads?: number;
}

const timeoutDefault = 15 * 60 * 1000;
/** A chest CT takes 0.3 GB, a slide 0.5 GB; the rest is room for larger networks. */
const memoryDefault = 4 * 1024 ** 3;
const studiesDefault = 3;

/** What a child process is asked. */
export interface InferenceRequest {
  model: Model;
  /** undefined: be ready for the first. */
  task: FetchedInput | undefined;
  options: RunOptions;
  urgency: number;
}

/** What ran a model last. */
export interface ProviderReport {
  model: string;
  executionProvider: string;
  /** Tried before, and why it was left. */
  refusals: readonly string[];
}

/** Runs models in child processes: one that crashes, hangs or swells fails the study it was at and nothing else. */
export class ModelRuntime {
  private readonly pool: WorkerPool<InferenceRequest, RunReport | undefined>;
  private readonly options: RunOptions;
  private readonly providers = new Map<string, ProviderReport>();

  constructor(options: ModelRuntimeOptions) {
    const share = Math.max(1, Math.floor(availableParallelism() / 2 / options.inferenceWorkers));
    const modelBytesMax = options.modelMemoryBytes ?? modelBytesUsual;
    this.options = {
      executionProviders: [...options.executionProviders],
      intraOpThreads: options.intraOpThreads ?? share,
      modelBytesMax,
      ...(options.batchItems !== undefined && { batchItemsMax: options.batchItems }),
    };
    this.pool = new WorkerPool({
      module: new URL('./inference-worker.js', import.meta.url),
      name: 'inference',
      size: options.inferenceWorkers,
      requestsPerProcess: options.studiesPerWorker ?? studiesDefault,
      timeoutMilliseconds: options.timeoutMilliseconds ?? timeoutDefault,
      // Networks that stay open leave the studies what they had.
      memoryBytesMax: options.memoryBytesMax ?? memoryDefault + Math.max(0, modelBytesMax - modelBytesUsual),
      ...(options.inferenceIdleMinutes !== undefined && {
        idleMillisecondsMax: Math.round(options.inferenceIdleMinutes * 60_000),
      }),
    });
  }

  /**
   * @param signal Ends the wait. The child finishes what it is at, or meets its time limit; its answer is dropped.
   * @throws ModelError when the model or its input is at fault: trying again gives the same.
   * @throws WorkerError (crashed, timed-out, out-of-memory, overloaded, closed) when the process is.
   */
  async run(model: Model, task: FetchedInput, signal?: AbortSignal, priority: Priority = 'LOW'): Promise<ModelOutput> {
    signal?.throwIfAborted();
    try {
      const { output, refusals } = await untilAborted(this.ask(model, task, urgencyOf[priority], signal), signal);
      const { executionProvider } = output.runtime;
      const name = `${model.id} ${model.version}`;
      this.providers.set(name, { model: name, executionProvider, refusals });
      return output;
    } catch (error) {
      if (error instanceof WorkerError && error.code === 'failed' && isModelErrorCode(error.remoteCode)) {
        throw new ModelError(error.remoteCode, error.message, { cause: error });
      }
      throw error;
    }
  }

  /**
   * Starts a child, where none is, and has the network opened and run once, so that the first study need not wait for that.
   *
   * @throws ModelError, WorkerError: of no study
   */
  async warmUp(model: Model): Promise<void> {
    await this.pool.run({ model, task: undefined, options: this.options, urgency: 0 });
  }

  /** What would run a network, for a result that needed none (an unsuitable study). */
  describe(): ModelOutput['runtime'] {
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
    return { name: 'onnxruntime-node', version, executionProvider: 'none' };
  }

  /** Which provider ran which model last, for those that ran since the start. */
  used(): ProviderReport[] {
    return [...this.providers.values()];
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  /** Nest calls it when the application ends. */
  onModuleDestroy(): Promise<void> {
    return this.close();
  }

  /** A process that ended took every study along that it was at: each has another try with nobody beside it. */
  private async ask(model: Model, task: FetchedInput, urgency: number, signal?: AbortSignal): Promise<RunReport> {
    const request = { model, task, options: this.options, urgency };
    const { secondsMax } = model.manifest.runtime;
    const limits = { urgency, timeoutMilliseconds: secondsMax === undefined ? undefined : secondsMax * 1000 };
    try {
      return (await this.pool.run(request, limits))!;
    } catch (error) {
      if (!(error instanceof WorkerError) || error.companions === 0) throw error;
      signal?.throwIfAborted();
      return (await this.pool.run(request, { ...limits, alone: true }))!;
    }
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
