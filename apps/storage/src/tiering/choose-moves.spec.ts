import { describe, expect, it } from '@jest/globals';
import { chooseMoves, type SeriesFacts, type StudyFacts } from './choose-moves.js';
import { type Policy, usualPolicy } from './policy.js';
import { tiers } from './tiers.js';

const usual = usualPolicy({ warmAfterDays: 30, coldAfterDays: 365 });
const onTier = (tier: SeriesFacts['nearest'], seriesInstanceUid = '1.2.1'): SeriesFacts => ({
  seriesInstanceUid,
  bytes: 1_000,
  packs: 1,
  nearest: tier,
  farthest: tier,
});
const study = (facts: Partial<StudyFacts> = {}): StudyFacts => ({
  studyInstanceUid: '1.2',
  modalities: ['CT'],
  specialty: 'radiology',
  bytes: 1_000,
  ageDays: 0,
  unusedDays: facts.ageDays ?? 0,
  isAwaited: false,
  isRead: false,
  isOnLegalHold: false,
  pin: null,
  series: [onTier('hot')],
  ...facts,
});
/** The tier it is sent to; undefined when it stays. */
function sentTo(facts: Partial<StudyFacts>, policies: Policy[] = [usual], available = tiers.slice()) {
  const moves = chooseMoves(study(facts), policies, available);
  return moves[0]?.to;
}

describe('chooseMoves', () => {
  it.each([
    [29.9, 'hot', undefined],
    [30, 'hot', 'warm'],
    [364, 'hot', 'warm'],
    [365, 'hot', 'cold'],
    [364, 'warm', undefined],
    [365, 'warm', 'cold'],
    [9_999, 'cold', undefined],
    [0, 'warm', undefined],
  ] as const)('at %d days on %s sends to %s', (ageDays, tier, to) => {
    expect(sentTo({ ageDays, series: [onTier(tier)] })).toBe(to);
  });

  it('passes over a tier without a store', () => {
    expect(sentTo({ ageDays: 400 }, [usual], ['hot', 'warm'])).toBe('warm');
    expect(sentTo({ ageDays: 400 }, [usual], ['hot', 'cold'])).toBe('cold');
    expect(sentTo({ ageDays: 40 }, [usual], ['hot', 'cold'])).toBeUndefined();
    expect(sentTo({ ageDays: 400 }, [usual], ['hot'])).toBeUndefined();
  });

  it('moves nothing that somebody waits for', () => {
    expect(sentTo({ ageDays: 400, isAwaited: true })).toBeUndefined();
  });

  it('moves each series that is nearer than it should be, and no other', () => {
    const series = [onTier('hot', '1.2.1'), onTier('warm', '1.2.2'), onTier('cold', '1.2.3')];
    const moves = chooseMoves(study({ ageDays: 40, series }), [usual], tiers);
    expect(moves.map(({ seriesInstanceUid, from, to }) => [seriesInstanceUid, from, to])).toEqual([
      ['1.2.1', 'hot', 'warm'],
    ]);
  });

  const policy = (match: Policy['match'], steps: Policy['steps'] = [{ to: 'cold', afterDays: 1 }]): Policy => ({
    name: 'special',
    match,
    steps,
  });

  it.each([
    ['a modality', policy({ modalities: ['MG', 'CT'] }), {}],
    ['a specialty', policy({ specialties: ['radiology'] }), {}],
    ['a size', policy({ bytesMin: 500, bytesMax: 1_500 }), {}],
    ['a reading that is done', policy({ isRead: true }), { isRead: true }],
    ['a legal hold', policy({ isOnLegalHold: true }), { isOnLegalHold: true }],
    ['every study', policy({}), {}],
  ])('goes by the first policy that matches: %s', (_what, special, facts) => {
    expect(sentTo({ ageDays: 2, ...facts }, [special, usual])).toBe('cold');
    expect(sentTo({ ageDays: 2, ...facts }, [usual, special])).toBeUndefined();
  });

  it.each([
    ['another modality', policy({ modalities: ['MG'] })],
    ['another specialty', policy({ specialties: ['pathology'] })],
    ['larger ones', policy({ bytesMin: 1_001 })],
    ['smaller ones', policy({ bytesMax: 999 })],
    ['those that were read', policy({ isRead: true })],
    ['those on hold', policy({ isOnLegalHold: true })],
  ])('passes over a policy for %s', (_what, special) => {
    expect(sentTo({ ageDays: 2 }, [special, usual])).toBeUndefined();
    expect(sentTo({ ageDays: 40 }, [special, usual])).toBe('warm');
  });

  it('lets a step wait until nobody looks at the study any more, or it has been read', () => {
    const unused = policy({}, [{ to: 'warm', afterDays: 30, unusedDays: 10 }]);
    expect(sentTo({ ageDays: 40, unusedDays: 9 }, [unused])).toBeUndefined();
    expect(sentTo({ ageDays: 40, unusedDays: 10 }, [unused])).toBe('warm');
    const reported = policy({}, [{ to: 'warm', afterDays: 30, requiresReading: true }]);
    expect(sentTo({ ageDays: 40 }, [reported])).toBeUndefined();
    expect(sentTo({ ageDays: 40, isRead: true }, [reported])).toBe('warm');
  });

  it('has frames compressed on the way from the step on that asks for it, and never on the word of another', () => {
    const special = policy({}, [
      { to: 'warm', afterDays: 10 },
      { to: 'cold', afterDays: 100, recompress: 'htj2k-lossless' },
    ]);
    const recompressed = (ageDays: number, policies: Policy[]) =>
      chooseMoves(study({ ageDays }), policies, tiers).map(({ to, recompress }) => [to, recompress]);
    expect(recompressed(50, [special])).toEqual([['warm', undefined]]);
    expect(recompressed(100, [special])).toEqual([['cold', 'htj2k-lossless']]);
    expect(recompressed(400, [usual])).toEqual([['cold', undefined]]);
    const early = policy({}, [
      { to: 'warm', afterDays: 10, recompress: 'htj2k-lossless' },
      { to: 'cold', afterDays: 100 },
    ]);
    expect(recompressed(100, [early])).toEqual([['cold', 'htj2k-lossless']]);
  });

  it('keeps what a policy without steps matches', () => {
    expect(sentTo({ ageDays: 400 }, [policy({ modalities: ['CT'] }, []), usual])).toBeUndefined();
  });

  it('sends what is pinned to its tier, up and down, whatever the policies say and whoever waits', () => {
    expect(sentTo({ ageDays: 400, pin: 'hot' })).toBeUndefined();
    expect(sentTo({ ageDays: 0, pin: 'cold', isAwaited: true })).toBe('cold');
    expect(sentTo({ ageDays: 400, pin: 'hot', series: [onTier('cold')] })).toBe('hot');
    expect(sentTo({ ageDays: 400, pin: 'warm', series: [onTier('warm')] })).toBeUndefined();
  });
});
