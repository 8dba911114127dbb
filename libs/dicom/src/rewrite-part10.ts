import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { ChunkCarry } from './chunk-carry.js';
import { DatasetParser } from './dataset-parser.js';
import type { Encoding } from './element-header.js';
import { DicomError } from './errors.js';
import { type CopiedValue, ExplicitWriter, type NewElement, noWholeWords, turnWords } from './explicit-writer.js';
import { FileMeta } from './file-meta.js';
import { findFileMeta, startBytes } from './find-file-meta.js';
import { defaultParseLimits, type ParseLimits } from './parsed-instance.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';
import { writeFileMeta } from './write-file-meta.js';

/** A stored Part 10 object. */
export interface RewriteSource {
  /** Its bytes from there to its end; closed when no more are wanted. */
  open(offset: number): Promise<AsyncIterable<Uint8Array>>;
}

export interface Rewriting {
  sopClassUid: string;
  sopInstanceUid: string;
  /** What the File Meta is to say: Explicit VR Little Endian, or an encapsulated syntax for new pixel data. */
  transferSyntaxUid: string;
  /** Of the dataset itself: what is written instead of the element or added to it; undefined leaves it out. */
  elements?: ReadonlyMap<string, NewElement | undefined>;
  /** The dataset's Pixel Data anew, when it does not stay as it is. */
  pixelData?: NewPixelData;
}

export interface NewPixelData {
  /** The whole element with its header. */
  write(): AsyncIterable<Uint8Array>;
  /**
   * For an encapsulated source: a place behind its last frame where an item or the delimiter begins, so that the
   * fragments need not be read again. Bytes from the first of the object.
   */
  fragmentsEnd?: number;
}

/** Values up to this size are held while they are turned round; larger ones are copied as they come. */
const keptBytesMax = 64 * 1024;
const fileMetaBytesMax = 1024 * 1024;
const limits: ParseLimits = { ...defaultParseLimits, headerBytesMax: Infinity };
const littleEndian: Encoding = { implicit: false, bigEndian: false };

/**
 * An object in another transfer syntax, as its bytes come: the dataset in explicit little endian, large values copied
 * chunk by chunk (big endian ones turned round), the pixel data as it is or as the caller writes it. Holds one chunk and
 * the element at hand.
 * @throws DicomError while it is read, for a damaged object; 'unsupported-transfer-syntax' for compressed frames without
 * new pixel data
 */
export async function* rewritePart10(source: RewriteSource, rewriting: Rewriting): AsyncGenerator<Buffer> {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, elements, pixelData } = rewriting;
  const start = await openDataset(source);
  yield writeFileMeta(sopClassUid, sopInstanceUid, transferSyntaxUid);
  const writer = new ExplicitWriter({
    keptBytesMax,
    ...(elements && { elements }),
    stopsAtPixelData: pixelData !== undefined,
  });
  const rewriter = new DatasetRewriter(writer, start.encoding, start.offset);
  for await (const chunk of start.dataset) {
    yield* rewriter.write(chunk);
    if (rewriter.pixelDataPlace !== undefined) break;
  }
  const place = rewriter.pixelDataPlace;
  if (place === undefined || pixelData === undefined) return yield* rewriter.end();

  for await (const chunk of pixelData.write()) yield toBuffer(chunk);
  // What is behind the pixel data of a deflated dataset (padding, signatures of bytes that are no longer) is not sought.
  if (start.isDeflated) return;
  const end = place.length === undefined ? await endOfFragments(source, pixelData) : place.offset + place.length;
  const tail = new DatasetRewriter(new ExplicitWriter({ keptBytesMax }), start.encoding, end);
  for await (const chunk of await source.open(end)) yield* tail.write(chunk);
  yield* tail.end();
}

interface OpenedDataset {
  encoding: Encoding;
  isDeflated: boolean;
  /** Of the dataset's first byte, as its parser counts: from the first of the object, or of the inflated dataset. */
  offset: number;
  dataset: AsyncIterable<Uint8Array>;
}

async function openDataset(source: RewriteSource): Promise<OpenedDataset> {
  const chunks = (await source.open(0))[Symbol.asyncIterator]();
  try {
    return await behindFileMeta(chunks);
  } catch (error) {
    await chunks.return?.();
    throw error;
  }
}

async function behindFileMeta(chunks: AsyncIterator<Uint8Array>): Promise<OpenedDataset> {
  let head: Buffer = Buffer.alloc(0);
  for (let isOver = false; ;) {
    const found = isOver || head.length >= startBytes ? readFileMeta(head) : undefined;
    if (found !== undefined) {
      const { implicit, bigEndian, deflated: isDeflated } = transferSyntaxOf(found.transferSyntaxUid);
      const encoding = { implicit, bigEndian };
      const rest = joined(head.subarray(found.offset), chunks);
      if (!isDeflated) return { encoding, isDeflated, offset: found.offset, dataset: rest };
      return { encoding: littleEndian, isDeflated, offset: 0, dataset: inflated(rest) };
    }
    if (isOver || head.length > fileMetaBytesMax) {
      throw new DicomError('truncated', 'The object has no end of its File Meta', { offset: head.length });
    }
    const next = await chunks.next();
    if (next.done === true) isOver = true;
    else head = Buffer.concat([head, next.value]);
  }
}

/** @returns undefined while the File Meta goes on */
function readFileMeta(head: Buffer): { transferSyntaxUid: string; offset: number } | undefined {
  const found = findFileMeta(head);
  if (found.kind === 'dataset') return found;
  const meta = new FileMeta();
  const parser = new DatasetParser(littleEndian, meta, limits, found.offset, 2);
  parser.parse(head.subarray(found.offset));
  return parser.isDone ? { transferSyntaxUid: meta.transferSyntaxUid(), offset: parser.position } : undefined;
}

async function* joined(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

/** Inflated piece by piece (PS3.5 A.5), however large it becomes: nobody holds it. */
async function* inflated(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(compressed, { objectMode: false });
  const inflate = createInflateRaw();
  source.on('error', (error) => inflate.destroy(error));
  try {
    for await (const chunk of source.pipe(inflate)) yield chunk as Buffer;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw error;
    throw new DicomError('malformed', `The deflated dataset cannot be inflated: ${message}`, {}, { cause: error });
  } finally {
    source.destroy();
  }
}

/** Feeds a parser, and gives what the writer made of it. */
class DatasetRewriter {
  pixelDataPlace: { offset: number; length: number | undefined } | undefined;
  private readonly parser: DatasetParser;
  private readonly carry = new ChunkCarry();
  private copying: { value: CopiedValue; left: number; word: Buffer } | undefined;
  private position: number;

  constructor(
    private readonly writer: ExplicitWriter,
    encoding: Encoding,
    offset: number,
  ) {
    this.parser = new DatasetParser(encoding, writer, limits, offset);
    this.position = offset;
  }

  *write(bytes: Uint8Array): Generator<Buffer> {
    const chunk = toBuffer(bytes);
    const start = this.position;
    this.position += chunk.length;
    const out: Buffer[] = [];
    // The parser passes by what is copied.
    this.copy(chunk, start, start, out);
    for (let done = 0; done < chunk.length && this.pixelDataPlace === undefined;) {
      done = this.parse(chunk, start, done, out);
    }
    if (out.length > 0) yield out.length === 1 ? out[0]! : Buffer.concat(out);
  }

  *end(): Generator<Buffer> {
    this.parser.finish(this.carry.bytes);
    this.writer.finish();
    const out: Buffer[] = [];
    for (const piece of this.writer.takePieces()) if (Buffer.isBuffer(piece)) out.push(piece);
    if (out.length > 0) yield Buffer.concat(out);
  }

  /** @returns how many bytes of the chunk are done with */
  private parse(chunk: Buffer, start: number, done: number, out: Buffer[]): number {
    const { carry, parser } = this;
    let consumed: number;
    if (carry.isEmpty) {
      consumed = done + parser.parse(chunk.subarray(done));
      if (chunk.length - consumed < parser.wanted) {
        carry.append(chunk.subarray(consumed));
        consumed = chunk.length;
      }
    } else {
      const count = Math.min(carry.missing(parser.wanted), chunk.length - done);
      carry.append(chunk.subarray(done, done + count));
      consumed = done + count;
      if (carry.missing(parser.wanted) === 0) carry.drop(parser.parse(carry.bytes));
    }
    this.takePieces(chunk, start, out);
    return consumed;
  }

  private takePieces(chunk: Buffer, start: number, out: Buffer[]): void {
    for (const piece of this.writer.takePieces()) {
      if (Buffer.isBuffer(piece)) out.push(piece);
      else if (piece.kind === 'copy') {
        this.copying = { value: piece, left: piece.length, word: Buffer.alloc(0) };
        this.copy(chunk, start, piece.offset, out);
      } else {
        this.pixelDataPlace = piece;
        return;
      }
    }
  }

  /** Copies what of the value at hand lies in the chunk. */
  private copy(chunk: Buffer, start: number, from: number, out: Buffer[]): void {
    const { copying } = this;
    if (copying === undefined) return;
    const at = from - start;
    const bytes = chunk.subarray(at, at + copying.left);
    copying.left -= bytes.length;
    const { wordBytes, tag, length } = copying.value;
    if (wordBytes === 1) {
      out.push(bytes);
    } else {
      const joinedBytes = Buffer.concat([copying.word, bytes]);
      const whole = joinedBytes.length - (joinedBytes.length % wordBytes);
      copying.word = Buffer.from(joinedBytes.subarray(whole));
      out.push(turnWords(joinedBytes.subarray(0, whole), wordBytes));
      if (copying.left === 0 && copying.word.length > 0) throw noWholeWords(tag, length, wordBytes);
    }
    if (copying.left === 0) this.copying = undefined;
  }
}

/** Where the delimiter behind the fragments ends. */
async function endOfFragments(source: RewriteSource, { fragmentsEnd }: NewPixelData): Promise<number> {
  if (fragmentsEnd === undefined) throw new Error('Encapsulated pixel data is replaced without saying where it ends');
  // Behind the last frame there is nothing but the delimiter; a few writers leave empty or spare fragments before it.
  let at = fragmentsEnd;
  for (let spare = 0; spare < 1000; spare += 1) {
    const header = await readBytes(source, at, 8);
    const isItem = header.length === 8 && header.readUInt16LE(0) === 0xfffe;
    const element = isItem ? header.readUInt16LE(2) : 0;
    if (element === 0xe0dd) return at + 8;
    if (element !== 0xe000) break;
    at += 8 + header.readUInt32LE(4);
  }
  throw new DicomError('malformed', 'The fragments are not closed', { tag: '7FE00010', offset: at });
}

async function readBytes(source: RewriteSource, offset: number, length: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of await source.open(offset)) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= length) break;
  }
  return bytes.subarray(0, length);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
