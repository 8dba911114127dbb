import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { openStream } from './open-stream.js';

/** A part of a multipart/related answer. */
export interface Part {
  /** The whole value, e.g. `application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1`. */
  contentType: string;
  body: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface MultipartAnswer {
  /** For the answer's own Content-Type header field. */
  contentType: string;
  /** Errors when a part does: the connection must then be cut, since a status of 200 is out already. */
  body: Readable;
}

/**
 * Writes multipart/related (RFC 2387, PS3.18 8.6.1.2) part by part as the reader takes it: at no time is more than one
 * chunk held. The boundary is 128 random bits, so that no payload can hold it by accident and none can by design.
 * Clients are particular: dcmjs finds the boundary in the body's first line and looks for the end of a part's headers
 * in its first 1000 bytes; cornerstone searches for exactly `Content-Type:`. So there is that one header and no other.
 * @param mediaType of the parts; goes into the mandatory `type` parameter
 * @param parts the first is opened before this resolves, so that what fails at once is still an honest error answer
 */
export async function writeMultipart(mediaType: string, parts: AsyncIterable<Part>): Promise<MultipartAnswer> {
  const boundary = randomBytes(16).toString('hex');
  return {
    contentType: `multipart/related; type="${mediaType}"; boundary=${boundary}`,
    body: await openStream(writeParts(boundary, parts)),
  };
}

async function* writeParts(boundary: string, parts: AsyncIterable<Part>): AsyncGenerator<Uint8Array> {
  let lineBreak = '';
  for await (const part of parts) {
    // The headers go out with the first bytes: until those are there, nothing is promised.
    let pending: Buffer | undefined = Buffer.from(
      `${lineBreak}--${boundary}\r\nContent-Type: ${part.contentType}\r\n\r\n`,
    );
    lineBreak = '\r\n';
    for await (const chunk of part.body instanceof Uint8Array ? [part.body] : part.body) {
      if (pending !== undefined) yield pending;
      pending = undefined;
      if (chunk.length > 0) yield chunk;
    }
    if (pending !== undefined) yield pending;
  }
  yield Buffer.from(`${lineBreak}--${boundary}--\r\n`);
}
