/** Finds what is in a mask: most of it is nothing, which is passed by four bytes at a time. */
export class FilledBytes {
  /** Empty where the bytes do not lie so that they can be read by fours. */
  private readonly words: Uint32Array;

  constructor(private readonly data: Uint8Array) {
    const { buffer, byteOffset, length } = data;
    this.words = byteOffset % 4 === 0 ? new Uint32Array(buffer, byteOffset, length >> 2) : new Uint32Array(0);
  }

  /** The first index from `at` on that holds anything but 0; `end` where there is none before it. */
  next(at: number, end: number): number {
    const { data, words } = this;
    let index = at;
    while (index < end && (index & 3) !== 0) {
      if (data[index] !== 0) return index;
      index++;
    }
    while (index + 4 <= end && words[index >> 2] === 0) index += 4;
    while (index < end && data[index] === 0) index++;
    return index;
  }
}

/** How often each value is in a mask. */
export function countValues(data: Uint8Array): Float64Array {
  const counts = new Float64Array(256);
  const filled = new FilledBytes(data);
  let rest = data.length;
  for (let at = filled.next(0, data.length); at < data.length; at = filled.next(at, data.length)) {
    // Neighbours mostly have one value, which is then counted once.
    const value = data[at]!;
    const start = at++;
    while (at < data.length && data[at] === value) at++;
    counts[value]! += at - start;
    rest -= at - start;
  }
  counts[0] = rest;
  return counts;
}
