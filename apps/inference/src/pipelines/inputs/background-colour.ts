import { histogramPercentile } from '../steps/distribution.js';
import type { SlideLevel } from './slide-level.js';

/**
 * The colour of clear glass on a slide: per channel a high percentile over tiles spread evenly over the slide. Padding does not count.
 *
 * @returns red, green and blue, at least 1.
 */
export async function backgroundColour(
  level: SlideLevel,
  { percentile, tiles }: { percentile: number; tiles: number },
): Promise<[number, number, number]> {
  const counts = [0, 1, 2].map(() => new Float64Array(256));
  let total = 0;
  const looked = Math.min(tiles, level.tiles.length);
  for (let turn = 0; turn < looked; turn++) {
    const index = Math.floor(((turn + 0.5) * level.tiles.length) / looked);
    const tile = level.tiles[index]!;
    const pixels = await level.read(index);
    for (let row = 0; row < tile.insideRows; row++) {
      for (let column = 0; column < tile.insideColumns; column++) {
        const at = (row * tile.columns + column) * 3;
        for (let channel = 0; channel < 3; channel++) counts[channel]![pixels[at + channel]!]!++;
      }
    }
    total += tile.insideRows * tile.insideColumns;
  }
  return counts.map((count) => Math.max(1, histogramPercentile(0, count, total, percentile))) as [
    number,
    number,
    number,
  ];
}
