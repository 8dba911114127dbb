import type { TilesInput } from '../../models/manifest.js';
import { histogramPercentile } from '../steps/distribution.js';
import type { TileArea } from './tile-areas.js';

/**
 * The colour of clear glass on a slide: per channel a high percentile over tiles spread evenly over the slide. Padding does not count.
 *
 * @param read Gives a tile's RGB samples, pixel by pixel, 0..255.
 * @returns red, green and blue, at least 1.
 */
export async function backgroundColour(
  areas: TileArea[],
  { percentile, tiles }: TilesInput['preprocessing'][0],
  read: (index: number) => Promise<ArrayLike<number>>,
): Promise<[number, number, number]> {
  const counts = [0, 1, 2].map(() => new Float64Array(256));
  let total = 0;
  const looked = Math.min(tiles, areas.length);
  for (let turn = 0; turn < looked; turn++) {
    const index = Math.floor(((turn + 0.5) * areas.length) / looked);
    const area = areas[index]!;
    const pixels = await read(index);
    for (let row = 0; row < area.insideRows; row++) {
      for (let column = 0; column < area.insideColumns; column++) {
        const at = (row * area.columns + column) * 3;
        for (let channel = 0; channel < 3; channel++) counts[channel]![pixels[at + channel]!]!++;
      }
    }
    total += area.insideRows * area.insideColumns;
  }
  return counts.map((count) => Math.max(1, histogramPercentile(0, count, total, percentile))) as [
    number,
    number,
    number,
  ];
}
