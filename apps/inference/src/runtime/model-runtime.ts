import { WorkerError, WorkerPool } from '#libs/workers';
import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { ModelError, isModelErrorCode } from '../models/model-error.js';
import type { SessionOptions } from './open-session.js';

export interface ModelRuntimeOptions extends SessionOptions {
  /** Child processes, each of which runs one study at a time. */
  processes: number;
  /** For one study, decoding included. */
  timeoutMilliseconds: number;
  /** Of one child process, everything counted. */
  memoryBytesMax: number;
}

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

  constructor({ processes, timeoutMilliseconds, memoryBytesMax, executionProviders, intraOpThreads }: ModelRuntimeOptions) {
    this.options = { executionProviders, intraOpThreads };
    this.pool = new WorkerPool({
      module: new URL('./inference-worker.js', import.meta.url),
      name: 'inference',
      size: processes,
      timeoutMilliseconds,
      memoryBytesMax,
    });
  }

  /**
   * @throws ModelError when the model or its input is at fault: trying again gives the same.
   * @throws WorkerError (crashed, timed-out, out-of-memory, overloaded, closed) when the process is.
   */
  async run(model: Model, task: FetchedInput): Promise<ModelOutput> {
    try {
      return await this.pool.run({ model, task, options: this.options });
    } catch (error) {
      if (error instanceof WorkerError && error.code === 'failed' && isModelErrorCode(error.remoteCode)) {
        throw new ModelError(error.remoteCode, error.message, { cause: error });
      }
      throw error;
    }
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}
