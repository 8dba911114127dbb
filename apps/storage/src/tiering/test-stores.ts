import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { BlobStores, CachedBlobStore, S3BlobStore, type S3SelfTest } from '#libs/blobs';
import { LOGGER, type Logger } from '#libs/telemetry';

/** Tries at start what the S3 stores can do. The start does not wait: what lies on the disk is read meanwhile. */
@Injectable()
export class TestStores implements OnApplicationBootstrap {
  /** What was found, by the store's name. */
  readonly results = new Map<string, S3SelfTest & { testedAt: string }>();

  constructor(
    private readonly stores: BlobStores,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    void this.test();
  }

  async test(): Promise<void> {
    for (const { store, isReadOnly } of this.stores.entries) {
      const bucket = store instanceof CachedBlobStore ? store.behind : store;
      if (!(bucket instanceof S3BlobStore) || isReadOnly === true) continue;
      try {
        const result = await bucket.selfTest();
        this.results.set(store.name, { ...result, testedAt: new Date().toISOString() });
        const failed = result.checks.filter((check) => check.result !== 'works');
        const off = failed.map(({ what, detail }) => `${what}: ${detail}`);
        if (!result.isUsable) this.logger.error({ store: store.name, off }, 'a store failed its self-test');
        else if (off.length > 0) this.logger.warn({ store: store.name, off }, 'a store does not do all that S3 does');
      } catch (error) {
        this.logger.error({ err: error, store: store.name }, 'a store could not be tested');
      }
    }
  }
}
