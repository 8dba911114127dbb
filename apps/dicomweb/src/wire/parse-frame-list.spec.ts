import { describe, expect, it } from '@jest/globals';
import { parseFrameList } from './parse-frame-list.js';

describe('parseFrameList', () => {
  it.each([
    ['1', [1]],
    ['3,1,2', [3, 1, 2]],
    ['2,2', [2, 2]],
    [' 1 , 2', [1, 2]],
    ['007', [7]],
    ['2147483647,9999999999', [2147483647, 2147483647]],
  ])('%s', (text, frames) => {
    expect(parseFrameList(text, 3)).toEqual(frames);
  });

  it.each(['', '0', '-1', 'abc', '1,', ',1', '1.5', '1-3', '1;2', '99999999999', '0x1', '1,2,3,4'])(
    'refuses %j',
    (text) => {
      expect(() => parseFrameList(text, 3)).toThrow(/frames/i);
    },
  );
});
