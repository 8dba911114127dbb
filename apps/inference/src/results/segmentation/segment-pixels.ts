import { encodeRle, MemoryPool } from '#libs/images';
import { FilledBytes } from '../../pipelines/masks/filled-bytes.js';
import type { PixelSource } from '../write-object.js';
import type { Frame, Planes } from './planes.js';

/** Each pixel its label, a byte each. */
export function labelPixels(planes: Planes, frames: readonly Frame[]): PixelSource {
  const bytes = frames.length * planes.rows * planes.columns;
  return {
    bytes: bytes + (bytes % 2),
    async *pieces() {
      for (const { plane } of frames) yield await planes.read(plane);
      if (bytes % 2) yield Buffer.alloc(1);
    },
  };
}

/** The same as RLE (PS3.5 annex G), a fragment each: a tenth of it or less, and all of that in memory. */
export async function runLengthFrames(planes: Planes, frames: readonly Frame[]): Promise<PixelSource[]> {
  const { rows, columns } = planes;
  const layout = { pixels: rows * columns, columns, samplesPerPixel: 1, bytesPerSample: 1 };
  let empty: Uint8Array | undefined;
  const sources: PixelSource[] = [];
  for (const { plane } of frames) {
    const pixels = await planes.read(plane);
    const isEmpty = new FilledBytes(pixels).next(0, pixels.length) === pixels.length;
    const encoded = isEmpty ? (empty ??= encodeRle(pixels, layout)) : encodeRle(pixels, layout);
    sources.push({ bytes: encoded.length, pieces: () => [encoded] });
  }
  return sources;
}

/** Frames made at once, in memory that is used again: new memory of this size takes longer to get than to fill. */
const pieceBytes = 16 * 1024 ** 2;
const memory = new MemoryPool(2 * pieceBytes);

/**
 * One bit a pixel, the lowest first, frame after frame without a gap (PS3.5 8.1.1).
 *
 * @param values of the labels, by the number of their segment
 * @param bytesMax of what is made at once, a frame and a byte at least
 */
export function bitPixels(
  planes: Planes,
  frames: readonly Frame[],
  values: ReadonlyMap<number, number>,
  bytesMax = pieceBytes,
): PixelSource {
  const size = planes.rows * planes.columns;
  const bytes = Math.ceil((frames.length * size) / 8);
  return {
    bytes: bytes + (bytes % 2),
    async *pieces() {
      // With room for the byte that is shared.
      const framesAtOnce = Math.max(1, Math.floor(((bytesMax - 1) * 8) / size));
      const piece = memory.take(Math.max(bytesMax, Math.ceil(size / 8) + 1));
      // Of a byte that two pieces share.
      let [held, shared] = [0, 0];
      for (let first = 0; first < frames.length; first += framesAtOnce) {
        const some = frames.slice(first, first + framesAtOnce);
        const bits = shared + some.length * size;
        const drawn = new Uint8Array(piece, 0, Math.ceil(bits / 8)).fill(0);
        drawn[0] = held;
        await drawFrames(drawn, shared, planes, some, values);
        const isLast = first + framesAtOnce >= frames.length;
        shared = isLast ? 0 : bits % 8;
        held = shared > 0 ? drawn.at(-1)! : 0;
        yield shared > 0 ? drawn.subarray(0, -1) : drawn;
      }
      memory.give(piece);
      if (bytes % 2) yield Buffer.alloc(1);
    },
  };
}

/** Each plane is read once, for all segments that are on it. @param start bit of the first frame */
async function drawFrames(
  bits: Uint8Array,
  start: number,
  planes: Planes,
  frames: readonly Frame[],
  values: ReadonlyMap<number, number>,
): Promise<void> {
  const size = planes.rows * planes.columns;
  const byPlane = Map.groupBy(
    frames.map(({ segment, plane }, index) => ({ plane, value: values.get(segment!)!, start: start + index * size })),
    ({ plane }) => plane,
  );
  const starts = new Float64Array(256);
  for (const [plane, segments] of byPlane) {
    starts.fill(-1);
    for (const segment of segments) starts[segment.value] = segment.start;
    const pixels = await planes.read(plane);
    const filled = new FilledBytes(pixels);
    for (let at = filled.next(0, size); at < size; at = filled.next(at, size)) {
      const value = pixels[at]!;
      const first = at++;
      while (at < size && pixels[at] === value) at++;
      if (starts[value]! >= 0) setBits(bits, starts[value]! + first, starts[value]! + at);
    }
  }
}

/** From bit `start` to before bit `end`. */
function setBits(bytes: Uint8Array, start: number, end: number): void {
  const [first, last] = [Math.floor(start / 8), Math.floor(end / 8)];
  const [before, after] = [start % 8, end % 8];
  if (first === last) {
    bytes[first]! |= ((1 << (after - before)) - 1) << before;
    return;
  }
  bytes[first]! |= (0xff << before) & 0xff;
  for (let at = first + 1; at < last; at++) bytes[at] = 0xff;
  if (after > 0) bytes[last]! |= (1 << after) - 1;
}
