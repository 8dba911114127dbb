import { describe, expect, it } from '@jest/globals';
import { slice } from './slice.js';

const bytes = Buffer.from('0123456789');

describe('slice', () => {
  it.each([1, 3, 10])('takes any piece out of chunks of %d bytes, and closes the source behind it', async (size) => {
    for (let start = 0; start < bytes.length; start++) {
      for (let length = 1; start + length <= bytes.length; length++) {
        let isClosed = false;
        const source = (async function* () {
          try {
            for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
          } finally {
            isClosed = true;
          }
        })();
        const taken: Uint8Array[] = [];
        for await (const chunk of slice(source, start, length)) taken.push(chunk);
        expect([Buffer.concat(taken).toString(), isClosed]).toEqual(['0123456789'.slice(start, start + length), true]);
      }
    }
  });

  it('fails when the source ends before', async () => {
    const source = (async function* () {
      yield bytes;
    })();
    await expect(async () => {
      for await (const chunk of slice(source, 5, 6)) expect(chunk.length).toBeGreaterThan(0);
    }).rejects.toThrow('1 before');
  });
});
