import { Worker } from 'node:worker_threads';
import type { Model } from '../models/model.js';
import { isModelErrorCode, ModelError } from '../models/model-error.js';
import type { Tensor, Tensors } from '../pipelines/tensor.js';
import type { Network, NetworkOptions, Networks } from './networks.js';
import {
  buffersOf,
  type ErrorAsSent,
  type NetworkAnswer,
  type NetworkDescription,
  type NetworkRequest,
} from './networks-messages.js';

interface Run {
  tensor: Tensor;
  resolve: (answer: { outputs: Tensors; description: NetworkDescription }) => void;
  reject: (error: Error) => void;
}

interface Opening {
  resolve: (description: NetworkDescription) => void;
  reject: (error: Error) => void;
}

/** Networks on a thread of their own: while one runs, this thread makes the next batches ready and concludes from those before. */
export class ThreadNetworks implements Networks {
  private thread: Worker | undefined;
  private readonly openings = new Map<number, Opening>();
  private readonly runs = new Map<number, Run>();
  private last = 0;

  async use<T>(model: Model, options: NetworkOptions, work: (network: Network) => Promise<T>): Promise<T> {
    const use = ++this.last;
    let description = await new Promise<NetworkDescription>((resolve, reject) => {
      this.openings.set(use, { resolve, reject });
      this.send({ kind: 'open', use, model, options });
    });
    try {
      return await work({
        describe: () => description,
        run: async (input, urgency) => {
          const answer = await this.run(use, input, urgency);
          description = answer.description;
          return answer.outputs;
        },
      });
    } finally {
      this.send({ kind: 'close', use });
    }
  }

  /** The tensor's memory goes to the thread and comes back: meanwhile it has no elements here. */
  private run(
    use: number,
    input: Tensor,
    urgency: number,
  ): Promise<{ outputs: Tensors; description: NetworkDescription }> {
    return new Promise((resolve, reject) => {
      const run = ++this.last;
      this.runs.set(run, { tensor: input, resolve, reject });
      this.send({ kind: 'run', use, run, input, urgency }, buffersOf([input]));
    });
  }

  private send(request: NetworkRequest, buffers: ArrayBuffer[] = []): void {
    this.thread ??= this.start();
    this.thread.postMessage(request, buffers);
  }

  private start(): Worker {
    const thread = new Worker(new URL('./network-thread.js', import.meta.url));
    thread.on('message', (answer: NetworkAnswer) => this.take(answer));
    thread.once('error', (error) => this.end(thread, error));
    thread.once('exit', () => this.end(thread, new Error('The thread that runs networks ended')));
    return thread;
  }

  private take(answer: NetworkAnswer): void {
    if (answer.kind === 'opened' || answer.kind === 'not-opened') {
      const opening = this.openings.get(answer.use);
      this.openings.delete(answer.use);
      if (answer.kind === 'opened') opening?.resolve(answer.description);
      else opening?.reject(asThrown(answer.error));
      return;
    }
    const run = this.runs.get(answer.run);
    this.runs.delete(answer.run);
    if (!run) return;
    run.tensor.data = answer.input.data;
    if (answer.kind === 'answer') run.resolve(answer);
    else run.reject(asThrown(answer.error));
  }

  /** What it was at fails; the next use starts another. */
  private end(thread: Worker, error: Error): void {
    if (this.thread !== thread) return;
    this.thread = undefined;
    for (const { reject } of [...this.openings.values(), ...this.runs.values()]) reject(error);
    this.openings.clear();
    this.runs.clear();
  }
}

function asThrown({ message, code }: ErrorAsSent): Error {
  return isModelErrorCode(code) ? new ModelError(code, message) : new Error(message);
}
