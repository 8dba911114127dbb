import { fork, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { memoryLimitVariable, outOfMemoryMark, parentVariable, sharedFileVariable } from './messages.js';
import type { Content, WorkerMessage, WorkRequest } from './messages.js';
import { pack, unpack } from './parcel.js';
import { SharedFile } from './shared-file.js';
import { WorkerError } from './worker-error.js';

export interface ChildOptions {
  path: string;
  name: string;
  memoryBytesMax: number;
  environment: Readonly<Record<string, string>>;
  /** Large arrays go through memory that both processes have open: for a process that is at one request at a time. */
  sharesMemory: boolean;
}

/** The answer to a request. */
export type Answer =
  { kind: 'answer'; response: unknown } | { kind: 'failure'; message: string; code: string | undefined };

/** What of its environment a child gets: where things are, never a password, a key or an address. */
const inheritedVariables = [
  'PATH',
  'LD_LIBRARY_PATH',
  'TZ',
  'LANG',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SystemRoot',
  'windir',
  // Which accelerators there are, and their drivers.
  'VK_DRIVER_FILES',
  'VK_ICD_FILENAMES',
  'CUDA_VISIBLE_DEVICES',
  'NVIDIA_VISIBLE_DEVICES',
];

/** How much of what a child last wrote to its standard error an error message quotes. */
const complaintLengthMax = 2000;

/** One worker process: it takes the requests its pool gives it, and ends once. */
export class Child {
  /** Resolves, once, when the process has ended (or could not start), with why. */
  readonly ended: Promise<WorkerError>;
  jobsDone = 0;
  /** Requests it is at. */
  jobsAtWork = 0;
  /** It is at a request that wants no other beside it. */
  isReserved = false;
  /** False once it has done what it may, and ends with what it is at. */
  canTakeMore = true;

  private readonly process: ChildProcess;
  private readonly name: string;
  private readonly memoryBytesMax: number;
  private readonly ready: Promise<void>;
  private complaint = '';
  private killedFor: WorkerError | undefined;
  private readonly waiting = new Map<number, (message: Exclude<WorkerMessage, { kind: 'ready' }>) => void>();
  private readonly shared: SharedFile | undefined;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.memoryBytesMax = options.memoryBytesMax;
    this.shared = options.sharesMemory ? SharedFile.create() : undefined;
    this.process = fork(options.path, [], {
      serialization: 'advanced',
      env: { ...childEnvironment(options), ...(this.shared && { [sharedFileVariable]: '1' }) },
      // Ours would not do: a debugger port, loader or test flag of the parent is not the child's.
      execArgv: [`--max-old-space-size=${Math.max(32, Math.floor(options.memoryBytesMax / 2 ** 20))}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', ...(this.shared ? [this.shared.descriptor] : [])],
    });

    let isReady: () => void;
    this.ready = new Promise((resolve) => (isReady = resolve));
    this.process.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') isReady();
      else this.waiting.get(message.id)?.(message);
    });
    this.process.stderr?.on('data', (text: Buffer) => {
      this.complaint = (this.complaint + text.toString('utf8')).slice(-complaintLengthMax);
    });

    this.ended = new Promise((resolve) => {
      this.process.once('error', (error) => {
        // A channel error after the start is followed by 'close'; a failed start is not.
        if (this.process.pid === undefined) {
          resolve(
            new WorkerError('crashed', `${this.name}: the worker could not start: ${error.message}`, { cause: error }),
          );
        }
      });
      this.process.once('close', (exitCode, signal) => resolve(this.killedFor ?? this.whyEnded(exitCode, signal)));
    });
    void this.ended.then(() => this.shared?.close());
  }

  /** Resolves when the worker module has been loaded; never, when the process ends before. */
  whenReady(): Promise<void> {
    return this.ready;
  }

  /** Sends one request; resolves with its answer, or never, when the process ends before. */
  async ask(id: number, request: unknown): Promise<Answer> {
    const content = await this.contentOf(request);
    const message = await this.send({ id, ...content });
    if (message.kind === 'failure') return message;
    try {
      return { kind: 'answer', response: await this.valueOf(message) };
    } catch (error) {
      const reason = `${this.name}: the worker's answer cannot be read: ${(error as Error).message}`;
      this.kill(new WorkerError('crashed', reason, { cause: error }));
      return new Promise(() => undefined);
    } finally {
      await this.shared?.shrink();
    }
  }

  private send(message: WorkRequest): Promise<Exclude<WorkerMessage, { kind: 'ready' }>> {
    const { id } = message;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (answer) => {
        this.waiting.delete(id);
        resolve(answer);
      });
      this.process.send(message, (error) => {
        // EPIPE and a closed channel mean that the process is ending, and `ended` says why; what is left is a request
        // that cannot be copied.
        if (error && this.process.connected && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error);
      });
    });
  }

  private async contentOf(value: unknown): Promise<Content> {
    if (this.shared === undefined) return { value };
    const { message, arrays } = pack(value);
    if (arrays.length > 0 && !(await this.shared.put(arrays))) return { value };
    return { message, lengths: arrays.map(({ length }) => length) };
  }

  private async valueOf(content: Content): Promise<unknown> {
    if ('value' in content) return content.value;
    if (this.shared === undefined) throw new Error('It names memory that is not shared.');
    return unpack(content.message, await this.shared.take(content.lengths));
  }

  /** Ends the process at once. `ended` resolves with `reason`. */
  kill(reason: WorkerError): void {
    this.killedFor ??= reason;
    this.process.kill('SIGKILL');
  }

  /** While idle, a child does not keep this process alive. */
  setIdle(isIdle: boolean): void {
    const handles = [this.process, this.process.channel, this.process.stderr as Socket | null];
    for (const handle of handles) {
      if (isIdle) handle?.unref();
      else handle?.ref();
    }
  }

  private whyEnded(exitCode: number | null, signal: NodeJS.Signals | null): WorkerError {
    const complaint = this.complaint.trim();
    if (complaint.includes(outOfMemoryMark) || complaint.includes('JavaScript heap out of memory')) {
      return new WorkerError(
        'out-of-memory',
        `${this.name}: the worker went over its memory limit of ${this.memoryBytesMax} bytes and was ended.`,
      );
    }
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${exitCode}`;
    return new WorkerError('crashed', `${this.name}: the worker ${how}${complaint ? `: ${complaint}` : '.'}`);
  }
}

function childEnvironment(options: ChildOptions): Record<string, string> {
  const environment: Record<string, string> = { ...options.environment };
  for (const name of inheritedVariables) {
    const value = process.env[name];
    if (value !== undefined) environment[name] ??= value;
  }
  environment[memoryLimitVariable] = String(options.memoryBytesMax);
  environment[parentVariable] = String(process.pid);
  return environment;
}
