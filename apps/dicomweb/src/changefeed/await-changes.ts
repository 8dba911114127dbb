import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { DATABASE_URL, Listener } from '#libs/database';

/** Requests that wait at a time; more are answered at once. */
const waitingMax = 200;
/** Notices come with the commit; while the listener's connection is away they do not. */
const lookAgainMilliseconds = 5_000;

/** Lets readers of the change feed wait for what comes next. Whatever changes an instance tells the worklist's channel. */
@Injectable()
export class AwaitChanges implements BeforeApplicationShutdown {
  private readonly waiting = new Set<() => void>();
  private readonly listener: Listener;
  private listening: Promise<void> | undefined;
  private isClosed = false;

  constructor(@Inject(DATABASE_URL) url: string) {
    const wake = () => this.wake();
    this.listener = new Listener(url, 'worklist', wake, wake);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    this.wake();
    await this.listener.close();
  }

  /** Whether one more may wait. */
  get hasRoom(): boolean {
    return !this.isClosed && this.waiting.size < waitingMax;
  }

  /** Resolves when there may be something new; at the latest when it is time to look anyway, or at the signal. */
  async next(signal: AbortSignal): Promise<void> {
    this.listening ??= this.listener.start();
    await this.listening;
    if (signal.aborted || this.isClosed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, lookAgainMilliseconds);
      signal.addEventListener('abort', done);
      this.waiting.add(done);
    });
  }

  private wake(): void {
    for (const done of this.waiting) done();
  }
}
