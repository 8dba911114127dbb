import type { FragmentList } from './fragment-list.js';
import type { FrameTable } from './parsed-instance.js';

const entryBytes = 16;
const itemHeaderBytes = 8;
const lengthMax = 0xffffffff;

/**
 * Which fragments make which frame (PS3.5 A.4): one each when there are as many; all when there is one frame; else by the
 * extended or the basic offset table; else by where codestreams of the JPEG family begin and end.
 * @param extendedOffsetTable u64 little endian a frame
 */
export function encapsulatedFrames(
  fragments: FragmentList,
  extendedOffsetTable: Buffer | undefined,
  numberOfFrames: number,
): FrameTable {
  const { count } = fragments;
  if (count < numberOfFrames) {
    return { kind: 'unindexable', reason: `${count} fragments cannot be ${numberOfFrames} frames` };
  }
  const starts =
    count === numberOfFrames
      ? Uint32Array.from({ length: count }, (_, index) => index)
      : numberOfFrames === 1
        ? Uint32Array.of(0)
        : (byOffsets(fragments, extendedOffsets(extendedOffsetTable, numberOfFrames)) ??
          byOffsets(fragments, basicOffsets(fragments.basicOffsetTable, numberOfFrames)) ??
          byCodestreams(fragments, numberOfFrames));
  if (starts === undefined) {
    const reason = `${count} fragments for ${numberOfFrames} frames, and nothing says which belong together`;
    return { kind: 'unindexable', reason };
  }
  return tableOf(fragments, starts);
}

/** @param starts index of each frame's first fragment */
function tableOf(fragments: FragmentList, starts: Uint32Array): FrameTable {
  const entries = Buffer.alloc(starts.length * entryBytes);
  for (const [frame, first] of starts.entries()) {
    const last = (starts[frame + 1] ?? fragments.count) - 1;
    const isBare = first === last;
    const offset = fragments.offset(first) - (isBare ? 0 : itemHeaderBytes);
    const length = fragments.offset(last) + fragments.length(last) - offset;
    if (length > lengthMax) return { kind: 'unindexable', reason: `frame ${frame + 1} is longer than 4 GiB` };
    entries.writeBigUInt64LE(BigInt(offset), frame * entryBytes);
    entries.writeUInt32LE(length, frame * entryBytes + 8);
    entries.writeUInt32LE(last - first + 1, frame * entryBytes + 12);
  }
  return { kind: 'encapsulated', entries, numberOfFrames: starts.length };
}

function extendedOffsets(table: Buffer | undefined, numberOfFrames: number): number[] | undefined {
  if (table === undefined || table.length !== numberOfFrames * 8) return undefined;
  return Array.from({ length: numberOfFrames }, (_, frame) => Number(table.readBigUInt64LE(frame * 8)));
}

function basicOffsets(table: Buffer, numberOfFrames: number): number[] | undefined {
  if (table.length !== numberOfFrames * 4) return undefined;
  return Array.from({ length: numberOfFrames }, (_, frame) => table.readUInt32LE(frame * 4));
}

/** A table is believed only if each of its offsets is where an item begins, in ascending order from the first. */
function byOffsets(fragments: FragmentList, offsets: number[] | undefined): Uint32Array | undefined {
  if (offsets === undefined) return undefined;
  const starts = new Uint32Array(offsets.length);
  const base = fragments.offset(0);
  let fragment = 0;
  for (const [frame, offset] of offsets.entries()) {
    while (fragment < fragments.count && fragments.offset(fragment) - base < offset) fragment += 1;
    const isFound = fragment < fragments.count && fragments.offset(fragment) - base === offset;
    if (!isFound || (frame === 0 ? fragment !== 0 : fragment === starts[frame - 1])) return undefined;
    starts[frame] = fragment;
  }
  return starts;
}

/** Believed only if it finds as many codestreams as there are frames. */
function byCodestreams(fragments: FragmentList, numberOfFrames: number): Uint32Array | undefined {
  const starts = new Uint32Array(numberOfFrames);
  let frames = 0;
  for (let index = 0; index < fragments.count; index += 1) {
    if (!fragments.startsCodestream(index)) continue;
    if (index > 0 && !fragments.endsCodestream(index - 1)) continue;
    if (frames === numberOfFrames) return undefined;
    starts[frames++] = index;
  }
  return frames === numberOfFrames && starts[0] === 0 ? starts : undefined;
}
