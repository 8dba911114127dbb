/** Nearest to the reader first. */
export const tiers = ['hot', 'warm', 'cold'] as const;
export type Tier = (typeof tiers)[number];

export const isColder = (one: Tier, other: Tier): boolean => tiers.indexOf(one) > tiers.indexOf(other);

/** How frames may be compressed on their way to another tier. */
export const recompressions = ['htj2k-lossless'] as const;
export type Recompression = (typeof recompressions)[number];
