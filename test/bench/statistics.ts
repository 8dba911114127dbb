/** @returns NaN of nothing */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Between the nearest ranks, in proportion. @returns NaN of nothing */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * How much better one server is than another: the median of the ratios round by round, so that what disturbs a round
 * disturbs both sides of its ratio.
 * @param isTime less is better
 */
export function ratioByRound(ours: readonly number[], first: readonly number[], isTime: boolean): number {
  const ratios = ours.map((value, round) => (isTime ? first[round]! / value : value / first[round]!));
  return median(ratios.filter((ratio) => Number.isFinite(ratio)));
}

/** In each round another goes first: nobody always has the machine as the one before left it. */
export function turns<T>(all: readonly T[], round: number): T[] {
  return all.map((_, at) => all[(at + round) % all.length]!);
}
