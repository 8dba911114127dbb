export type Point = [column: number, row: number];

/** Graphic Data (FL) of explicit VR holds 64 KiB; far fewer corners show a shape. */
const cornersMax = 400;
/** A piece with more is noise, whose corners need not be weighed one by one: that takes as long as their square. */
const cornersWeighedMax = 4000;

/**
 * The outline of the largest piece that a value makes in a plane, along the edges of its pixels: columns and rows from the top left
 * corner of the picture (PS3.3 C.18.6.1.2), back to where it began. Corners less than a pixel off are left out.
 *
 * @returns undefined where the value is not there.
 */
export function outlineOf(
  plane: Uint8Array,
  { rows, columns }: { rows: number; columns: number },
  value: number,
): Point[] | undefined {
  const pieces = new Int32Array(rows * columns);
  let [largest, pixels, start] = [0, 0, -1];
  for (let at = 0, number = 0; at < plane.length; at++) {
    if (plane[at] !== value || pieces[at] !== 0) continue;
    const count = fill(plane, pieces, columns, at, ++number);
    if (count > pixels) [largest, pixels, start] = [number, count, at];
  }
  if (start === -1) return undefined;
  const isInside = (column: number, row: number) =>
    column >= 0 && column < columns && row >= 0 && row < rows && pieces[row * columns + column] === largest;
  const corners = walk(isInside, [start % columns, Math.floor(start / columns)]);
  const every = Math.ceil(corners.length / cornersWeighedMax);
  let reduced = corners.filter((_, index) => index % every === 0);
  for (let tolerance = 0.75; ; tolerance *= 2) {
    reduced = simplify(reduced, tolerance);
    if (reduced.length <= cornersMax) return [...reduced, reduced[0]!];
  }
}

/** Gives a piece (side by side, not corner to corner) its number. @returns how many pixels it has */
function fill(plane: Uint8Array, pieces: Int32Array, columns: number, start: number, number: number): number {
  const open = [start];
  pieces[start] = number;
  let count = 0;
  const visit = (at: number) => {
    if (plane[at] !== plane[start] || pieces[at] !== 0) return;
    pieces[at] = number;
    open.push(at);
  };
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    count++;
    if (at % columns > 0) visit(at - 1);
    if (at % columns < columns - 1) visit(at + 1);
    if (at >= columns) visit(at - columns);
    if (at + columns < plane.length) visit(at + columns);
  }
  return count;
}

/** East, south, west, north: a step, and the pixels ahead of it on the left and on the right, from the corner one stands at. */
const headings = [
  { step: [1, 0], left: [0, -1], right: [0, 0] },
  { step: [0, 1], left: [0, 0], right: [-1, 0] },
  { step: [-1, 0], left: [-1, 0], right: [-1, -1] },
  { step: [0, -1], left: [-1, -1], right: [0, -1] },
] as const;

/** Clockwise round a piece with its pixels on the right hand, from the top left corner of its first pixel; where one turns is a corner. */
function walk(isInside: (column: number, row: number) => boolean, [column, row]: Point): Point[] {
  const corners: Point[] = [[column, row]];
  let [x, y, heading] = [column, row, 0];
  do {
    const { step } = headings[heading]!;
    [x, y] = [x + step[0], y + step[1]];
    const { left, right } = headings[heading]!;
    const before = heading;
    if (!isInside(x + right[0], y + right[1])) heading = (heading + 1) % 4;
    else if (isInside(x + left[0], y + left[1])) heading = (heading + 3) % 4;
    if (heading !== before && (x !== column || y !== row)) corners.push([x, y]);
  } while (x !== column || y !== row || heading !== 0);
  return corners;
}

/** Ramer, Douglas and Peucker's, of a closed line: cut where it is farthest from its beginning. */
function simplify(corners: readonly Point[], tolerance: number): Point[] {
  const [first] = corners as [Point];
  const distance = ([x, y]: Point) => Math.hypot(x - first[0], y - first[1]);
  const far = corners.reduce((best, corner, index) => (distance(corner) > distance(corners[best]!) ? index : best), 0);
  const closed = [...corners, first];
  const kept = new Uint8Array(closed.length);
  kept[0] = kept[far] = 1;
  const open: [number, number][] = [
    [0, far],
    [far, closed.length - 1],
  ];
  for (let span = open.pop(); span; span = open.pop()) {
    const [from, to] = span;
    const [[ax, ay], [bx, by]] = [closed[from]!, closed[to]!];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    let [worst, at] = [tolerance, -1];
    for (let index = from + 1; index < to; index++) {
      const [x, y] = closed[index]!;
      const off = Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length;
      if (off > worst) [worst, at] = [off, index];
    }
    if (at === -1) continue;
    kept[at] = 1;
    open.push([from, at], [at, to]);
  }
  return corners.filter((_, index) => kept[index] === 1);
}
