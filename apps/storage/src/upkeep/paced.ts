import { setTimeout as sleep } from 'node:timers/promises';

const sliceMilliseconds = 100;

/** Lets no more than so many bytes a second pass: call `take` with what was read, and wait for it. */
export class Pace {
  private allowance: number;
  private at = performance.now();

  constructor(private readonly bytesPerSecond: number) {
    this.allowance = (bytesPerSecond * sliceMilliseconds) / 1_000;
  }

  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now();
    const most = (this.bytesPerSecond * sliceMilliseconds) / 1_000;
    this.allowance = Math.min(most, this.allowance + ((now - this.at) * this.bytesPerSecond) / 1_000) - bytes;
    this.at = now;
    if (this.allowance >= 0) return;
    await sleep((-this.allowance / this.bytesPerSecond) * 1_000, undefined, signal === undefined ? {} : { signal });
  }
}
