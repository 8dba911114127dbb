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
  for (let segment = 0; segment < segments; segment++) {
    header.setUint32(4 + 4 * segment, length, true);
    // Segments go sample by sample, and in a sample from the high byte to the low one.
    const sample = Math.floor(segment / bytesPerSample);
    const offset = sample * bytesPerSample + bytesPerSample - 1 - (segment % bytesPerSample);
    // A run does not go over the end of a row (G.3.1).
    for (let row = 0; row < pixels; row += columns) {
      const count = Math.min(columns, pixels - row);
      out = withRoom(out, length, packedBytesMax(count) + 1);
      const from = offset + row * segments;
      length = packRow(bytes, from, from + count * segments, segments, out, length);
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

/**
 * PackBits: repetitions of three and more as such, the rest as it is. Goes from a byte of the segment to the next in
 * steps: to lay them side by side first takes longer.
 *
 * @param end behind the last byte of the row
 * @param out with room for the row from `length` on
 * @returns the length with it
 */
function packRow(bytes: Uint8Array, start: number, end: number, step: number, out: Uint8Array, length: number): number {
  let to = length;
  for (let at = start; at < end;) {
    const value = bytes[at] as number;
    const last = Math.min(end, at + longestRun * step);
    let next = at + step;
    while (next < last && bytes[next] === value) next += step;
    if (next - at >= 3 * step || (next - at === 2 * step && next === end)) {
      out[to++] = 257 - (next - at) / step;
      out[to++] = value;
      at = next;
      continue;
    }
    // Up to where three of the same begin.
    const control = to++;
    let here = value;
    do {
      out[to++] = here;
      at += step;
      if (at >= last) break;
      here = bytes[at] as number;
    } while (at + 2 * step >= end || here !== bytes[at + step] || here !== bytes[at + 2 * step]);
    out[control] = to - control - 2;
  }
  return to;
}

function withRoom(out: Uint8Array, length: number, bytes: number): Uint8Array {
  if (length + bytes <= out.length) return out;
  const larger = new Uint8Array(2 * out.length + bytes);
  larger.set(out);
  return larger;
}
