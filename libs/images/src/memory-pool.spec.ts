import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { MemoryPool } from './memory-pool.js';
import { plainFrame } from './plain-frame.fixture.js';
import { renderPlainFrame } from './render-frame.js';

describe('MemoryPool', () => {
  it('gives memory of a size again, to one at a time, and keeps no more than it may', () => {
    const pool = new MemoryPool(300);
    const [first, second] = [pool.take(100), pool.take(100)];
    pool.give(first);
    expect(pool.take(100)).toBe(first);
    expect(pool.take(100)).not.toBe(first);
    expect(pool.take(50).byteLength).toBe(50);
    pool.give(second);
    const large = new ArrayBuffer(301);
    pool.give(large);
    expect([pool.take(301) === large, pool.take(100) === second]).toEqual([false, false]);
  });

  it('leaves nothing of one picture in the next of its size, many at a time', async () => {
    const [rows, columns] = [40, 30];
    const windows = [{ center: 127.5, width: 255, function: 'LINEAR_EXACT' as const }];
    const description = plainFrame({ rows, columns, windows });
    const shades = Array.from({ length: 24 }, (_, at) => at * 10);
    const shown = shades.map(async (shade, at) => {
      // Half of them in one shade, the others with another in every second pixel.
      const bytes = new Uint8Array(rows * columns).map((_, pixel) => (at % 2 === 0 || pixel % 2 === 0 ? shade : 255));
      const picture = await renderPlainFrame(bytes, description, { format: 'png' });
      const pixels = await sharp(picture).toColourspace('b-w').raw().toBuffer();
      return [shade, pixels.equals(bytes)];
    });
    expect(await Promise.all(shown)).toEqual(shades.map((shade) => [shade, true]));
  });
});
