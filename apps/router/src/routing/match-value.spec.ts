import { describe, expect, it } from '@jest/globals';
import { matchesValue, matchesWildcard } from './match-value.js';

describe('matchesWildcard', () => {
  it.each([
    ['CHEST', 'CHEST', true],
    ['chest', 'CHEST', true],
    ['CHEST', 'CHEST CT', false],
    ['*CHEST*', 'CT CHEST W', true],
    ['CHEST*', 'CHEST', true],
    ['*', '', true],
    ['', '', true],
    ['', 'x', false],
    ['?', '', false],
    ['?', 'x', true],
    ['C?EST', 'CHEST', true],
    ['*a*b*c', 'xxaxxbxxc', true],
    ['*a*b*c', 'xxaxxbxx', false],
    ['a**b', 'ab', true],
    ['*.[x]^$', 'q.[x]^$', true],
    ['a.c', 'abc', false],
    ['HERZ*', 'herzkatheter', true],
  ])('%j against %j: %s', (pattern, text, expected) => {
    expect(matchesWildcard(pattern, text)).toBe(expected);
  });

  it('stays bounded on a pattern made to take for ever', () => {
    // As a backtracking regular expression this would not end in a lifetime.
    expect(matchesWildcard(`${'*a'.repeat(60)}*b`, 'a'.repeat(5_000))).toBe(false);
  });
});

describe('matchesValue', () => {
  it.each([
    [{ is: ['CT', 'MR'] }, 'MR', true],
    [{ is: ['CT', 'MR'] }, ' CT ', true],
    [{ is: ['CT'] }, 'PT', false],
    [{ is: [2] }, '2.0', true],
    [{ is: [0] }, '', false],
    [{ atLeast: 2 }, '2', true],
    [{ atLeast: 2 }, '1.99', false],
    [{ atMost: 2 }, '2.01', false],
    [{ atLeast: 2, atMost: 3 }, '10', false],
    [{ atLeast: 2 }, 'many', false],
    [{ atLeast: 0 }, '', false],
    [{ atLeast: '20260101', atMost: '20261231' }, '20260704', true],
    [{ atLeast: '20260101' }, '20251231', false],
    [{ is: ['2026*'], atMost: '20260630' }, '20260704', false],
  ])('%j against %j: %s', (condition, value, expected) => {
    expect(matchesValue(condition, value)).toBe(expected);
  });

  it.each([
    ['DA', '20260101-20260131', '20260131', true],
    ['DA', '20260101-20260131', '20260201', false],
    ['DA', '-20260131', '20251231', true],
    ['DA', '20260101-', '20270101', true],
    ['DA', '20260101-', '', false],
    ['DA', '202601*', '20260115', true],
    ['TM', '0700-1859', '185959.5', true],
    ['TM', '0700-1859', '190000', false],
    ['TM', '1530', '153059', true],
    ['DT', '202601311530+0100', '20260131143030+0000', true],
    ['DT', '202601311530+0100', '20260131153030+0000', false],
    ['DT', '20260101-20260131', '20260131235959', true],
    ['DT', '20260101-20260131', '20260201', false],
    ['DS', '5', '5.0', true],
    ['IS', '5', '50', false],
    ['UI', '1.2.3', '1.2.3', true],
    ['UI', '1.2\\1.2.3', '1.2.3', true],
    ['UI', '1.2', '1.2.3', false],
    ['LO', '20260101-20260131', '20260115', false],
  ])('as a %s %j against %j: %s', (vr, pattern, value, expected) => {
    expect(matchesValue({ is: [pattern] }, value, vr)).toBe(expected);
  });
});
