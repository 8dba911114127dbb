/** Nearest to the reader first. */
export const tiers = ['hot', 'warm', 'cold'] as const;
export type Tier = (typeof tiers)[number];

export const isColder = (one: Tier, other: Tier): boolean => tiers.indexOf(one) > tiers.indexOf(other);
