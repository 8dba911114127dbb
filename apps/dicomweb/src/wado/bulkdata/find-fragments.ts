/** A fragment of an encapsulated value: where its bytes are, without the header before them. */
export interface Fragment {
  offset: number;
  length: number;
}

const itemHeaderBytes = 8;
const itemTag = 0xe000fffe;
/** Headers are read one by one: a value in more pieces is read from its start. */
const fragmentsMax = 1000;

/**
 * Finds the fragments of an encapsulated value (PS3.5 A.4) by their headers alone, so that a video of gigabytes, which
 * is one fragment, can be read from any place on.
 * @param read gives bytes of the object
 * @param offset of the value's first item, its offset table
 * @param end of the object, bytes
 * @returns undefined when there are too many of them, or their headers make no sense
 */
export async function findFragments(
  read: (offset: number, length: number) => Promise<Buffer>,
  offset: number,
  end: number,
): Promise<Fragment[] | undefined> {
  const fragments: Fragment[] = [];
  for (let at = offset, items = 0; at + itemHeaderBytes <= end && items <= fragmentsMax + 1; items += 1) {
    const header = await read(at, itemHeaderBytes);
    if (header.readUInt32LE(0) !== itemTag) return fragments;
    const fragment = { offset: at + itemHeaderBytes, length: header.readUInt32LE(4) };
    at = fragment.offset + fragment.length;
    if (at > end) return undefined;
    // The first item is the offset table.
    if (items > 0) fragments.push(fragment);
  }
  return undefined;
}

/** The pieces of fragments that hold some bytes of their sum. */
export function piecesOf(fragments: readonly Fragment[], start: number, length: number): Fragment[] {
  const pieces: Fragment[] = [];
  let at = 0;
  for (const fragment of fragments) {
    const from = Math.max(start - at, 0);
    const to = Math.min(start + length - at, fragment.length);
    if (from < to) pieces.push({ offset: fragment.offset + from, length: to - from });
    at += fragment.length;
  }
  return pieces;
}
