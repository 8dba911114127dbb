import type { SampleShape } from '#libs/images';

/** Frames of an object that are stored as codestreams. */
export interface EncodedFrames {
  /** Of the first frame in the object, bytes. */
  offset: number;
  /** Of each frame as it came. */
  bytes: number;
  /** Of each as it is stored, 32 bits little endian; one that is as long as it was is stored as it came. */
  lengths: Buffer;
  /** What the codestreams decode to. */
  shape: SampleShape;
}

/** An object of a pack, and which stored bytes it is made of. Objects, and what is stored of them, have the same order. */
export interface PackPart {
  /** In the pack as if nothing were compressed. */
  offset: number;
  length: number;
  storedOffset: number;
  storedLength: number;
  /** Undefined: it is stored as it came. */
  frames: EncodedFrames | undefined;
}

/** Stored bytes, and which bytes of the pack they become. */
export interface Piece {
  storedOffset: number;
  storedLength: number;
  /** Undefined: they are what they become. */
  frame: { shape: SampleShape; bytes: number; from: number; to: number } | undefined;
}

/** What has to be read for a range of a pack: pieces that lie one behind the other, in their order. */
export function* piecesOf(parts: readonly PackPart[], offset: number, length: number): Generator<Piece> {
  const end = offset + length;
  for (let index = indexAt(parts, offset); index < parts.length && parts[index]!.offset < end; index += 1) {
    yield* piecesOfPart(parts[index]!, offset - parts[index]!.offset, end - parts[index]!.offset);
  }
}

/** The last part that begins at `offset` or before. */
function indexAt(parts: readonly PackPart[], offset: number): number {
  let low = 0;
  let high = parts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (parts[middle]!.offset <= offset) low = middle;
    else high = middle;
  }
  return low;
}

/** @param start from the part's first byte, as `end`; they may lie beyond it */
function* piecesOfPart(part: PackPart, start: number, end: number): Generator<Piece> {
  const { length, storedOffset, frames } = part;
  if (frames === undefined) return yield* asItCame(0, length, storedOffset, start, end);
  yield* asItCame(0, frames.offset, storedOffset, start, end);
  let at = frames.offset;
  let stored = storedOffset + frames.offset;
  for (let index = 0; index < frames.lengths.length; index += 4) {
    const storedLength = frames.lengths.readUInt32LE(index);
    if (storedLength === frames.bytes) yield* asItCame(at, frames.bytes, stored, start, end);
    else if (at < end && at + frames.bytes > start) {
      const from = Math.max(0, start - at);
      const to = Math.min(frames.bytes, end - at);
      yield { storedOffset: stored, storedLength, frame: { shape: frames.shape, bytes: frames.bytes, from, to } };
    }
    at += frames.bytes;
    stored += storedLength;
  }
  yield* asItCame(at, length - at, stored, start, end);
}

function* asItCame(at: number, length: number, stored: number, start: number, end: number): Generator<Piece> {
  const from = Math.max(at, start);
  const to = Math.min(at + length, end);
  if (from < to) yield { storedOffset: stored + from - at, storedLength: to - from, frame: undefined };
}
