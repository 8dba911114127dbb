import { describe, expect, it } from '@jest/globals';
import { AnswerReader } from './connection.js';
import { checkResults } from './search-rows.js';
import { median, quantile, ratioByRound, turns } from './statistics.js';

describe('statistics', () => {
  it('takes the middle, and ranks in proportion', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(quantile([0, 10], 0.95)).toBeCloseTo(9.5);
  });

  it('compares round by round, so that a slow round is slow for both', () => {
    expect(ratioByRound([20, 2, 200], [10, 1, 100], false)).toBe(2);
    expect(ratioByRound([20, 2, 200], [10, 1, 100], true)).toBe(0.5);
    expect(ratioByRound([1, NaN], [2, 1], false)).toBe(0.5);
  });

  it('lets each go first in turn', () => {
    expect([0, 1, 2].map((round) => turns(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'bca', 'cab']);
  });
});

describe('AnswerReader', () => {
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n',
  ];

  it.each(answers)('reads an answer however it is cut: %j', (text) => {
    for (let size = 1; size <= text.length; size++) {
      const reader = new AnswerReader(false);
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        Buffer.from(text.slice(at * size, (at + 1) * size)),
      );
      const read = pieces.map((piece) => reader.take(piece));
      expect(read.slice(0, -1).every((one) => one === undefined)).toBe(true);
      expect(read.at(-1)).toMatchObject({ status: 200, bytes: 11 });
      expect(read.at(-1)!.body.toString()).toBe('hello world');
    }
  });
});

describe('checkResults', () => {
  const answer = (uids: string[]) => {
    const body = Buffer.from(JSON.stringify(uids.map((uid) => ({ '0020000D': { vr: 'UI', Value: [uid] } }))));
    return { status: 200, head: '', body, bytes: body.length };
  };
  const check = (uids: string[]) => checkResults(answer(uids), '0020000D', 2, (uid) => 'ab'.includes(uid));

  it('takes the exact number of results, no two alike, each of those that match', () => {
    expect(check(['a', 'b'])).toBeUndefined();
    expect(check(['a'])).toBe('1 results where there are 2');
    expect(check(['a', 'a'])).toBe('1 results twice');
    expect(check(['a', 'c'])).toBe('c is not among what matches');
  });
});
