import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { BlobStores, CachedBlobStore, S3BlobStore, type S3SelfTest } from '#libs/blobs';
import { LOGGER, type Logger } from '#libs/telemetry';

/** What a store could not do when it was tried may be a line that broke, or be put right meanwhile: it is tried again. */
const againMilliseconds = 5_000;
const againMillisecondsMax = 300_000;

/**
 * Tries at start what the S3 stores can do, and those that cannot be used again and again. The start does not wait: what
 * lies on the disk is read meanwhile.
 */
@Injectable()
export class TestStores implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** What was found last, by the store's name. */
  readonly results = new Map<string, S3SelfTest & { testedAt: string }>();
  private readonly buckets = new Map<string, S3BlobStore>();
  private readonly testing = new Map<string, Promise<boolean>>();
  /** Those that are tried until they can be used. */
  private readonly watched = new Set<string>();
  private usable: (name: string) => void = () => undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly stores: BlobStores,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    for (const { store, isReadOnly } of this.stores.entries) {
      const bucket = store instanceof CachedBlobStore ? store.behind : store;
      if (!(bucket instanceof S3BlobStore) || isReadOnly === true) continue;
      this.buckets.set(store.name, bucket);
      void this.testUntilUsable(store.name);
    }
  }

  /** @param listener told of each store that could not be used and can be now */
  onUsable(listener: (name: string) => void): void {
    this.usable = listener;
  }

  /** For who saw a store fail: it may have changed since it was tried. What was tried just now is not tried again. */
  async testAgain(name: string): Promise<void> {
    const testedAt = this.results.get(name)?.testedAt;
    if (testedAt === undefined || Date.now() - Date.parse(testedAt) < againMilliseconds) return;
    if (!(await this.test(name))) void this.testUntilUsable(name);
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  private async testUntilUsable(name: string): Promise<void> {
    if (this.watched.has(name)) return;
    this.watched.add(name);
    const { signal } = this.stopping;
    for (let pause = againMilliseconds; !signal.aborted; pause = Math.min(2 * pause, againMillisecondsMax)) {
      if (await this.test(name)) break;
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.watched.delete(name);
  }

  /** @returns whether there is nothing to try again */
  private async test(name: string): Promise<boolean> {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) return true;
    const running = this.testing.get(name) ?? this.testNow(name, bucket).finally(() => this.testing.delete(name));
    this.testing.set(name, running);
    return running;
  }

  private async testNow(name: string, bucket: S3BlobStore): Promise<boolean> {
    try {
      const result = await bucket.selfTest();
      const before = this.results.get(name);
      this.results.set(name, { ...result, testedAt: new Date().toISOString() });
      const off = result.checks
        .filter((check) => check.result !== 'works')
        .map(({ what, detail }) => `${what}: ${detail}`);
      if (!result.isUsable) this.logger.error({ store: name, off }, 'a store failed its self-test');
      else if (off.length > 0) this.logger.warn({ store: name, off }, 'a store does not do all that S3 does');
      else if (before !== undefined) this.logger.info({ store: name }, 'a store passes its self-test now');
      if (result.isUsable && before?.isUsable === false) this.usable(name);
      return result.isUsable && result.checks.every((check) => check.result !== 'could not be tried');
    } catch (error) {
      this.logger.error({ err: error, store: name }, 'a store could not be tested');
      return false;
    }
  }
}
