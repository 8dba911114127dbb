import { describe, expect, it } from '@jest/globals';
import { giveBack } from './give-back.js';

describe('memory given back', () => {
  it('is gone at once, for every view of it', () => {
    const words = new Uint16Array(20_000).fill(7);
    const bytes = new Uint8Array(words.buffer);
    giveBack(words);
    expect([words.length, bytes.length]).toEqual([0, 0]);
    giveBack(words);
  });

  it('is not that of an array with a part of it, nor of a small one', () => {
    const all = new Uint8Array(40_000).fill(7);
    giveBack(all.subarray(0, 39_999));
    expect(all[39_999]).toBe(7);
    const few = new Uint8Array(1000).fill(7);
    giveBack(few);
    expect(few[999]).toBe(7);
  });
});
