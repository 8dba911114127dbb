import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { BytesSample } from './bytes-sample.js';

describe('a sample by bytes', () => {
  it('keeps all of few', () => {
    const sample = new BytesSample<number>(3);
    for (const item of [1, 2, 3]) sample.offer(item, item);
    expect(sample.chosen).toEqual([1, 2, 3]);
  });

  it('chooses one that is nine times as large nine times as often', () => {
    const random = seededRandom(7);
    let large = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const sample = new BytesSample<string>(1, random);
      sample.offer('small', 1_000_000);
      sample.offer('large', 9_000_000);
      if (sample.chosen[0] === 'large') large += 1;
    }
    expect(large / 5_000).toBeGreaterThan(0.88);
    expect(large / 5_000).toBeLessThan(0.92);
  });
});
