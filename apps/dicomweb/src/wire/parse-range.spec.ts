import { describe, expect, it } from '@jest/globals';
import { allowsRange, parseRange } from './parse-range.js';

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-65535', 0, 1000],
    ['bytes=10-19', 10, 20],
    ['bytes=10-', 10, 1000],
    ['bytes=999-', 999, 1000],
    ['bytes=-1', 999, 1000],
    ['bytes=-5000', 0, 1000],
    ['Bytes = 0 - 9', 0, 10],
    ['bytes=0-99999999999999999999', 0, 1000],
  ])('%s of 1000 bytes is %d to %d', (field, start, end) => {
    expect(parseRange(field, 1000)).toEqual({ start, end });
  });

  it.each(['bytes=1000-', 'bytes=1000-1001', 'bytes=-0', 'bytes=99999999999999999999-'])(
    '%s is not to be had',
    (field) => {
      expect(parseRange(field, 1000)).toBe('unsatisfiable');
    },
  );

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=9-5',
    'bytes=0-1,5-6',
    'items=0-1',
    'bytes=a-b',
    'bytes=--1',
  ])('%s means all of it', (field) => {
    expect(parseRange(field, 1000)).toBeUndefined();
  });

  it('finds nothing in an empty body', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
    expect(parseRange('bytes=-1', 0)).toBe('unsatisfiable');
  });
});

describe('allowsRange', () => {
  it.each([
    [undefined, '"a"', true],
    [undefined, undefined, true],
    ['"a"', '"a"', true],
    ['"b"', '"a"', false],
    ['W/"a"', 'W/"a"', false],
    ['"a"', 'W/"a"', false],
    ['"a"', undefined, false],
    ['Wed, 21 Oct 2015 07:28:00 GMT', '"a"', false],
  ])('If-Range %s with entity tag %s: %s', (ifRange, etag, expected) => {
    expect(allowsRange(ifRange, etag)).toBe(expected);
  });
});
