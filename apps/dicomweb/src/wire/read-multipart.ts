import { WireError } from './wire-error.js';

/** One part of a multipart body. Its body must be read, or given up with `return()`, before the next part comes. */
export interface MultipartPart {
  /** Counted from 1. */
  number: number;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: AsyncGenerator<Buffer, void>;
}

export interface MultipartLimits {
  partsMax: number;
  /** Of one part's header fields together. */
  headerBytesMax: number;
}

/** `too-many-parts`, answered with 413. */
export class TooManyPartsError extends Error {
  override readonly name = 'TooManyPartsError';
  readonly code = 'too-many-parts';
}

const dashes = Buffer.from('--');
const carriageReturn = 0x0d;

/**
 * Reads a multipart body (RFC 2046 5.1.1) part by part as its bytes come: nothing is held but a boundary's length and a
 * part's header. Takes a body that begins with the boundary or with a line break before it, and bare line feeds for line
 * breaks, as some senders write them. The body is left open at the end: answers go out by the same connection. What a
 * part's body gives is good until the next is asked for, as are the chunks of the body.
 * @throws WireError for a body that is none, naming the part; also when it ends without its closing boundary;
 * TooManyPartsError
 */
export async function* readMultipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: MultipartLimits,
): AsyncGenerator<MultipartPart, void> {
  const source = new Source(body);
  try {
    await skipPreamble(source, Buffer.from(`--${boundary}`));
    for (let number = 1; ; number += 1) {
      const lineBreak = await readBoundaryEnd(source, number);
      if (lineBreak === undefined) return;
      if (number > limits.partsMax) throw new TooManyPartsError(`The body has more than ${limits.partsMax} parts`);
      const headers = await readHeaders(source, number, limits.headerBytesMax);
      // A sender is true to its line breaks: looking for either kind would take a last 0x0D from the bytes of a part.
      const ending = Buffer.from(`${lineBreak}--${boundary}`);
      const state = { isRead: false };
      yield { number, headers, body: readBody(source, ending, number, state) };
      // A part that nobody read stands between us and the next one.
      if (!state.isRead) for await (const chunk of readBody(source, ending, number, state)) void chunk;
    }
  } finally {
    await source.close();
  }
}

/** Bytes that have come and not been read. */
class Source {
  private readonly iterator: AsyncIterator<Uint8Array>;
  buffer: Buffer = Buffer.alloc(0);
  hasEnded = false;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.iterator = body[Symbol.asyncIterator]();
  }

  /** @returns false at the end of the body */
  async more(): Promise<boolean> {
    if (this.hasEnded) return false;
    // Its chunks may come in memory that is used again.
    const unread = Buffer.from(this.buffer);
    this.buffer = unread;
    const { value, done } = await this.iterator.next();
    if (done === true) {
      this.hasEnded = true;
      return false;
    }
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.buffer = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    return true;
  }

  async close(): Promise<void> {
    await this.iterator.return?.();
  }

  take(count: number): Buffer {
    const taken = this.buffer.subarray(0, count);
    this.buffer = this.buffer.subarray(count);
    return taken;
  }
}

async function skipPreamble(source: Source, delimiter: Buffer): Promise<void> {
  const preambleBytesMax = 16 * 1024;
  let skipped = 0;
  for (;;) {
    const at = source.buffer.indexOf(delimiter);
    if (at >= 0) {
      source.take(at + delimiter.length);
      return;
    }
    const keep = Math.min(source.buffer.length, delimiter.length - 1);
    skipped += source.take(source.buffer.length - keep).length;
    if (skipped > preambleBytesMax || !(await source.more())) {
      throw new WireError(
        `The body does not have the boundary that its Content-Type announces (${delimiter.toString('latin1', 2)})`,
      );
    }
  }
}

/**
 * Behind a boundary: two dashes close the body, a line break begins a part.
 * @returns the line break, undefined when the body is closed
 */
async function readBoundaryEnd(source: Source, number: number): Promise<'\r\n' | '\n' | undefined> {
  while (source.buffer.length < 2) {
    if (!(await source.more())) throw new WireError(`The body ends after the boundary of part ${number}`);
  }
  if (source.buffer.subarray(0, 2).equals(dashes)) return undefined;
  // Blanks may follow a boundary (RFC 2046 calls it transport padding).
  for (;;) {
    const end = source.buffer.indexOf(0x0a);
    if (end >= 0) {
      const line = source.take(end + 1);
      const padding = line.toString('latin1').trim();
      if (padding !== '')
        throw new WireError(`The boundary before part ${number} goes on with ${JSON.stringify(padding.slice(0, 40))}`);
      return line.at(-2) === carriageReturn ? '\r\n' : '\n';
    }
    if (source.buffer.length > 1024 || !(await source.more()))
      throw new WireError(`Part ${number} does not begin on a new line`);
  }
}

async function readHeaders(source: Source, number: number, bytesMax: number): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  let bytes = 0;
  for (;;) {
    const end = source.buffer.indexOf(0x0a);
    if (end < 0) {
      if (bytes + source.buffer.length > bytesMax)
        throw new WireError(`The header of part ${number} has more than ${bytesMax} bytes`);
      if (!(await source.more())) throw new WireError(`The body ends in the header of part ${number}`);
      continue;
    }
    bytes += end + 1;
    if (bytes > bytesMax) throw new WireError(`The header of part ${number} has more than ${bytesMax} bytes`);
    const line = source
      .take(end + 1)
      .toString('latin1')
      .trimEnd();
    if (line === '') return headers;
    const colon = line.indexOf(':');
    if (colon <= 0)
      throw new WireError(`Part ${number} has a header line without a colon: ${JSON.stringify(line.slice(0, 80))}`);
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

/** Up to the next boundary, which begins with the line break before it. */
async function* readBody(
  source: Source,
  ending: Buffer,
  number: number,
  state: { isRead: boolean },
): AsyncGenerator<Buffer, void> {
  for (;;) {
    const at = source.buffer.indexOf(ending);
    if (at >= 0) {
      const last = source.take(at);
      source.take(ending.length);
      state.isRead = true;
      if (last.length > 0) yield last;
      return;
    }
    // Only what may be the beginning of a boundary has to wait for more.
    const keep = tailThatMayBegin(source.buffer, ending);
    const chunk = source.take(source.buffer.length - keep);
    if (chunk.length > 0) yield chunk;
    if (!(await source.more())) {
      throw new WireError(`The body ends in part ${number}, without its closing boundary: it was cut off on the way`);
    }
  }
}

/** How many bytes at the end of `buffer` could be the start of `ending`. */
function tailThatMayBegin(buffer: Buffer, ending: Buffer): number {
  const longest = Math.min(buffer.length, ending.length - 1);
  const tail = buffer.subarray(buffer.length - longest);
  const first = ending[0]!;
  for (let at = tail.indexOf(first); at >= 0; at = tail.indexOf(first, at + 1)) {
    if (ending.subarray(0, tail.length - at).equals(tail.subarray(at))) return tail.length - at;
  }
  return 0;
}
