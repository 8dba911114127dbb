import type { Answer } from './answer.js';

export interface Part {
  /** The header block as it came, without the empty line that ends it. */
  headerText: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Buffer;
}

/** Clients look for the end of a part's header in so many bytes only. */
export const partHeaderBytesMax = 1000;

/** A parameter of a media type, without its quotes. */
export function parameterOf(mediaType: string, name: string): string | undefined {
  for (const piece of mediaType.split(/;(?=(?:[^"]*"[^"]*")*[^"]*$)/).slice(1)) {
    const at = piece.indexOf('=');
    if (piece.slice(0, at).trim().toLowerCase() === name)
      return piece
        .slice(at + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1');
  }
  return undefined;
}

/** Reads a `multipart/related` answer (RFC 2046 5.1.1) by the boundary of its header field, and complains of any fault. */
export function readParts(answer: Answer): Part[] {
  answer.isOfType('multipart/related');
  const boundary = parameterOf(answer.header('content-type'), 'boundary');
  if (boundary === undefined) return answer.fail('a boundary parameter', answer.header('content-type'));
  const { body } = answer;
  const delimiter = Buffer.from(`--${boundary}`);
  let at = body.subarray(0, 2).equals(Buffer.from('\r\n')) ? 2 : 0;
  if (!body.subarray(at, at + delimiter.length).equals(delimiter)) {
    return answer.fail(`a body that starts with --${boundary}`, JSON.stringify(body.toString('latin1', 0, 80)));
  }
  const parts: Part[] = [];
  at += delimiter.length;
  for (;;) {
    const after = body.toString('latin1', at, at + 2);
    if (after === '--') return parts;
    if (after !== '\r\n') return answer.fail('CRLF or -- after a boundary', JSON.stringify(after));
    const head = body.indexOf('\r\n\r\n', at);
    if (head === -1) return answer.fail('an empty line after the header of a part', `none after byte ${at}`);
    const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), head + 4);
    if (end === -1)
      return answer.fail('a boundary after the last part', `none after byte ${head + 4} of ${body.length}`);
    const headerText = body.toString('latin1', at + 2, head);
    parts.push({ headerText, headers: readHeaders(headerText), body: body.subarray(head + 4, end) });
    at = end + 2 + delimiter.length;
  }
}

function readHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}
