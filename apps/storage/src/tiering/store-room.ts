import { Injectable } from '@nestjs/common';
import { BlobError, type BlobStore, BlobStores, type StoreEntry } from '#libs/blobs';
import { DataSource, query } from '#libs/database';
import { StorageError } from '../storage-error.js';
import { TestStores } from './test-stores.js';
import type { Tier } from './tiers.js';

const freeShareMin = 0.02;
/** When what waits for a store is tried again. */
export const putOffSeconds = 30;

/** Why a store takes nothing now. */
export interface Refusal {
  store: string;
  why: 'full' | 'read-only' | 'unusable';
  /** The same in words. */
  reason: string;
}

/** What is to go to the tier waits until one of its stores takes something again. */
export class TierTakesNothing extends StorageError {
  constructor(
    tier: Tier,
    readonly refusals: readonly Refusal[],
  ) {
    const reasons = refusals.map(({ store, reason }) => `${store} ${reason}`).join('; ');
    super('tier-takes-nothing', `The tier ${tier} takes nothing now: ${reasons}`);
  }

  /** Room is what is lacking. */
  get isFull(): boolean {
    const reasons = this.refusals.map(({ why }) => why);
    return reasons.includes('full') && !reasons.includes('unusable');
  }
}

/** Says into which store of a tier a pack goes: of those that work and have room, the one that holds the least. */
@Injectable()
export class StoreRoom {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly tests: TestStores,
  ) {}

  /** @throws StorageError 'tier-without-store'; TierTakesNothing */
  async choose(tier: Tier): Promise<BlobStore> {
    const entries = this.stores.entries.filter((entry) => entry.tier === tier);
    if (entries.length === 0) {
      throw new StorageError('tier-without-store', `No store is configured for the tier ${tier}`);
    }
    const used = await this.usedBytes();
    const usable: StoreEntry[] = [];
    const refusals: Refusal[] = [];
    for (const entry of entries) {
      const refusal = await this.refusal(entry, used.get(entry.store.name) ?? 0);
      if (refusal === undefined) usable.push(entry);
      else refusals.push({ store: entry.store.name, ...refusal });
    }
    const [best] = usable.sort((a, b) => share(a, used) - share(b, used));
    if (best === undefined) throw new TierTakesNothing(tier, refusals);
    return best.store;
  }

  /** Why nothing goes to the tier now; undefined where something does. */
  async whyNot(tier: Tier): Promise<StorageError | undefined> {
    try {
      await this.choose(tier);
      return undefined;
    } catch (error) {
      if (error instanceof StorageError) return error;
      throw error;
    }
  }

  /** The same of a tier that something could not be written to: its buckets are tried again first, if they were not just now. */
  async whyNotNow(tier: Tier): Promise<StorageError | undefined> {
    await Promise.all(this.stores.writable(tier).map(({ store }) => this.tests.testAgain(store.name)));
    return this.whyNot(tier);
  }

  /**
   * Why something failed that is tried again later, without using up a try: the tier it goes to takes nothing now, or no store
   * works of one that it is read from. Undefined where these are not in the way.
   */
  async whyPutOff(error: unknown, to: Tier, from: readonly Tier[] = []): Promise<string | undefined> {
    if (error instanceof TierTakesNothing) return error.message;
    if (!(error instanceof BlobError)) return undefined;
    for (const tier of new Set([to, ...from])) {
      const reason = await this.whyNotNow(tier);
      if (!(reason instanceof TierTakesNothing)) continue;
      if (tier === to || reason.refusals.every(({ why }) => why === 'unusable')) return reason.message;
    }
    return undefined;
  }

  async usedBytes(): Promise<Map<string, number>> {
    const rows = await query<{ store: string; bytes: number }>(
      this.dataSource,
      `select l.store, sum(p.bytes)::bigint as bytes from location l join pack p using (pack_id) group by l.store`,
    );
    return new Map(rows.map(({ store, bytes }) => [store, bytes]));
  }

  private async refusal(
    { store, bytesMax, isReadOnly }: StoreEntry,
    used: number,
  ): Promise<Omit<Refusal, 'store'> | undefined> {
    if (isReadOnly === true) return { why: 'read-only', reason: 'is read-only' };
    if (bytesMax !== undefined && used >= bytesMax) return { why: 'full', reason: `holds its ${bytesMax} bytes` };
    let space: Awaited<ReturnType<NonNullable<BlobStore['space']>>> | undefined;
    try {
      space = await store.space?.();
    } catch (error) {
      return { why: 'unusable', reason: `does not work: ${(error as Error).message}` };
    }
    if (space !== undefined && space.bytesFree < space.bytesTotal * freeShareMin) {
      return { why: 'full', reason: `has ${space.bytesFree} bytes left` };
    }
    const test = this.tests.results.get(store.name);
    if (test === undefined || test.isUsable) return undefined;
    const failed = test.checks
      .filter(({ isNeeded, result }) => isNeeded && result !== 'works')
      .map(({ what, detail }) => `${what}: ${detail}`);
    return { why: 'unusable', reason: `did not pass its self-test (${failed.join(', ')})` };
  }
}

/** How much of what it may hold it does; without an end, by bytes alone. */
function share({ store, bytesMax }: StoreEntry, used: Map<string, number>): number {
  const bytes = used.get(store.name) ?? 0;
  return bytesMax === undefined ? bytes / 1e18 : bytes / bytesMax;
}
