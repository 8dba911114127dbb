/** Big-endian words turned round, whatever the chunks cut through. Bytes behind the last whole word stay as they are. */
export async function* swapped(source: AsyncIterable<Buffer>, wordBytes: 1 | 2 | 4 | 8): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % wordBytes);
    const words = bytes.subarray(0, whole);
    if (wordBytes === 2) words.swap16();
    else if (wordBytes === 4) words.swap32();
    else if (wordBytes === 8) words.swap64();
    if (whole > 0) yield words;
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) yield rest;
}

const itemHeaderBytes = 8;
const itemTag = 0xe000fffe;

/**
 * The fragments of an encapsulated value joined, its offset table (the first item) left out (PS3.5 A.4). Ends at the
 * delimiter behind the last; what follows is not read.
 * @throws Error when the source ends before
 */
export async function* withoutItemHeaders(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let header: Buffer = Buffer.alloc(0);
  let left = 0;
  let items = 0;
  for await (const chunk of source) {
    let bytes: Buffer = chunk;
    while (bytes.length > 0) {
      if (left === 0) {
        const taken = bytes.subarray(0, itemHeaderBytes - header.length);
        header = Buffer.concat([header, taken]);
        bytes = bytes.subarray(taken.length);
        if (header.length < itemHeaderBytes) break;
        if (header.readUInt32LE(0) !== itemTag) return;
        left = header.readUInt32LE(4);
        header = Buffer.alloc(0);
        items += 1;
        continue;
      }
      const piece = bytes.subarray(0, left);
      left -= piece.length;
      bytes = bytes.subarray(piece.length);
      if (items > 1) yield piece;
    }
  }
  throw new Error('The fragments have no end');
}
