import { canonicalMediaType, type AcceptRange, parseAccept } from './parse-accept.js';

/** A form in which the server can give the resource. */
export interface Representation {
  /** As answers name it, e.g. `image/jls`. Of the parts, for a multipart representation. */
  mediaType: string;
  isMultipart: boolean;
  /** For DICOM and pixel data; undefined where there is none to speak of (JSON, rendered pictures). */
  transferSyntaxUid?: string;
  /** As it is in the archive: what `transfer-syntax=*` prefers. */
  isStored?: boolean;
  /** What a range without a transfer syntax prefers; unless said, it is the media type's default one. */
  isDefault?: boolean;
  /** The server has to make it of what is there, which goes before it where the client likes both equally. */
  isMade?: boolean;
  /** Only for who names its transfer syntax: it loses something. */
  isNamedOnly?: boolean;
}

/** The two places where a client says what it takes. */
export interface Acceptable {
  /** The Accept header field, undefined when absent. */
  header: string | undefined;
  /** The `accept` query parameter, decoded, undefined when absent. */
  query: string | undefined;
}

/** PS3.18 table 8.7.3-5: the transfer syntax of a media type that is asked for without one. */
const defaultTransferSyntaxes: Record<string, string> = {
  'application/dicom': '1.2.840.10008.1.2.1',
  'application/octet-stream': '1.2.840.10008.1.2.1',
  'image/dicom-rle': '1.2.840.10008.1.2.5',
  'image/jls': '1.2.840.10008.1.2.4.80',
  'image/jp2': '1.2.840.10008.1.2.4.90',
  'image/jpeg': '1.2.840.10008.1.2.4.70',
  'image/jphc': '1.2.840.10008.1.2.4.201',
  'image/jpx': '1.2.840.10008.1.2.4.92',
  'image/jxl': '1.2.840.10008.1.2.4.110',
  'video/mp4': '1.2.840.10008.1.2.4.102',
  'video/mpeg2': '1.2.840.10008.1.2.4.100',
};

/** What was chosen from lists that stay, by what was asked for: clients send the same few fields all day long. */
const chosenBefore = new WeakMap<readonly Representation[], Map<string, Representation | undefined>>();
const rememberedMax = 100;
/** A field that is longer is read again each time. */
const rememberedCharactersMax = 500;

/**
 * A list of what can be given that is made once and asked for again and again: what is chosen from it is remembered.
 * @returns the same list, which no longer changes
 */
export function lastingOffers<R extends Representation>(possible: readonly R[]): readonly R[] {
  if (!chosenBefore.has(possible)) chosenBefore.set(possible, new Map());
  return Object.freeze(possible);
}

/**
 * Chooses among what the server can give (PS3.18 8.7.8): the `accept` query parameter first, then the header field, each
 * by quality, then what need not be made first, then by the client's order, then by the server's. A range without a
 * transfer syntax means the media type's default one; where that cannot be given, any other the server has is better than
 * nothing, and each part says which it is. Of `transfer-syntax=*` nobody can say which is meant; what is stored costs nothing and loses nothing.
 * @param possible what the server can give, the one it prefers first; not empty
 * @returns the chosen one, or undefined: answer 406 and list what is possible
 */
export function negotiateAccept<R extends Representation>(accept: Acceptable, possible: readonly R[]): R | undefined {
  const remembered = chosenBefore.get(possible) as Map<string, R | undefined> | undefined;
  if (remembered === undefined) return negotiate(accept, possible);
  // No field of a request holds a line's end.
  const asked = `${accept.header === undefined ? '' : `h${accept.header}`}\n${accept.query ?? ''}`;
  let chosen = remembered.get(asked);
  if (chosen === undefined) {
    chosen = negotiate(accept, possible);
    if (asked.length > rememberedCharactersMax) return chosen;
    if (remembered.size >= rememberedMax) remembered.clear();
    remembered.set(asked, chosen);
  }
  return chosen;
}

function negotiate<R extends Representation>(accept: Acceptable, possible: readonly R[]): R | undefined {
  if (accept.query !== undefined && accept.query.trim() !== '') {
    const chosen = choose(parseAccept(accept.query), possible);
    if (chosen !== undefined || accept.header === undefined) return chosen;
  }
  if (accept.header === undefined || accept.header.trim() === '') return possible[0];
  return choose(parseAccept(accept.header), possible);
}

/** A representation as one would write it into an Accept field; for 406 answers and Content-Type headers of parts. */
export function describeRepresentation({ mediaType, isMultipart, transferSyntaxUid }: Representation): string {
  const syntax = transferSyntaxUid === undefined ? '' : `; transfer-syntax=${transferSyntaxUid}`;
  return isMultipart ? `multipart/related; type="${mediaType}"${syntax}` : `${mediaType}${syntax}`;
}

function choose<R extends Representation>(ranges: readonly AcceptRange[], possible: readonly R[]): R | undefined {
  let best: { offer: R; rank: readonly number[] } | undefined;
  possible.forEach((offer, offerOrder) => {
    const match = mostSpecific(ranges, offer);
    if (match === undefined || match.quality === 0) return;
    const rank = [-match.quality, match.isMeantSyntax ? 0 : 1, offer.isMade === true ? 1 : 0, match.order, offerOrder];
    if (best === undefined || isBefore(rank, best.rank)) best = { offer, rank };
  });
  return best?.offer;
}

interface Match {
  quality: number;
  order: number;
  isMeantSyntax: boolean;
}

/** The most specific range that matches decides, so that `image/jls;q=0, image/*` means "an image, but not JPEG-LS". */
function mostSpecific(ranges: readonly AcceptRange[], offer: Representation): Match | undefined {
  let found: (Match & { specificity: number }) | undefined;
  ranges.forEach((range, order) => {
    const specificity = specificityOf(range, offer);
    if (specificity === undefined || (found !== undefined && found.specificity >= specificity)) return;
    found = { quality: range.quality, order, specificity, isMeantSyntax: isMeantSyntax(range, offer) };
  });
  return found;
}

/** @returns how closely the range names the representation, undefined when it does not match */
function specificityOf(range: AcceptRange, offer: Representation): number | undefined {
  if (range.parts !== 'either' && (range.parts === 'multi') !== offer.isMultipart) return undefined;
  const type = offer.mediaType.slice(0, offer.mediaType.indexOf('/'));
  let specificity: number;
  if (range.mediaType === canonicalMediaType(offer.mediaType)) specificity = 6;
  else if (range.mediaType === `${type}/*`) specificity = 4;
  else if (range.mediaType === '*/*') specificity = range.parts === 'either' ? 0 : 2;
  else return undefined;
  if (range.transferSyntax === undefined || range.transferSyntax === '*') {
    return offer.isNamedOnly === true ? undefined : specificity;
  }
  return range.transferSyntax === offer.transferSyntaxUid ? specificity + 1 : undefined;
}

/** Whether the representation has the transfer syntax that the range means without naming it. */
function isMeantSyntax(range: AcceptRange, offer: Representation): boolean {
  const { transferSyntaxUid, isStored, isDefault } = offer;
  if (range.transferSyntax === '*') return isStored !== false;
  if (range.transferSyntax !== undefined || transferSyntaxUid === undefined) return true;
  // `*/*` and `image/*` name no media type, so there is no default to miss.
  if (range.mediaType.endsWith('*')) return true;
  return isDefault ?? transferSyntaxUid === defaultTransferSyntaxes[canonicalMediaType(offer.mediaType)];
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return a[at]! < b[at]!;
  return false;
}
