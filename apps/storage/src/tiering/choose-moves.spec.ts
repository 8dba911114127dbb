import { describe, expect, it } from '@jest/globals';
import { chooseMoves, type PackFacts, type TieringPolicy } from './choose-moves.js';

const policy: TieringPolicy = { warmAfterDays: 30, coldAfterDays: 365, available: ['hot', 'warm', 'cold'] };
const pack = (changes: Partial<PackFacts>): PackFacts => ({
  packId: 'p',
  tier: 'hot',
  ageDays: 0,
  isAwaited: false,
  ...changes,
});
const target = (changes: Partial<PackFacts>, more: Partial<TieringPolicy> = {}) =>
  chooseMoves([pack(changes)], { ...policy, ...more }).map(({ to }) => to);

describe('chooseMoves', () => {
  it.each([
    [{ ageDays: 29.9 }, []],
    [{ ageDays: 30 }, ['warm']],
    [{ ageDays: 364.9 }, ['warm']],
    [{ ageDays: 365 }, ['cold']],
    [{ ageDays: 365, tier: 'warm' as const }, ['cold']],
    [{ ageDays: 40, tier: 'warm' as const }, []],
    [{ ageDays: 0, tier: 'cold' as const }, []],
  ])('%p goes to %p', (facts, tiers) => {
    expect(target(facts)).toEqual(tiers);
  });

  it('leaves alone what somebody waits for', () => {
    expect(target({ ageDays: 1000, isAwaited: true })).toEqual([]);
  });

  it('stops at the last tier that has a store', () => {
    expect(target({ ageDays: 1000 }, { available: ['hot', 'warm'] })).toEqual(['warm']);
    expect(target({ ageDays: 1000, tier: 'warm' }, { available: ['hot', 'warm'] })).toEqual([]);
    expect(target({ ageDays: 1000 }, { available: ['hot'] })).toEqual([]);
    expect(target({ ageDays: 1000 }, { available: ['hot', 'cold'] })).toEqual(['cold']);
  });

  it('names where each pack comes from', () => {
    const moves = chooseMoves([pack({ packId: 'a', ageDays: 50 }), pack({ packId: 'b' })], policy);
    expect(moves).toEqual([{ packId: 'a', from: 'hot', to: 'warm' }]);
  });
});
