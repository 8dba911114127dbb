import { ImageError } from './image-error.js';

/** Lets a few at a time through, in the order they came, and turns away who would wait behind too many. */
export class Turnstile {
  private free: number;
  private isClosed = false;
  private readonly waiting: { pass: () => void; refuse: (error: ImageError) => void }[] = [];

  constructor(
    atOnce: number,
    private readonly queueLengthMax: number,
  ) {
    this.free = atOnce;
  }

  /** @throws ImageError overloaded, closed; or what the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next.pass();
    }
  }

  /** Who waits, or comes later, fails as closed. */
  close(): void {
    this.isClosed = true;
    for (const { refuse } of this.waiting.splice(0)) refuse(closedError());
  }

  private enter(): Promise<void> {
    if (this.isClosed) return Promise.reject(closedError());
    if (this.free > 0) {
      this.free -= 1;
      return Promise.resolve();
    }
    if (this.waiting.length >= this.queueLengthMax) {
      const message = `${this.waiting.length} pictures wait already; try again later.`;
      return Promise.reject(new ImageError('overloaded', message));
    }
    return new Promise((pass, refuse) => this.waiting.push({ pass, refuse }));
  }
}

const closedError = () => new ImageError('closed', 'The image service is closed.');
