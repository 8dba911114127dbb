import { describe, expect, it } from '@jest/globals';
import { nextOffPeak, offPeakDefault, offPeakSchema } from './off-peak.js';

const at = (moment: string, changes = {}) =>
  nextOffPeak(new Date(moment), { ...offPeakDefault, ...changes })?.toISOString() ?? 'now';

describe('nextOffPeak', () => {
  it.each([
    ['2026-01-30T12:00:30Z', {}, '2026-01-30T20:00:00.000Z'],
    ['2026-01-30T20:00:00Z', {}, 'now'],
    ['2026-01-30T23:59:00Z', {}, 'now'],
    ['2026-01-31T05:59:00Z', {}, 'now'],
    ['2026-01-31T06:00:00Z', {}, '2026-01-31T20:00:00.000Z'],
    ['2026-01-31T06:00:00Z', { weekends: true }, 'now'],
    ['2026-01-30T03:00:00Z', { from: '01:00', until: '04:00' }, 'now'],
    ['2026-01-30T04:00:00Z', { from: '01:00', until: '04:00' }, '2026-01-31T01:00:00.000Z'],
    // 20:00 in Berlin is 19:00 UTC in winter and 18:00 in summer.
    ['2026-01-30T12:00:00Z', { timeZone: 'Europe/Berlin' }, '2026-01-30T19:00:00.000Z'],
    ['2026-07-30T12:00:00Z', { timeZone: 'Europe/Berlin' }, '2026-07-30T18:00:00.000Z'],
    ['2026-01-30T12:00:00Z', { timeZone: 'Asia/Kolkata' }, '2026-01-30T14:30:00.000Z'],
  ])('at %s with %j: %s', (now, changes, expected) => {
    expect(at(now, changes)).toBe(expected);
  });

  it('refuses what is no time and no zone', () => {
    expect(offPeakSchema.safeParse({ from: '25:00', until: '06:00' }).success).toBe(false);
    expect(offPeakSchema.safeParse({ from: '20:00', until: '06:00', timeZone: 'Mars/Olympus' }).success).toBe(false);
    expect(offPeakSchema.parse({ from: '20:00', until: '06:00' })).toEqual(offPeakDefault);
  });
});
