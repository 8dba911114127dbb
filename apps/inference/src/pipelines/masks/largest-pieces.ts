import { FilledBytes } from './filled-bytes.js';
import type { VolumeMask } from './mask.js';

type Neighbours = 6 | 18 | 26;
type Dims = readonly [number, number, number];

/** Voxels beside each other along the last axis that belong together: from `start` to before `end`, indices into the mask. */
interface Runs {
  starts: Int32Array;
  ends: Int32Array;
  /** The first run of each row, and one more behind the last. */
  ofRow: Int32Array;
}

/**
 * Keeps the largest connected pieces of a mask, of everything that is not 0 or of each value by itself; the rest becomes 0. Runs of
 * voxels are joined with those they touch in the rows before (union-find): there are far fewer of them than voxels.
 */
export function largestPieces(
  { grid, data }: VolumeMask,
  each: 'foreground' | 'label',
  neighbours: Neighbours,
  atMost: number,
): Uint8Array {
  const runs = findRuns(data, grid.dims, each === 'label');
  const roots = joinRuns(data, grid.dims, runs, each === 'label', neighbours);

  const { starts, ends } = runs;
  const sizes = new Float64Array(starts.length);
  for (let run = 0; run < starts.length; run++) sizes[roots[run]!]! += ends[run]! - starts[run]!;
  const pieces: number[] = [];
  for (let run = 0; run < starts.length; run++) if (roots[run] === run) pieces.push(run);
  const kept = new Uint8Array(starts.length);
  const groups = Map.groupBy(pieces, (root) => (each === 'label' ? data[starts[root]!]! : 1));
  for (const group of groups.values())
    for (const root of group.sort((a, b) => sizes[b]! - sizes[a]! || a - b).slice(0, atMost)) kept[root] = 1;

  // Most of what is there stays.
  const out = data.slice();
  for (let run = 0; run < starts.length; run++)
    if (kept[roots[run]!] === 0) for (let at = starts[run]!; at < ends[run]!; at++) out[at] = 0;
  return out;
}

function findRuns(data: Uint8Array, [slices, rows, columns]: Dims, isOfOneValue: boolean): Runs {
  const filled = new FilledBytes(data);
  const ofRow = new Int32Array(slices * rows + 1);
  let [starts, ends] = [new Int32Array(1024), new Int32Array(1024)];
  let count = 0;
  for (let row = 0, at = 0; row < slices * rows; row++) {
    ofRow[row] = count;
    for (const end = at + columns; ;) {
      at = filled.next(at, end);
      if (at === end) break;
      const value = data[at]!;
      const start = at++;
      while (at < end && data[at] !== 0 && (!isOfOneValue || data[at] === value)) at++;
      if (count === starts.length) [starts, ends] = [doubled(starts), doubled(ends)];
      starts[count] = start;
      ends[count++] = at;
    }
  }
  ofRow[slices * rows] = count;
  return { starts: starts.subarray(0, count), ends: ends.subarray(0, count), ofRow };
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** @returns for each run the first run of its piece */
function joinRuns(
  data: Uint8Array,
  [slices, rows, columns]: Dims,
  { starts, ends, ofRow }: Runs,
  isOfOneValue: boolean,
  neighbours: Neighbours,
): Int32Array {
  const parents = Int32Array.from({ length: starts.length }, (_, run) => run);
  const find = (run: number): number => {
    let root = run;
    while (parents[root] !== root) root = parents[root] = parents[parents[root]!]!;
    return root;
  };
  /** @param reach how far a voxel's neighbours in the other row lie to its sides */
  const join = (row: number, other: number, reach: number) => {
    // From the voxels of the other row to those beside them in this one.
    const shift = (row - other) * columns;
    let before = ofRow[other]!;
    for (let run = ofRow[row]!; run < ofRow[row + 1]!; run++) {
      const [first, last] = [starts[run]! - reach - shift, ends[run]! + reach - shift];
      while (before < ofRow[other + 1]! && ends[before]! <= first) before++;
      for (let at = before; at < ofRow[other + 1]! && starts[at]! < last; at++) {
        if (isOfOneValue && data[starts[at]!] !== data[starts[run]!]) continue;
        const [a, b] = [find(run), find(at)];
        // The smaller: a root is the first run of its piece.
        if (a < b) parents[b] = a;
        else parents[a] = b;
      }
    }
  };
  const side = neighbours === 6 ? 0 : 1;
  for (let slice = 0; slice < slices; slice++) {
    for (let row = 0; row < rows; row++) {
      const at = slice * rows + row;
      if (row > 0) join(at, at - 1, side);
      if (slice === 0) continue;
      join(at, at - rows, side);
      if (neighbours === 6) continue;
      // Across an edge; at a corner only where all 26 count.
      const corner = neighbours === 26 ? 1 : 0;
      if (row > 0) join(at, at - rows - 1, corner);
      if (row < rows - 1) join(at, at - rows + 1, corner);
    }
  }
  for (let run = 0; run < parents.length; run++) parents[run] = find(run);
  return parents;
}
