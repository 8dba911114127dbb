/** A stretch of mask pixels in one row: `start` to before `end`, as indexes into the slice. */
export interface Run {
  start: number;
  end: number;
}

/** The 4-connected regions of one slice of a mask, each as its runs, found row by row with union-find over runs. */
export function labelSlice(mask: Uint8Array | Float32Array | Int32Array, rows: number, columns: number): Run[][] {
  const runs: Run[] = [];
  const parents: number[] = [];
  const find = (run: number): number => {
    while (parents[run] !== run) run = parents[run] = parents[parents[run]!]!;
    return run;
  };

  let above = 0;
  let aboveEnd = 0;
  for (let row = 0; row < rows; row++) {
    const rowStart = row * columns;
    const firstOfRow = runs.length;
    for (let column = 0; column < columns; column++) {
      if (!mask[rowStart + column]) continue;
      const start = column;
      while (column < columns && mask[rowStart + column]) column++;
      const run = runs.push({ start: rowStart + start, end: rowStart + column }) - 1;
      parents.push(run);
      // Runs of the row above come in order: those that end before this one starts touch no later one either.
      while (above < aboveEnd && runs[above]!.end + columns <= rowStart + start) above++;
      for (let other = above; other < aboveEnd && runs[other]!.start + columns < rowStart + column; other++)
        parents[find(other)] = find(run);
    }
    above = firstOfRow;
    aboveEnd = runs.length;
  }

  const regions = new Map<number, Run[]>();
  runs.forEach((run, index) => {
    const root = find(index);
    const region = regions.get(root);
    if (region) region.push(run);
    else regions.set(root, [run]);
  });
  return [...regions.values()];
}
