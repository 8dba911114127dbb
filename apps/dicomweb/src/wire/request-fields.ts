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

/** Whether an Accept-Encoding field takes gzip (RFC 9110 12.5.3); absent, we send what needs no decoding. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  let wildcard = false;
  for (const member of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [coding = '', ...parameters] = member.split(';').map((piece) => piece.trim());
    const isRefused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    if (coding === 'gzip' || coding === 'x-gzip') return !isRefused;
    if (coding === '*') wildcard = !isRefused;
  }
  return wildcard;
}
