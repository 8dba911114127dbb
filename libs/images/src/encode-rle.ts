import { ImageError } from './image-error.js';

const headerBytes = 64;
/** Of one control byte. */
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
  let out: Uint8Array = new Uint8Array(headerBytes + bytes.length);
  let length = headerBytes;
  const header = new DataView(new ArrayBuffer(headerBytes));
  header.setUint32(0, segments, true);
  // Of one byte a pixel the samples are the only segment.
  const plane = segments === 1 ? bytes : new Uint8Array(pixels);
  for (let segment = 0; segment < segments; segment++) {
    header.setUint32(4 + 4 * segment, length, true);
    // Segments go sample by sample, and in a sample from the high byte to the low one.
    const sample = Math.floor(segment / bytesPerSample);
    const offset = sample * bytesPerSample + bytesPerSample - 1 - (segment % bytesPerSample);
    if (segments > 1)
      for (let i = 0, from = offset; i < pixels; i++, from += segments) plane[i] = bytes[from] as number;
    // A run does not go over the end of a row (G.3.1).
    for (let row = 0; row < pixels; row += columns) {
      out = withRoom(out, length, packedBytesMax(columns) + 1);
      length = packRow(plane, row, Math.min(row + columns, pixels), out, length);
    }
    if (length % 2 === 1) out[length++] = 0;
  }
  out.set(new Uint8Array(header.buffer), 0);
  return out.slice(0, length);
}

export interface RleLayout {
  pixels: number;
  columns: number;
  samplesPerPixel: number;
  bytesPerSample: number;
}

/** When nothing repeats. */
const packedBytesMax = (count: number): number => count + Math.ceil(count / longestRun);

/** Shorter runs are copied byte by byte: a view of them takes longer to make. */
const viewedBytesMin = 48;

/**
 * PackBits: repetitions of three and more as such, the rest as it is.
 * @param out with room for the row from `length` on
 * @returns the length with it
 */
function packRow(plane: Uint8Array, start: number, end: number, out: Uint8Array, length: number): number {
  let to = length;
  for (let at = start; at < end;) {
    const run = repetitions(plane, at, end);
    if (run >= 3 || (run === 2 && at + 2 === end)) {
      out[to++] = 257 - run;
      out[to++] = plane[at] as number;
      at += run;
      continue;
    }
    const next = literalsEnd(plane, at, end);
    out[to++] = next - at - 1;
    if (next - at >= viewedBytesMin) {
      out.set(plane.subarray(at, next), to);
      to += next - at;
    } else for (let i = at; i < next; i++) out[to++] = plane[i] as number;
    at = next;
  }
  return to;
}

/** Where three of the same begin, or as many have gone by as one run may have. */
function literalsEnd(plane: Uint8Array, at: number, end: number): number {
  const last = Math.min(end, at + longestRun);
  for (let next = at + 1; next < last; next++) {
    const value = plane[next];
    if (next + 2 < end && value === plane[next + 1] && value === plane[next + 2]) return next;
  }
  return last;
}

function repetitions(plane: Uint8Array, at: number, end: number): number {
  const value = plane[at];
  const last = Math.min(end, at + longestRun);
  let to = at + 1;
  while (to < last && plane[to] === value) to++;
  return to - at;
}

function withRoom(out: Uint8Array, length: number, bytes: number): Uint8Array {
  if (length + bytes <= out.length) return out;
  const larger = new Uint8Array(2 * out.length + bytes);
  larger.set(out);
  return larger;
}
