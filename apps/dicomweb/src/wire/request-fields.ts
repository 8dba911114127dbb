/**
 * Whether the client already has what we would send (RFC 9110 13.1.2): its list of entity tags has ours, compared
 * weakly, or is `*`.
 * @param etag ours, quotes included
 */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return [...ifNoneMatch.matchAll(/(?:W\/)?("[^"]*")/g)].some(([, tag]) => tag === etag.replace(/^W\//, ''));
}

/** How an answer can be compressed on its way. */
export type ContentCoding = 'br' | 'gzip';

/**
 * Chooses by an Accept-Encoding field (RFC 9110 12.5.3): the coding of the highest quality, of equal ones the one that
 * makes text smaller.
 * @returns undefined for what needs no decoding: when the field is absent, or prefers `identity`
 */
export function chooseCoding(acceptEncoding: string | undefined): ContentCoding | undefined {
  const qualities = new Map<string, number>();
  for (const member of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [coding = '', ...parameters] = member.split(';').map((piece) => piece.trim());
    const quality = parameters
      .map((parameter) => /^q\s*=\s*([\d.]+)$/.exec(parameter)?.[1])
      .find((q) => q !== undefined);
    qualities.set(coding === 'x-gzip' ? 'gzip' : coding, quality === undefined ? 1 : Number(quality));
  }
  const qualityOf = (coding: string) => qualities.get(coding) ?? qualities.get('*') ?? 0;
  const best = qualityOf('gzip') > qualityOf('br') ? 'gzip' : 'br';
  const isWanted = qualityOf(best) > 0 && qualityOf(best) >= (qualities.get('identity') ?? 0);
  return isWanted ? best : undefined;
}
