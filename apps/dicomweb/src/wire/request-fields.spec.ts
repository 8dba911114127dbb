import { describe, expect, it } from '@jest/globals';
import { chooseCoding, matchesEtag } from './request-fields.js';

describe('matchesEtag', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['"b","a" ,W/"c"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    ['"ab"', false],
  ])('%s: %s', (field, expected) => {
    expect(matchesEtag(field, '"a"')).toBe(expected);
  });
});

describe('chooseCoding', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP;q=0.5', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.9', 'gzip'],
    ['deflate, gzip;q=1.0, *;q=0.5', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['gzip;q=0', undefined],
    ['gzip; q=0.000, br;q=0, *', undefined],
    ['*;q=0', undefined],
    ['identity', undefined],
    ['identity, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip', 'gzip'],
    ['zstd, deflate', undefined],
  ])('%s: %s', (field, expected) => {
    expect(chooseCoding(field)).toBe(expected);
  });
});
