/** What of a mask is on one plane, by value, 0 to 255. */
export interface LabelsOnPlane {
  /** Pixels; those of 0 are not counted. */
  counts: Uint32Array;
  /** Rows from the first with the value to before `ends`; good where there are pixels. */
  starts: Uint32Array;
  ends: Uint32Array;
}

const known = new WeakMap<ArrayBufferLike, Map<number, LabelsOnPlane>>();

/** Looked at once, however many objects are made of the plane; it must not change after. @param plane row by row */
export function labelsOnPlane(plane: Uint8Array, columns: number): LabelsOnPlane {
  const ofBuffer = known.get(plane.buffer) ?? new Map<number, LabelsOnPlane>();
  known.set(plane.buffer, ofBuffer);
  const before = ofBuffer.get(plane.byteOffset);
  if (before) return before;
  const labels = countRows(plane, columns);
  ofBuffer.set(plane.byteOffset, labels);
  return labels;
}

function countRows(plane: Uint8Array, columns: number): LabelsOnPlane {
  const counts = new Uint32Array(256);
  const starts = new Uint32Array(256);
  const ends = new Uint32Array(256);
  for (let row = 0, at = 0; at < plane.length; row++) {
    for (const end = at + columns; at < end; at++) {
      const value = plane[at]!;
      // Most of a mask is nothing.
      if (value === 0) continue;
      if (counts[value]!++ === 0) starts[value] = row;
      ends[value] = row + 1;
    }
  }
  return { counts, starts, ends };
}
