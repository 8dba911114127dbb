import { webTransferSyntax } from '#libs/dicom';

/** How this server is seen by who asks, and the syntax of the instance. */
export interface Presentation {
  /** Of the DICOMweb services, without a trailing slash. */
  dicomwebUrl: string;
  /** As the instance is stored. */
  transferSyntaxUid: string;
}

/**
 * Metadata as it is stored, made into what a client gets. It is text and stays text: parsed, that of a slide takes longer
 * than sending it.
 *
 * BulkDataURIs become absolute: dicomweb-client and dicom-microscopy-viewer fetch them as they stand, and OHIF takes
 * relative ones for relative to other places than RFC 3986 says. Available Transfer Syntax UID (0008,3002) says in what
 * syntax `transfer-syntax=*` gives the frames, and bulk data: that of the instance, unless its values are turned into
 * little endian on the way (PS3.18 8.7.3).
 * @param text DICOM JSON as `stringifyDicomJson` writes it: keys in order, no white space
 */
export function presentMetadata(text: string, { dicomwebUrl, transferSyntaxUid }: Presentation): string {
  const available = webTransferSyntax(transferSyntaxUid);
  const { start, end } = placeOf(text, availableTransferSyntaxUid);
  const head = text.slice(0, start);
  const tail = text.slice(end);
  const element = `"${availableTransferSyntaxUid}":{"vr":"UI","Value":["${available}"]}`;
  const complete = `${head}${head.endsWith('}') ? ',' : ''}${element}${tail.startsWith('"') ? ',' : ''}${tail}`;
  // Quotes within values are escaped, so this is never part of one.
  return complete.replaceAll(`"BulkDataURI":"${storedRoot}/`, () => `"BulkDataURI":"${dicomwebUrl}/`);
}

const availableTransferSyntaxUid = '00083002';
const storedRoot = '/dicom-web';

/** Where the element is, or belongs: from its key to the end of its value. Elements of group 0008 are few and short. */
function placeOf(text: string, tag: string): { start: number; end: number } {
  const keyLength = '"GGGGEEEE":'.length;
  let at = 1;
  while (text[at] === '"') {
    const key = text.slice(at + 1, at + 9);
    if (key > tag) break;
    const end = endOfObject(text, at + keyLength);
    if (key === tag) return { start: at, end };
    at = text[end] === ',' ? end + 1 : end;
  }
  return { start: at, end: at };
}

/** @param at of its opening brace @returns the place behind its closing one */
function endOfObject(text: string, at: number): number {
  let depth = 0;
  for (let index = at; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') index = endOfString(text, index);
    else if (character === '{') depth += 1;
    else if (character === '}') {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
  }
  throw new Error('The stored metadata is no JSON object');
}

/** @param at of the opening quote @returns that of the closing one */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  throw new Error('The stored metadata is no JSON object');
}
