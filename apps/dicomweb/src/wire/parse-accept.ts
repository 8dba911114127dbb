/** One media range of an Accept header field or `accept` query parameter (RFC 9110 12.5.1, PS3.18 8.7.5). */
export interface AcceptRange {
  /** Lower case; for a multipart range the type of its parts. `*` where it is a wildcard, e.g. `image/*`. */
  mediaType: string;
  /** Asked for as `multipart/related; type="…"` (or `multipart/*`). `either` for the range that takes anything. */
  parts: 'single' | 'multi' | 'either';
  /** A transfer syntax UID, `*` for any, undefined when the range says nothing. */
  transferSyntax: string | undefined;
  /** 0 to 1; 0 means "not this". */
  quality: number;
}

/** Media types that older editions of PS3.18 and clients call by other names; answers use the names on the right. */
const synonyms = new Map([
  ['application/json+dicom', 'application/dicom+json'],
  ['image/dicom+jpeg', 'image/jpeg'],
  ['image/dicom+jls', 'image/jls'],
  ['image/dicom+jp2', 'image/jp2'],
  ['image/dicom+jpx', 'image/jpx'],
  ['image/dicom+rle', 'image/dicom-rle'],
  ['image/jhc', 'image/jphc'],
  ['image/jph', 'image/jphc'],
  ['image/jpg', 'image/jpeg'],
  ['image/x-dicom-rle', 'image/dicom-rle'],
  ['image/x-jls', 'image/jls'],
  ['image/x-jp2', 'image/jp2'],
  ['image/x-jpx', 'image/jpx'],
  ['video/mpeg', 'video/mpeg2'],
]);

/** Clients send the same few fields all day long. */
const readMax = 100;
const alreadyRead = new Map<string, readonly AcceptRange[]>();

/**
 * Reads an Accept field as clients really write it: parameter values with and without quotes, several ranges separated
 * by commas, or (some viewers) by semicolons only, empty members, unknown parameters. What cannot be read is left out.
 * @returns the ranges in the order they were written
 */
export function parseAccept(field: string): readonly AcceptRange[] {
  let ranges = alreadyRead.get(field);
  if (ranges === undefined) {
    ranges = readAccept(field);
    if (alreadyRead.size >= readMax) alreadyRead.clear();
    alreadyRead.set(field, ranges);
  }
  return ranges;
}

function readAccept(field: string): AcceptRange[] {
  const ranges: AcceptRange[] = [];
  for (const member of split(field, ',')) {
    let current: Draft | undefined;
    for (const piece of split(member, ';')) {
      const type = readMediaType(piece);
      if (type !== undefined) {
        if (current !== undefined) ranges.push(finish(current));
        current = { type, parameters: new Map() };
      } else if (current !== undefined) {
        const [name, value] = readParameter(piece);
        if (!current.parameters.has(name)) current.parameters.set(name, value);
      }
    }
    if (current !== undefined) ranges.push(finish(current));
  }
  return ranges;
}

/** The name our answers use for a media type. */
export function canonicalMediaType(mediaType: string): string {
  const lower = mediaType.toLowerCase();
  return synonyms.get(lower) ?? lower;
}

interface Draft {
  type: string;
  parameters: Map<string, string>;
}

function finish({ type, parameters }: Draft): AcceptRange {
  const isMultipart = type.startsWith('multipart/');
  const parts = isMultipart ? 'multi' : type === '*/*' ? 'either' : 'single';
  const named = isMultipart ? (parameters.get('type') ?? '*/*') : type;
  // OHIF and dicomweb-client shorten a wildcard to `image/`.
  const mediaType = canonicalMediaType(named.endsWith('/') ? `${named}*` : named);
  return {
    mediaType,
    parts,
    transferSyntax: parameters.get('transfer-syntax') || undefined,
    quality: readQuality(parameters.get('q')),
  };
}

function readMediaType(piece: string): string | undefined {
  // A parameter such as type=image/jpeg holds a slash too, but after an equals sign.
  if (!/^[^\s="/]+\/[^\s="/]*$/.test(piece)) return undefined;
  return piece.toLowerCase();
}

function readParameter(piece: string): [name: string, value: string] {
  const equals = piece.indexOf('=');
  if (equals === -1) return [piece.toLowerCase(), ''];
  return [piece.slice(0, equals).trim().toLowerCase(), unquote(piece.slice(equals + 1).trim())];
}

function readQuality(text: string | undefined): number {
  if (text === undefined) return 1;
  const quality = Number(text);
  return text !== '' && quality >= 0 && quality <= 1 ? quality : 1;
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1).replace(/"$/, '').replaceAll(/\\(.)/g, '$1') : text;
}

/** Splits outside of quotes, trims, and drops empty pieces. */
function split(text: string, separator: ',' | ';'): string[] {
  const pieces: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if (isQuoted && character === '\\') at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (at >= text.length || (character === separator && !isQuoted)) {
      const piece = text.slice(start, at).trim();
      if (piece !== '') pieces.push(piece);
      start = at + 1;
    }
  }
  // An open quote swallows the rest of the field; what stands in it is still the best reading.
  const rest = text.slice(start).trim();
  if (rest !== '') pieces.push(rest);
  return pieces;
}
