/** A run of bytes, counted from 0; the end is the first byte no longer in it. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Reads a Range field (RFC 9110 14.2): `bytes=a-b`, `bytes=a-` or `bytes=-n` (the last n).
 * @param length of the whole, bytes
 * @returns undefined for what is no single byte range, several ranges among them: all of it is then the answer;
 * `unsatisfiable` when it begins behind the last byte
 */
export function parseRange(field: string | undefined, length: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(field ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const count = Number(last);
    return count === 0 || length === 0 ? 'unsatisfiable' : { start: Math.max(0, length - count), end: length };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= length) return 'unsatisfiable';
  return { start, end: last === '' ? length : Math.min(Number(last) + 1, length) };
}

/**
 * Whether an If-Range field (RFC 9110 13.1.5) lets a range be given: it names our entity tag, and that is a strong one.
 * Dates never match, since our answers carry none.
 */
export function allowsRange(ifRange: string | undefined, etag: string | undefined): boolean {
  if (ifRange === undefined) return true;
  return etag !== undefined && !etag.startsWith('W/') && ifRange.trim() === etag;
}
