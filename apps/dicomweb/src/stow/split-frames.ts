import type { Spool, SpooledBytes } from './spool.js';

/** Where one codestream ends, with a byte of padding or none, and the next begins. */
const seam = /\xff\xd9\x00?(?=\xff\xd8\xff|\xff\x4f\xff\x51)/g;
/** An end, a byte of padding, and the start behind it. */
const seamBytes = 7;

/**
 * The frames of compressed Pixel Data that came in one part, one codestream after the other (JPEG, JPEG-LS, JPEG 2000 and
 * HTJ2K end in FFD9, which nothing within them does).
 * @returns undefined where that does not give as many as there are frames
 */
export async function splitFrames(
  part: SpooledBytes,
  numberOfFrames: number,
  spool: Spool,
): Promise<SpooledBytes[] | undefined> {
  const starts = [part.offset];
  let rest = '';
  let at = part.offset;
  for await (const chunk of spool.read(part)) {
    const text = rest + chunk.toString('latin1');
    const textAt = at - rest.length;
    for (const match of text.matchAll(seam)) {
      const start = textAt + match.index + match[0].length;
      if (start > starts.at(-1)!) starts.push(start);
    }
    if (starts.length > numberOfFrames) return undefined;
    at += chunk.length;
    rest = text.slice(-seamBytes);
  }
  if (starts.length !== numberOfFrames) return undefined;
  return starts.map((offset, index) => ({ offset, bytes: (starts[index + 1] ?? at) - offset }));
}
