import { existsSync } from 'node:fs';
import { type Transferable, Worker } from 'node:worker_threads';

const idleMilliseconds = 60_000;

/** Who is told what a thread answers, and when it is gone with all that it was doing. */
interface ThreadListener<Answer> {
  answered(answer: Answer): void;
  lost(error: Error): void;
}

/** A thread that starts with the first message, and ends when it has had nothing to do for a minute. */
export class IdleThread<Message, Answer> {
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private isWaitedFor = false;

  /** @param file beside this one, without its suffix */
  constructor(
    private readonly name: string,
    private readonly file: string,
    private readonly listener: ThreadListener<Answer>,
  ) {}

  /** The process does not end before {@link rest} is called. */
  post(message: Message, transferred: readonly Transferable[] = []): void {
    this.worker ??= this.start();
    if (!this.isWaitedFor) {
      this.isWaitedFor = true;
      clearTimeout(this.idle);
      this.worker.ref();
    }
    this.worker.postMessage(message, transferred);
  }

  /** Nothing is waited for. @param mayEnd whether it may end, too, if that lasts */
  rest(mayEnd: boolean): void {
    this.isWaitedFor = false;
    this.worker?.unref();
    clearTimeout(this.idle);
    if (!mayEnd || this.worker === undefined) return;
    this.idle = setTimeout(() => {
      const worker = this.worker;
      this.worker = undefined;
      void worker?.terminate();
    }, idleMilliseconds).unref();
  }

  private start(): Worker {
    // From the sources, in tests, Node runs the TypeScript itself.
    const compiled = new URL(`./${this.file}.js`, import.meta.url);
    const worker = new Worker(existsSync(compiled) ? compiled : new URL(`./${this.file}.ts`, import.meta.url), {
      name: this.name,
    });
    worker.on('message', (answer: Answer) => this.listener.answered(answer));
    worker.on('error', (error: Error) => this.lose(worker, error));
    worker.on('exit', () => this.lose(worker, new Error(`The thread ${this.name} has ended`)));
    return worker;
  }

  private lose(worker: Worker, error: Error): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    this.isWaitedFor = false;
    this.listener.lost(error);
  }
}
