import { describe, expect, it } from '@jest/globals';
import { outlineOf } from './outline.js';

/** Rows of text, a digit a pixel. */
const plane = (...lines: string[]) => Uint8Array.from(lines.join(''), Number);

describe('outlineOf', () => {
  it('goes along the edges of a rectangle and back to where it began', () => {
    const pixels = plane('00000', '02220', '02220', '00000');
    expect(outlineOf(pixels, { rows: 4, columns: 5 }, 2)).toEqual([
      [1, 1],
      [4, 1],
      [4, 3],
      [1, 3],
      [1, 1],
    ]);
  });

  it('takes the largest piece, which reaches the edges, and not what touches it at a corner', () => {
    const pixels = plane('100011', '010011', '001011', '000111');
    expect(outlineOf(pixels, { rows: 4, columns: 6 }, 1)).toEqual([
      [4, 0],
      [6, 0],
      [6, 4],
      [3, 4],
      [4, 0],
    ]);
  });

  it('is as large as what it goes round', () => {
    const size = 64;
    const pixels = Uint8Array.from({ length: size * size }, (_, at) =>
      Math.hypot((at % size) - 30, Math.floor(at / size) - 33) < 20 ? 7 : 0,
    );
    const corners = outlineOf(pixels, { rows: size, columns: size }, 7)!;
    const area = corners
      .slice(1)
      .reduce((sum, [x, y], index) => sum + (corners[index]![0] * y - x * corners[index]![1]) / 2, 0);
    expect(Math.abs(area - pixels.reduce((sum, value) => sum + Number(value === 7), 0))).toBeLessThan(40);
    expect(corners.length).toBeLessThan(60);
  });

  it('ends with a comb of four thousand teeth', () => {
    const size = 8001;
    const pixels = Uint8Array.from({ length: size * 8 }, (_, at) => Number(at < size || (at % size) % 2 === 0));
    expect(outlineOf(pixels, { rows: 8, columns: size }, 1)!.length).toBeLessThanOrEqual(401);
  });

  it('says where there is nothing', () => {
    expect(outlineOf(plane('00', '00'), { rows: 2, columns: 2 }, 1)).toBeUndefined();
  });
});
