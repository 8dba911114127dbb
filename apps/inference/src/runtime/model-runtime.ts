import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { WorkerError, WorkerPool } from '#libs/workers';
import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { isModelErrorCode, ModelError } from '../models/model-error.js';
import type { SessionOptions } from './open-session.js';

export interface ModelRuntimeOptions {
  /** In the order tried, e.g. ['tensorrt', 'cuda', 'webgpu', 'cpu']; the first that works is used and reported. */
  executionProviders: readonly string[];
  /** Child processes, each of which runs one study at a time. */
  inferenceWorkers: number;
  /** For one study, decoding included. */
  timeoutMilliseconds?: number;
  /** Of one child process, everything counted. */
  memoryBytesMax?: number;
  /** Threads one operator of a network may use; by default half the processors, shared among the children. */
  intraOpThreads?: number;
}

const timeoutDefault = 15 * 60 * 1000;
/** A chest CT takes 0.3 GB, a slide 0.5 GB; the rest is room for larger networks. */
const memoryDefault = 4 * 1024 ** 3;

/** What a child process is asked. */
export interface InferenceRequest {
  model: Model;
  task: FetchedInput;
  options: SessionOptions;
}

/** Runs models in child processes: one that crashes, hangs or swells fails the study it was at and nothing else. */
export class ModelRuntime {
  private readonly pool: WorkerPool<InferenceRequest, ModelOutput>;
  private readonly options: SessionOptions;

  constructor(options: ModelRuntimeOptions) {
    const share = Math.max(1, Math.floor(availableParallelism() / 2 / options.inferenceWorkers));
    this.options = {
      executionProviders: [...options.executionProviders],
      intraOpThreads: options.intraOpThreads ?? share,
    };
    this.pool = new WorkerPool({
      module: new URL('./inference-worker.js', import.meta.url),
      name: 'inference',
      size: options.inferenceWorkers,
      timeoutMilliseconds: options.timeoutMilliseconds ?? timeoutDefault,
      memoryBytesMax: options.memoryBytesMax ?? memoryDefault,
    });
  }

  /**
   * @param signal Ends the wait. The child finishes what it is at, or meets its time limit; its answer is dropped.
   * @throws ModelError when the model or its input is at fault: trying again gives the same.
   * @throws WorkerError (crashed, timed-out, out-of-memory, overloaded, closed) when the process is.
   */
  async run(model: Model, task: FetchedInput, signal?: AbortSignal): Promise<ModelOutput> {
    signal?.throwIfAborted();
    try {
      return await untilAborted(this.pool.run({ model, task, options: this.options }), signal);
    } catch (error) {
      if (error instanceof WorkerError && error.code === 'failed' && isModelErrorCode(error.remoteCode)) {
        throw new ModelError(error.remoteCode, error.message, { cause: error });
      }
      throw error;
    }
  }

  /** What would run a network, for a result that needed none (an unsuitable study). */
  describe(): ModelOutput['runtime'] {
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
    return { name: 'onnxruntime-node', version, executionProvider: 'none' };
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  /** Nest calls it when the application ends. */
  onModuleDestroy(): Promise<void> {
    return this.close();
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
