import type { Distribution, Histogram } from '../values.js';

export function count(of: Distribution): number {
  return of instanceof Float64Array ? of.length : of.counts.reduce((all, one) => all + one, 0);
}

/** NaN of nothing, as all below: a measurement that is NaN makes the study inconclusive. */
export function mean(of: Distribution): number {
  return (of instanceof Float64Array ? of.reduce((sum, value) => sum + value, 0) : of.sum) / count(of);
}

/** Of a list linear between neighbours, as NumPy and R (type 7) do it; of a histogram the lowest bin with as much in it and below. */
export function percentile(of: Distribution, percent: number): number {
  if (!(of instanceof Float64Array)) return histogramPercentile(of.from, of.counts, count(of), percent);
  if (of.length === 0) return NaN;
  const sorted = of.toSorted();
  const place = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(place)]!;
  return low + (sorted[Math.ceil(place)]! - low) * (place % 1);
}

export function shareBelow(of: Distribution, limit: number): number {
  const isBelow = (value: number) => value < limit;
  if (of instanceof Float64Array) return of.filter(isBelow).length / of.length;
  return of.counts.reduce((below, one, bin) => (isBelow(of.from + bin) ? below + one : below), 0) / count(of);
}

/** Standard deviation (of a sample) over mean. */
export function variation(list: Float64Array): number {
  const centre = mean(list);
  const squares = list.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return list.length < 2 ? NaN : Math.sqrt(squares / (list.length - 1)) / centre;
}

/** Root mean square of successive differences. */
export function rmssd(list: Float64Array): number {
  const squares = list.reduce((sum, value, index) => (index === 0 ? 0 : sum + (value - list[index - 1]!) ** 2), 0);
  return list.length < 2 ? NaN : Math.sqrt(squares / (list.length - 1));
}

export function histogramPercentile(from: number, counts: ArrayLike<number>, total: number, percent: number): number {
  if (total === 0) return NaN;
  let below = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    below += counts[bin]!;
    if (below >= (total * percent) / 100) return from + bin;
  }
  return from + counts.length - 1;
}

const modeBins = 21;

/** The mean of what lies in the fullest stretch of bins: where most values are, whatever the tails. */
export function mode({ from, counts }: Histogram): number {
  let inside = 0;
  let best = { inside: 0, last: -1 };
  for (let bin = 0; bin < counts.length; bin++) {
    inside += counts[bin]! - (counts[bin - modeBins] ?? 0);
    if (inside > best.inside) best = { inside, last: bin };
  }
  let sum = 0;
  for (let bin = Math.max(0, best.last - modeBins + 1); bin <= best.last; bin++) sum += (from + bin) * counts[bin]!;
  return sum / best.inside;
}
