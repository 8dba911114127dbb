import { abs, ceil, floor, max, min } from '../math.js';
import type { Tube } from './thorax.js';

/** The pixels of an axial slice, and where they are in the patient. */
export interface SliceGrid {
  /** Pixels a side. */
  size: number;
  /** Millimetres from pixel to pixel. */
  spacing: number;
  /** Position of the first pixel's centre: -x to the right of the patient, -y to the front. */
  originX: number;
  originY: number;
}

/**
 * Calls `paint(pixel, x, y)` for every pixel within `margin` mm of a tube's shadow at height z. Rows and columns outside
 * its bounding box are never touched, which is what makes thousands of vessels cheap.
 */
export function forPixelsNear(
  tube: Tube,
  z: number,
  margin: number,
  grid: SliceGrid,
  paint: (pixel: number, x: number, y: number) => void,
): void {
  const { from, to, radiusFrom, radiusTo } = tube;
  const reach = max(radiusFrom, radiusTo) + margin;
  if (z < min(from[2], to[2]) - reach || z > max(from[2], to[2]) + reach) return;
  // The part of the axis within reach of this height.
  const rise = to[2] - from[2];
  let [start, end] = [0, 1];
  if (abs(rise) > 1e-6) {
    const [a, b] = [(z - reach - from[2]) / rise, (z + reach - from[2]) / rise];
    start = max(0, min(a, b));
    end = min(1, max(a, b));
  }
  const [x1, x2] = [from[0] + start * (to[0] - from[0]), from[0] + end * (to[0] - from[0])];
  const [y1, y2] = [from[1] + start * (to[1] - from[1]), from[1] + end * (to[1] - from[1])];
  const clamp = (value: number): number => min(grid.size - 1, max(0, value));
  const left = clamp(floor((min(x1, x2) - reach - grid.originX) / grid.spacing));
  const right = clamp(ceil((max(x1, x2) + reach - grid.originX) / grid.spacing));
  const top = clamp(floor((min(y1, y2) - reach - grid.originY) / grid.spacing));
  const bottom = clamp(ceil((max(y1, y2) + reach - grid.originY) / grid.spacing));
  for (let row = top; row <= bottom; row++) {
    const y = grid.originY + row * grid.spacing;
    for (let column = left; column <= right; column++) {
      paint(row * grid.size + column, grid.originX + column * grid.spacing, y);
    }
  }
}

/** Share of a pixel that lies inside, from the distance to the surface (negative inside). */
export function coverage(distance: number, spacing: number): number {
  const share = 0.5 - distance / spacing;
  return share < 0 ? 0 : share > 1 ? 1 : share;
}
