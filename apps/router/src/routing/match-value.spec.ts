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
});
