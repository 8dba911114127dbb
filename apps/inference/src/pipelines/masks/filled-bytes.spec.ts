import { describe, expect, it } from '@jest/globals';
import { countValues, FilledBytes } from './filled-bytes.js';

describe('FilledBytes', () => {
  it.each([0, 1, 2, 3, 4])('finds what is anywhere in bytes that begin %d behind an even place', (shift) => {
    for (let filled = 0; filled < 19; filled++) {
      const data = new Uint8Array(new ArrayBuffer(24), shift, 19);
      data[filled] = 9;
      const bytes = new FilledBytes(data);
      for (let from = 0; from < 19; from++)
        for (let end = from; end <= 19; end++)
          expect(bytes.next(from, end)).toBe(filled >= from && filled < end ? filled : end);
    }
  });
});

describe('countValues', () => {
  it('counts each value, and what is nothing', () => {
    const counts = countValues(Uint8Array.of(0, 0, 3, 3, 3, 7, 0, 3, 255, 0, 0));
    expect([counts[0], counts[3], counts[7], counts[255]]).toEqual([5, 4, 1, 1]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(11);
  });
});
