import { BlobError } from './blob-error.js';
import type { BlobStore } from './blob-store.js';

export type TierName = 'hot' | 'warm' | 'cold';

/** The stores of this process: which one serves a tier, and which one a location names. */
export class BlobStores {
  private readonly byName: ReadonlyMap<string, BlobStore>;

  constructor(private readonly byTier: Readonly<Partial<Record<TierName, BlobStore>>> & { readonly hot: BlobStore }) {
    this.byName = new Map(Object.values(byTier).map((store) => [store.name, store]));
  }

  /** Where new packs go. */
  get hot(): BlobStore {
    return this.byTier.hot;
  }

  /** The tiers that have a store, nearest first. */
  get tiers(): TierName[] {
    return (['hot', 'warm', 'cold'] as const).filter((tier) => this.byTier[tier] !== undefined);
  }

  ofTier(tier: TierName): BlobStore | undefined {
    return this.byTier[tier];
  }

  /** @throws BlobError 'blob-unavailable' when the configuration no longer has the store a location names */
  named(name: string): BlobStore {
    const store = this.byName.get(name);
    if (store === undefined)
      throw new BlobError('blob-unavailable', `The store ${name} is not configured in this process`);
    return store;
  }

  get all(): BlobStore[] {
    return [...this.byName.values()];
  }
}
