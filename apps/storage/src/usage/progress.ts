/** Something long that is under way. */
export interface Progress {
  /** What is to be done in all, and what of it is. */
  bytes: number;
  bytesDone: number;
  bytesLeft: number;
  percent: number;
}

/** It is 100 percent when nothing is left, and not before. */
export function progressOf(bytes: number, bytesDone: number): Progress {
  const bytesLeft = Math.max(0, bytes - bytesDone);
  return { bytes, bytesDone, bytesLeft, percent: bytesLeft === 0 ? 100 : Math.floor((1_000 * bytesDone) / bytes) / 10 };
}
