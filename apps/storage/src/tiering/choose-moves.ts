/** Nearest to the reader first. */
export const tiers = ['hot', 'warm', 'cold'] as const;
export type Tier = (typeof tiers)[number];

/** What decides where a pack belongs. */
export interface PackFacts {
  packId: string;
  tier: Tier;
  /** Days since the last instance of any study in the pack arrived. */
  ageDays: number;
  /** Somebody still has to read a study in it, or a model to analyse it. */
  isAwaited: boolean;
}

export interface TieringPolicy {
  warmAfterDays: number;
  coldAfterDays: number;
  /** Tiers that have a store; without a warm or cold one nothing moves there. */
  available: readonly Tier[];
}

export interface Move {
  packId: string;
  from: Tier;
  to: Tier;
}

/**
 * Says which packs belong on another tier: by age, down only, and never while somebody waits for them. A tier without a
 * store is passed over: what would be cold stays warm, what would be warm stays hot.
 */
export function chooseMoves(packs: readonly PackFacts[], policy: TieringPolicy): Move[] {
  return packs.flatMap(({ packId, tier, ageDays, isAwaited }) => {
    if (isAwaited) return [];
    const wanted = nearestAvailable(wantedTier(ageDays, policy), policy.available);
    return tiers.indexOf(wanted) > tiers.indexOf(tier) ? [{ packId, from: tier, to: wanted }] : [];
  });
}

function wantedTier(ageDays: number, { warmAfterDays, coldAfterDays }: TieringPolicy): Tier {
  if (ageDays >= coldAfterDays) return 'cold';
  return ageDays >= warmAfterDays ? 'warm' : 'hot';
}

function nearestAvailable(wanted: Tier, available: readonly Tier[]): Tier {
  for (let index = tiers.indexOf(wanted); index > 0; index -= 1) {
    if (available.includes(tiers[index]!)) return tiers[index]!;
  }
  return 'hot';
}
