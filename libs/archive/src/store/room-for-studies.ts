import { BlobError, type BlobStores } from '#libs/blobs';
import type { Config } from '#libs/config';
import { type DataSource, query } from '#libs/database';

const lookEveryMilliseconds = 1_000;
const countEveryMilliseconds = 30_000;
/** Of a file system: on a small one the reserve would be all of it. */
const reserveShareMax = 0.02;

/**
 * Whether there is room to take in more: on the file systems of the hot stores, and under the quota. Looked at once a
 * second at most. What is refused here was not begun; who stores runs into no full disk half way.
 */
export class RoomForStudies {
  private lookedAt = -Infinity;
  private countedAt = -Infinity;
  private bytesUsed = 0;
  private refusal: string | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly config: Pick<Config, 'spaceReserveBytes' | 'hotQuotaBytes'>,
    private readonly stores: BlobStores,
    private readonly dataSource: DataSource,
  ) {}

  /** @throws BlobError 'blob-no-space' that says what is used up, and what to do */
  async require(): Promise<void> {
    if (performance.now() - this.lookedAt >= lookEveryMilliseconds) {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
      await this.looking;
    }
    if (this.refusal !== undefined) throw new BlobError('blob-no-space', this.refusal);
  }

  /** So many bytes more are there: the quota counts what this process takes in at once, and what others do later. */
  took(bytes: number): void {
    this.bytesUsed += bytes;
  }

  private async look(): Promise<void> {
    const reasons: string[] = [];
    const full: string[] = [];
    const hot = this.stores.writable('hot');
    for (const { store } of hot) {
      // A store that cannot be asked says so when it is written to.
      const space = await store.space?.().catch(() => undefined);
      if (space === undefined) continue;
      const reserve = Math.min(this.config.spaceReserveBytes, space.bytesTotal * reserveShareMax);
      if (space.bytesFree >= reserve) continue;
      full.push(store.name);
      reasons.push(
        `store ${store.name} has ${space.bytesFree} bytes left, and keeps ${Math.round(reserve)} in reserve`,
      );
    }
    this.stores.markFull(full);
    this.refusal =
      full.length === hot.length
        ? `Nothing more can be stored: ${reasons.join('; ')}. Free space, or move studies to another tier`
        : await this.overQuota();
    this.lookedAt = performance.now();
  }

  private async overQuota(): Promise<string | undefined> {
    const { hotQuotaBytes } = this.config;
    if (hotQuotaBytes === undefined) return undefined;
    // While it is over, each look counts: what was moved or deleted makes room at once.
    if (performance.now() - this.countedAt >= countEveryMilliseconds || this.bytesUsed >= hotQuotaBytes) {
      const [row] = await query<{ bytes: number }>(
        this.dataSource,
        `select coalesce(sum(p.bytes), 0)::bigint as bytes from location l join pack p using (pack_id)
          where l.tier = 'hot'`,
      );
      this.bytesUsed = row!.bytes;
      this.countedAt = performance.now();
    }
    if (this.bytesUsed < hotQuotaBytes) return undefined;
    return `Nothing more can be stored: the hot tier holds ${this.bytesUsed} bytes, and its quota is ${hotQuotaBytes}. Move studies to another tier, delete some, or raise ISOCENTER_HOT_QUOTA_BYTES`;
  }
}
