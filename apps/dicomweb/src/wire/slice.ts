/**
 * Some of the bytes of a source, which is closed behind the last of them.
 * @param start bytes left out before
 * @throws Error when the source ends before: it is not what was announced
 */
export async function* slice(
  source: AsyncIterable<Uint8Array>,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  let skip = start;
  let left = length;
  if (left > 0) {
    for await (const chunk of source) {
      const from = Math.min(skip, chunk.length);
      skip -= from;
      const piece = chunk.subarray(from, from + left);
      left -= piece.length;
      if (piece.length > 0) yield piece;
      if (left === 0) break;
    }
  }
  if (left > 0) throw new Error(`The bytes end ${left} before their announced end`);
}
