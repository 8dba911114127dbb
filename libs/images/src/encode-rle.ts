import { ImageError } from './image-error.js';

/** Of one segment when nothing repeats: a control byte for each 128. */
const longestRun = 128;

/**
 * Encodes a frame as RLE (PS3.5 annex G).
 *
 * @param bytes Little endian samples, those of a pixel side by side.
 * @throws ImageError unsupported-pixels for more than the 15 segments that the header has room for
 */
export function encodeRle(
  bytes: Uint8Array,
  { pixels, columns, samplesPerPixel, bytesPerSample }: RleLayout,
): Uint8Array {
  const segments = samplesPerPixel * bytesPerSample;
  if (segments > 15) throw new ImageError('unsupported-pixels', `RLE has room for 15 segments, not ${segments}.`);
  const out = new ByteSink(64 + bytes.length);
  out.length = 64;
  const header = new Uint8Array(64);
  const view = new DataView(header.buffer);
  view.setUint32(0, segments, true);
  const plane = new Uint8Array(pixels);
  for (let segment = 0; segment < segments; segment++) {
    view.setUint32(4 + 4 * segment, out.length, true);
    // Segments go sample by sample, and in a sample from the high byte to the low one.
    const sample = Math.floor(segment / bytesPerSample);
    const offset = sample * bytesPerSample + bytesPerSample - 1 - (segment % bytesPerSample);
    for (let i = 0, from = offset; i < pixels; i++, from += segments) plane[i] = bytes[from] as number;
    // A run does not go over the end of a row (G.3.1).
    for (let row = 0; row < pixels; row += columns) packRow(plane, row, Math.min(row + columns, pixels), out);
    if (out.length % 2 === 1) out.push(0);
  }
  out.bytes.set(header, 0);
  return out.bytes.slice(0, out.length);
}

export interface RleLayout {
  pixels: number;
  columns: number;
  samplesPerPixel: number;
  bytesPerSample: number;
}

/** PackBits: repetitions of three and more as such, the rest as it is. */
function packRow(plane: Uint8Array, start: number, end: number, out: ByteSink): void {
  for (let at = start; at < end;) {
    const run = repetitions(plane, at, end);
    if (run >= 3 || (run === 2 && at + 2 === end)) {
      out.push(257 - run);
      out.push(plane[at] as number);
      at += run;
      continue;
    }
    let next = at + run;
    while (next < end && next - at < longestRun) {
      const following = repetitions(plane, next, end);
      if (following >= 3) break;
      next += following;
    }
    const count = Math.min(next - at, longestRun);
    out.push(count - 1);
    out.append(plane, at, at + count);
    at += count;
  }
}

function repetitions(plane: Uint8Array, at: number, end: number): number {
  const value = plane[at];
  const last = Math.min(end, at + longestRun);
  let to = at + 1;
  while (to < last && plane[to] === value) to++;
  return to - at;
}

/** Bytes that grow. */
class ByteSink {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  push(byte: number): void {
    this.makeRoom(1);
    this.bytes[this.length++] = byte;
  }

  append(source: Uint8Array, start: number, end: number): void {
    this.makeRoom(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  private makeRoom(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(2 * this.bytes.length + count);
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
