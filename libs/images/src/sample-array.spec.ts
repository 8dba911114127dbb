import { describe, expect, it } from '@jest/globals';
import { storedValue, toSampleArray } from './sample-array.js';

describe('toSampleArray', () => {
  it.each([1, 2, 4] as const)('gives the stored bits of samples of %i bytes, with their sign', (bytesPerSample) => {
    const width = 8 * bytesPerSample;
    for (let bitsStored = 1; bitsStored <= width; bitsStored++) {
      for (const highBit of [bitsStored - 1, width - 1]) {
        for (const pixelRepresentation of [0, 1] as const) {
          for (const count of [0, 1, 2, 3, 5, 8, 13]) {
            const bytes = Uint8Array.from({ length: count * bytesPerSample }, (_, i) => (i * 97 + 0xd3) ^ (i << 3));
            const words = Buffer.from(bytes);
            const bits = { bitsStored, highBit, pixelRepresentation };
            const expected = Array.from({ length: count }, (_, i) =>
              storedValue(words.readUIntLE(i * bytesPerSample, bytesPerSample), width, bits),
            );
            const samples = toSampleArray(bytes, bytesPerSample, bits);
            expect([bits, [...samples]]).toEqual([bits, expected]);
            // The bytes are still as they were.
            expect(words.equals(bytes)).toBe(true);
          }
        }
      }
    }
  });
});
