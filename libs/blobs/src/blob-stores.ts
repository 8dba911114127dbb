import { BlobError } from './blob-error.js';
import type { BlobStore } from './blob-store.js';

export type TierName = 'hot' | 'warm' | 'cold';
const tierNames = ['hot', 'warm', 'cold'] as const;

/** In one currency of the operator's. */
export interface Prices {
  gbMonth: number;
  thousandWrites: number;
  thousandReads: number;
  gbRead: number;
}

/** A store and its part in the installation. */
export interface StoreEntry {
  tier: TierName;
  store: BlobStore;
  /** What is there is read, and nothing new goes there. */
  isReadOnly?: boolean;
  /** No more than so much goes there. */
  bytesMax?: number;
  prices?: Prices;
}

/** The stores of this process: which ones serve a tier, and which one a location names. */
export class BlobStores {
  private readonly byName: ReadonlyMap<string, StoreEntry>;
  /** Stores that had no room when they were last looked at. */
  private full: ReadonlySet<string> = new Set();

  constructor(stores: readonly StoreEntry[] | Readonly<Partial<Record<TierName, BlobStore>>>) {
    const entries = isList(stores)
      ? stores
      : tierNames.flatMap((tier) => (stores[tier] === undefined ? [] : [{ tier, store: stores[tier] }]));
    this.byName = new Map(entries.map((entry) => [entry.store.name, entry]));
    if (this.writable('hot').length === 0) throw new Error('No store of the tier hot takes new packs');
  }

  /** Where new packs go: the first hot store that takes any and has room. */
  get hot(): BlobStore {
    return this.ofTier('hot')!;
  }

  /** The tiers that something can be moved to, nearest first. */
  get tiers(): TierName[] {
    return tierNames.filter((tier) => this.writable(tier).length > 0);
  }

  /** The first store of a tier that takes new packs, one with room before one without; undefined when there is none. */
  ofTier(tier: TierName): BlobStore | undefined {
    const writable = this.writable(tier);
    return (writable.find(({ store }) => !this.full.has(store.name)) ?? writable[0])?.store;
  }

  /** The stores of a tier that take new packs. */
  writable(tier: TierName): StoreEntry[] {
    return this.entries.filter((entry) => entry.tier === tier && entry.isReadOnly !== true);
  }

  /** What was found out about their room: {@link ofTier} goes by it from now on. @param names of stores that have none */
  markFull(names: Iterable<string>): void {
    this.full = new Set(names);
  }

  isFull(name: string): boolean {
    return this.full.has(name);
  }

  /** @throws BlobError 'blob-unavailable' when the configuration no longer has the store a location names */
  named(name: string): BlobStore {
    const entry = this.byName.get(name);
    if (entry === undefined)
      throw new BlobError('blob-unavailable', `The store ${name} is not configured in this process`);
    return entry.store;
  }

  get entries(): StoreEntry[] {
    return [...this.byName.values()];
  }

  get all(): BlobStore[] {
    return this.entries.map(({ store }) => store);
  }
}

function isList(stores: readonly StoreEntry[] | object): stores is readonly StoreEntry[] {
  return Array.isArray(stores);
}
