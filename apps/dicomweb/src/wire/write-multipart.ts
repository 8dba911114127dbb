import { hash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { fillChunks, fillRange, type FillablePart } from './fill-multipart.js';
import { openStream } from './open-stream.js';
import type { ByteRange } from './parse-range.js';
import { slice } from './slice.js';

/** A part of a multipart/related answer. */
export interface Part {
  /** The whole value, e.g. `application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1`. */
  contentType: string;
  /** The address this part alone is had from: its Content-Location. */
  location?: string;
  body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** A part whose length is known before it is read, so that any bytes of the whole can be given. */
export interface SizedPart extends Omit<Part, 'body'> {
  /** Of the body, bytes. */
  length: number;
  open: () => Promise<AsyncIterable<Uint8Array>>;
  /** Without it, what lies before the range is read and left out. */
  openRange?: ((start: number, length: number) => Promise<AsyncIterable<Uint8Array>>) | undefined;
  /** Fills `target` with bytes of the body. Where all parts can, none is opened. */
  readInto?: FillablePart['readInto'] | undefined;
}

export interface MultipartAnswer {
  /** For the answer's own Content-Type header field. */
  contentType: string;
  /** Errors when a part does: the connection must then be cut, since a status of 200 is out already. */
  body: Readable;
}

export interface SizedMultipart {
  contentType: string;
  /** Of the whole, bytes. */
  length: number;
  /**
   * @param range within the whole; the first bytes are there before this resolves
   * @returns where the parts can be read into their place, what its chunks hold is good until the fourth one after
   */
  open: (range: ByteRange) => Promise<Readable>;
  /** Fills `target` with bytes of the whole, from `start` on; where all parts can. */
  readInto?: FillablePart['readInto'];
}

/**
 * Writes multipart/related (RFC 2387, PS3.18 8.6.1.2) part by part as the reader takes it: at no time is more than one
 * chunk held. Clients are particular: dcmjs finds the boundary in the body's first line and looks for the end of a part's
 * headers in its first 1000 bytes; cornerstone searches for exactly `Content-Type:`. So that one comes first, and only
 * bulk data has another.
 * @param mediaType of the parts; goes into the mandatory `type` parameter
 * @param parts the first is opened before this resolves, so that what fails at once is still an honest error answer
 */
export async function writeMultipart(
  mediaType: string,
  parts: AsyncIterable<Part>,
  boundary: string = randomBoundary(),
): Promise<MultipartAnswer> {
  return { contentType: contentTypeOf(mediaType, boundary), body: await openStream(writeParts(boundary, parts)) };
}

/**
 * The same for parts whose lengths are known: so is that of the whole, and any range of it can be had. Clients that load
 * an image progressively (cornerstone) put ranges of several answers together, so the boundary must not change.
 */
export function layOutMultipart(
  mediaType: string,
  parts: readonly SizedPart[],
  boundary: string = randomBoundary(),
): SizedMultipart {
  const end = Buffer.from(`${parts.length === 0 ? '' : '\r\n'}--${boundary}--\r\n`);
  const headBytes = new Map<string, number>();
  const heads = parts.reduce((bytes, part, at) => {
    // Most parts are of one type; only the first begins without a line of its own.
    const sort = `${at === 0} ${part.contentType} ${part.location ?? ''}`;
    let length = headBytes.get(sort);
    if (length === undefined) {
      length = headOf(part, boundary, at === 0).length;
      if (part.location === undefined) headBytes.set(sort, length);
    }
    return bytes + length;
  }, 0);
  const bodies = parts.reduce((bytes, part) => bytes + part.length, 0);
  const whole = { contentType: contentTypeOf(mediaType, boundary), length: heads + bodies + end.length };
  if (parts.length === 0 || !parts.every(isFillable)) {
    return { ...whole, open: (range) => openStream(writeRange(parts, boundary, end, range)) };
  }
  const multipart = { parts, end, headOf: (part: SizedPart, at: number) => headOf(part, boundary, at === 0) };
  return {
    ...whole,
    open: (range) => openStream(fillChunks(multipart, range)),
    readInto: (start, target) => fillRange(multipart, start, target),
  };
}

/** 128 random bits, so that no payload holds it by accident and none can by design. */
export function randomBoundary(): string {
  return randomBytes(16).toString('hex');
}

/**
 * A boundary that is the same each time. As good as a random one where the entity tag comes of a digest of the payload:
 * a payload that holds its own boundary would have to hold 128 bits of its own SHA-256.
 * @param etag a strong one
 */
export function boundaryOf(etag: string): string {
  return hash('sha256', `boundary ${etag}`, 'hex').slice(0, 32);
}

const isFillable = (part: SizedPart): part is SizedPart & FillablePart => part.readInto !== undefined;

const contentTypeOf = (mediaType: string, boundary: string) =>
  `multipart/related; type="${mediaType}"; boundary=${boundary}`;

function headOf({ contentType, location }: Omit<Part, 'body'>, boundary: string, isFirst: boolean): Buffer {
  const line = `${isFirst ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${contentType}\r\n`;
  return Buffer.from(`${line}${location === undefined ? '' : `Content-Location: ${location}\r\n`}\r\n`);
}

async function* writeParts(boundary: string, parts: AsyncIterable<Part>): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const part of parts) {
    // The headers go out with the first bytes: until those are there, nothing is promised.
    let pending: Buffer | undefined = headOf(part, boundary, isFirst);
    isFirst = false;
    for await (const chunk of part.body instanceof Uint8Array ? [part.body] : part.body) {
      if (pending !== undefined) yield pending;
      pending = undefined;
      if (chunk.length > 0) yield chunk;
    }
    if (pending !== undefined) yield pending;
  }
  yield Buffer.from(`${isFirst ? '' : '\r\n'}--${boundary}--\r\n`);
}

async function* writeRange(
  parts: readonly SizedPart[],
  boundary: string,
  end: Buffer,
  range: ByteRange,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  /** What of the next `length` bytes is asked for, counted from their first. */
  const advance = (length: number): ByteRange | undefined => {
    const start = Math.max(range.start - at, 0);
    const stop = Math.min(range.end - at, length);
    at += length;
    return start < stop ? { start, end: stop } : undefined;
  };
  for (const [index, part] of parts.entries()) {
    if (at >= range.end) return;
    const head = headOf(part, boundary, index === 0);
    const ofHead = advance(head.length);
    let pending = ofHead && head.subarray(ofHead.start, ofHead.end);
    const ofBody = advance(part.length);
    if (ofBody !== undefined) {
      for await (const chunk of await openBody(part, ofBody)) {
        if (pending !== undefined) yield pending;
        pending = undefined;
        yield chunk;
      }
    }
    if (pending !== undefined) yield pending;
  }
  const ofEnd = advance(end.length);
  if (ofEnd !== undefined) yield end.subarray(ofEnd.start, ofEnd.end);
}

/** Fails when there are fewer bytes than the length announced: the answer must not look whole. */
async function* openBody(part: SizedPart, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
  const length = end - start;
  const isWhole = length === part.length;
  const source =
    isWhole || part.openRange === undefined
      ? slice(await part.open(), start, length)
      : slice(await part.openRange(start, length), 0, length);
  yield* source;
}
