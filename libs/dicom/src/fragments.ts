/** What is learned of encapsulated pixel data while its items pass by. Offsets from the first byte of the object. */
export interface Fragments {
  /** Basic Offset Table: offsets of each frame's first item, from the first item after the table. */
  basicOffsets: number[];
  /** Extended Offset Table (7FE0,0001), as u64 little endian; undefined when the object has none. */
  extendedOffsets: Buffer | undefined;
  /** Of each fragment, its item's 8-byte header not counted. */
  offsets: number[];
  lengths: number[];
  /** Of each fragment: does it end like a JPEG-family codestream (FFD9, maybe padded)? */
  endsCodestream: boolean[];
}

const entryBytes = 16;
const itemHeaderBytes = 8;

/**
 * Which fragments make which frame (PS3.5 A.4): by the offset tables, else one each, else all of a single frame, else by
 * where codestreams end.
 * @returns 16 bytes a frame (see FrameTable), or why it cannot be told
 */
export function frameEntries(fragments: Fragments, numberOfFrames: number): Buffer | string {
  const starts = frameStarts(fragments, numberOfFrames);
  if (typeof starts === 'string') return starts;
  const { offsets, lengths } = fragments;
  const entries = Buffer.alloc(numberOfFrames * entryBytes);
  for (const [frame, first] of starts.entries()) {
    const last = (starts[frame + 1] ?? offsets.length) - 1;
    const count = last - first + 1;
    const offset = count === 1 ? offsets[first]! : offsets[first]! - itemHeaderBytes;
    const length = offsets[last]! + lengths[last]! - offset;
    if (length > 0xffffffff) return `frame ${frame + 1} is longer than 4 GiB`;
    entries.writeBigUInt64LE(BigInt(offset), frame * entryBytes);
    entries.writeUInt32LE(length, frame * entryBytes + 8);
    entries.writeUInt32LE(count, frame * entryBytes + 12);
  }
  return entries;
}

/** @returns the index of each frame's first fragment */
function frameStarts(fragments: Fragments, numberOfFrames: number): number[] | string {
  const { offsets } = fragments;
  const count = offsets.length;
  if (count < numberOfFrames) return `${count} fragments cannot hold ${numberOfFrames} frames`;
  if (count === numberOfFrames) return offsets.map((_, index) => index);
  if (numberOfFrames === 1) return [0];
  return (
    byOffsets(fragments, numberOfFrames) ??
    byCodestreamEnds(fragments, numberOfFrames) ??
    `${count} fragments for ${numberOfFrames} frames, and no offset table says which belong together`
  );
}

function byOffsets(
  { basicOffsets, extendedOffsets, offsets }: Fragments,
  numberOfFrames: number,
): number[] | undefined {
  const relative =
    extendedOffsets !== undefined && extendedOffsets.length >= numberOfFrames * 8
      ? Array.from({ length: numberOfFrames }, (_, frame) => Number(extendedOffsets.readBigUInt64LE(frame * 8)))
      : basicOffsets;
  if (relative.length !== numberOfFrames) return undefined;
  const base = offsets[0]! - itemHeaderBytes;
  const indexOf = new Map(offsets.map((offset, index) => [offset - itemHeaderBytes - base, index]));
  const starts = relative.map((offset) => indexOf.get(offset));
  const isSound =
    starts[0] === 0 &&
    starts.every((start, frame) => start !== undefined && (frame === 0 || start > starts[frame - 1]!));
  return isSound ? (starts as number[]) : undefined;
}

function byCodestreamEnds({ endsCodestream }: Fragments, numberOfFrames: number): number[] | undefined {
  const starts = [0];
  for (const [index, isEnd] of endsCodestream.entries()) {
    if (isEnd && index + 1 < endsCodestream.length) starts.push(index + 1);
  }
  return starts.length === numberOfFrames ? starts : undefined;
}
