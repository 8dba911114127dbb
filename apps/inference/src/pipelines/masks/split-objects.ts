import type { PostprocessingStep } from '../../models/manifest.js';

type Step = Extract<PostprocessingStep, { step: 'split-objects' }>;

export interface FoundObject {
  pixels: number;
  /** Of its pixels' centres. */
  row: number;
  column: number;
}

/** Fineness in which basins grow: the foreground's value in so many levels. */
const levels = 1024;

/**
 * Tells touching objects apart by seeded watershed (a flood in the order of the foreground's value).
 *
 * @param foreground, border One channel each, row by row.
 * @returns the number of its object for each pixel (0: none), and what each object is like, the first at index 0.
 */
export function splitObjects(
  step: Step,
  foreground: ArrayLike<number>,
  border: ArrayLike<number>,
  rows: number,
  columns: number,
): { objects: Int32Array; found: FoundObject[] } {
  const size = rows * columns;
  const isForeground = new Uint8Array(size);
  const isSeed = new Uint8Array(size);
  for (let at = 0; at < size; at++) {
    if (!(foreground[at]! > step.foreground.above)) continue;
    isForeground[at] = 1;
    if (border[at]! < step.border.below) isSeed[at] = 1;
  }
  const seeds = opened(isSeed, rows, columns);
  const objects = new Int32Array(size);
  let count = labelPieces(seeds, rows, columns, step.seedPixelsMin, objects);
  flood(objects, isForeground, foreground, step.foreground.above, rows, columns);

  // Drop what is too small or too thin, and number the rest anew.
  const found: FoundObject[] = [];
  const members: number[][] = Array.from({ length: count + 1 }, () => []);
  for (let at = 0; at < size; at++) if (objects[at]) members[objects[at]!]!.push(at);
  for (let object = 1; object <= count; object++) {
    const pixels = members[object]!;
    const isKept =
      pixels.length >= step.objectPixelsMin &&
      (step.solidityMin === 0 || pixels.length / hullArea(pixels, columns) >= step.solidityMin);
    const number = isKept ? found.length + 1 : 0;
    let [row, column] = [0, 0];
    for (const at of pixels) {
      objects[at] = number;
      row += Math.floor(at / columns);
      column += at % columns;
    }
    if (isKept) found.push({ pixels: pixels.length, row: row / pixels.length, column: column / pixels.length });
  }
  count = found.length;
  return { objects, found };
}

/** Eroded and dilated again by 3 x 3; beyond the edge there is nothing. */
function opened(mask: Uint8Array, rows: number, columns: number): Uint8Array {
  const spread = (from: Uint8Array, isErosion: boolean): Uint8Array => {
    const to = new Uint8Array(from.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let count = 0;
        for (let i = -1; i <= 1; i++)
          for (let j = -1; j <= 1; j++) {
            const [y, x] = [row + i, column + j];
            if (y >= 0 && y < rows && x >= 0 && x < columns && from[y * columns + x]) count++;
          }
        to[row * columns + column] = isErosion ? Number(count === 9) : Number(count > 0);
      }
    }
    return to;
  };
  return spread(spread(mask, true), false);
}

/** 8-connected pieces of at least so many pixels, numbered from 1. @returns how many */
function labelPieces(mask: Uint8Array, rows: number, columns: number, pixelsMin: number, labels: Int32Array): number {
  let count = 0;
  const seen = new Uint8Array(mask.length);
  const open: number[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || seen[start]) continue;
    const piece = [start];
    seen[start] = 1;
    open.push(start);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      forNeighbours(at, rows, columns, (other) => {
        if (!mask[other] || seen[other]) return;
        seen[other] = 1;
        piece.push(other);
        open.push(other);
      });
    }
    if (piece.length < pixelsMin) continue;
    count++;
    for (const at of piece) labels[at] = count;
  }
  return count;
}

function flood(
  labels: Int32Array,
  mask: Uint8Array,
  height: ArrayLike<number>,
  lowest: number,
  rows: number,
  columns: number,
): void {
  const levelOf = (at: number) =>
    Math.min(levels - 1, Math.max(0, Math.floor(((1 - height[at]!) / Math.max(1e-6, 1 - lowest)) * levels)));
  const queues: number[][] = Array.from({ length: levels }, () => []);
  for (let at = 0; at < labels.length; at++) if (labels[at]) queues[levelOf(at)]!.push(at);
  for (let level = 0; level < levels; level++) {
    const queue = queues[level]!;
    for (let next = 0; next < queue.length; next++) {
      const at = queue[next]!;
      forNeighbours(at, rows, columns, (other) => {
        if (!mask[other] || labels[other]) return;
        labels[other] = labels[at]!;
        queues[Math.max(level, levelOf(other))]!.push(other);
      });
    }
  }
}

function forNeighbours(at: number, rows: number, columns: number, visit: (other: number) => void): void {
  const [row, column] = [Math.floor(at / columns), at % columns];
  for (let i = -1; i <= 1; i++)
    for (let j = -1; j <= 1; j++) {
      const [y, x] = [row + i, column + j];
      if ((i !== 0 || j !== 0) && y >= 0 && y < rows && x >= 0 && x < columns) visit(y * columns + x);
    }
}

/** Of the convex hull of the pixels' corners (monotone chain). */
function hullArea(pixels: readonly number[], columns: number): number {
  const ends = new Map<number, [number, number]>();
  for (const at of pixels) {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const end = ends.get(row);
    if (!end) ends.set(row, [column, column]);
    else ends.set(row, [Math.min(end[0], column), Math.max(end[1], column)]);
  }
  const points = [...ends]
    .flatMap(([row, [first, last]]): [number, number][] => [
      [first, row],
      [first, row + 1],
      [last + 1, row],
      [last + 1, row + 1],
    ])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const chain = (of: [number, number][]): [number, number][] => {
    const hull: [number, number][] = [];
    for (const point of of) {
      while (hull.length >= 2) {
        const [a, b] = [hull.at(-2)!, hull.at(-1)!];
        if ((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) > 0) break;
        hull.pop();
      }
      hull.push(point);
    }
    return hull.slice(0, -1);
  };
  const hull = [...chain(points), ...chain(points.reverse())];
  let twice = 0;
  hull.forEach(([x, y], index) => {
    const [nextX, nextY] = hull[(index + 1) % hull.length]!;
    twice += x * nextY - nextX * y;
  });
  return Math.abs(twice) / 2;
}
