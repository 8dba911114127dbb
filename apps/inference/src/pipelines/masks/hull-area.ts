/**
 * Area of the convex hull of pixels' corners, in pixels.
 *
 * @param pixels indices into a picture with so many columns, row by row
 */
export function hullArea(pixels: Int32Array, columns: number): number {
  const firstRow = Math.floor(pixels[0]! / columns);
  const height = Math.floor(pixels.at(-1)! / columns) - firstRow + 1;
  // Of each row from its top edge to its bottom edge; a corner between two rows is of either.
  const left = new Float64Array(height + 1).fill(Infinity);
  const right = new Float64Array(height + 1).fill(-Infinity);
  for (let index = 0; index < pixels.length; index++) {
    const at = pixels[index]!;
    const row = Math.floor(at / columns) - firstRow;
    const column = at - (row + firstRow) * columns;
    for (let edge = row; edge <= row + 1; edge++) {
      if (column < left[edge]!) left[edge] = column;
      if (column + 1 > right[edge]!) right[edge] = column + 1;
    }
  }
  return areaLeftOf(right) + areaLeftOf(left.map((x) => -x));
}

/** Between the axis and the hull of one side, which bends outwards: its points come from the top down (monotone chain). */
function areaLeftOf(side: Float64Array): number {
  const hull: number[] = [];
  for (let y = 0; y < side.length; y++) {
    // A row that has no pixel: the object has a gap there, and its hull goes past.
    if (!Number.isFinite(side[y]!)) continue;
    while (hull.length >= 2) {
      const [a, b] = [hull.at(-2)!, hull.at(-1)!];
      if ((side[b]! - side[a]!) * (y - a) - (b - a) * (side[y]! - side[a]!) > 0) break;
      hull.pop();
    }
    hull.push(y);
  }
  let twice = 0;
  for (let index = 1; index < hull.length; index++) {
    const [a, b] = [hull[index - 1]!, hull[index]!];
    twice += (b - a) * (side[a]! + side[b]!);
  }
  return twice / 2;
}
