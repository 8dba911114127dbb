import { cos, imul, log, sqrt, PI } from './math.js';
/** A source of numbers that depends on nothing but its seed, so that the samples are the same bytes each time. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** In [low, high). */
  between(low: number, high: number): number;
  /** Mean 0, standard deviation 1. */
  normal(): number;
}

/** Mulberry32: 32 bits of state, which is plenty for pictures. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    normal: () => sqrt(-2 * log(1 - next())) * cos(2 * PI * next()),
  };
}
