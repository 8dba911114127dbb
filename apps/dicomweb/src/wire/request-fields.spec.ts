import { describe, expect, it } from '@jest/globals';
import { acceptsGzip, matchesEtag } from './request-fields.js';

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

describe('acceptsGzip', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['GZIP;q=0.5', true],
    ['deflate, gzip;q=1.0, *;q=0.5', true],
    ['br, *', true],
    ['gzip;q=0', false],
    ['gzip; q=0.000, *', false],
    ['*;q=0', false],
    ['identity', false],
    ['br', false],
  ])('%s: %s', (field, expected) => {
    expect(acceptsGzip(field)).toBe(expected);
  });
});
