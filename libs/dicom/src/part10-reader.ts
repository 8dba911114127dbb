import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { ByteSource } from './byte-source.js';
import { DicomError } from './errors.js';
import { finishInstance } from './finish-instance.js';
import { readDataset, type ReadOptions, type ReadState } from './read-dataset.js';
import { readFileMeta } from './read-file-meta.js';
import { newReadState } from './read-state.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';
import { defaultParseLimits, type ParsedInstance, type Part10ReaderOptions } from './parsed-instance.js';

/**
 * Reads one Part 10 object (PS3.10 7) as its bytes pass by, in any chunking. Keeps the header, never the pixel data;
 * bounded in bytes, elements and depth, and iterative. Tolerates a missing preamble or File Meta where the bytes leave
 * no doubt.
 */
export class Part10Reader {
  private readonly source = new ByteSource();
  private readonly hash = createHash('sha256');
  private readonly reading: Generator<void, void>;
  private readonly options: ReadOptions;
  private readonly fileMeta: ReadState;
  private readonly state: ReadState;
  private transferSyntaxUid = '';
  private isHashing = false;
  private isDone = false;
  private bytes = 0;

  constructor({
    bulkDataPrefix = (path) => `bulkdata/${path}`,
    inlineBytesMax = 1024,
    limits = {},
  }: Part10ReaderOptions = {}) {
    this.options = { bulkDataUri: bulkDataPrefix, inlineBytesMax, limits: { ...defaultParseLimits, ...limits } };
    this.fileMeta = newReadState();
    this.state = newReadState();
    this.reading = this.read();
  }

  /** @throws DicomError as soon as the object is known to be bad; it takes nothing after that */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.bytes += bytes.length;
    if (this.isHashing) this.hash.update(bytes);
    if (this.isDone) return;
    this.source.push(bytes);
    this.step();
  }

  /** @throws DicomError 'truncated' when the object has no end, 'missing-attribute' and 'invalid-value' for its UIDs */
  end(): ParsedInstance {
    this.source.end();
    if (!this.isDone) this.step();
    return finishInstance({
      transferSyntaxUid: this.transferSyntaxUid,
      state: this.state,
      datasetSha256: this.hash.digest('hex'),
      bytes: this.bytes,
    });
  }

  private step(): void {
    this.isDone = this.reading.next().done === true;
  }

  private *read(): Generator<void, void> {
    this.transferSyntaxUid = yield* readFileMeta(this.source, this.fileMeta, this.options);
    // Whatever is in the buffer from here on, and all that follows, is the dataset.
    this.hash.update(this.source.rest);
    this.isHashing = true;
    const syntax = transferSyntaxOf(this.transferSyntaxUid);
    const encoding = { implicit: syntax.implicit, bigEndian: syntax.bigEndian };
    if (syntax.deflated) {
      yield* this.readDeflated();
      return;
    }
    yield* readDataset(this.source, encoding, this.state, this.options);
    // Trailing bytes after a complete dataset do not occur; padding is an element of its own.
  }

  private *readDeflated(): Generator<void, void> {
    while (yield* this.source.has(this.source.rest.length + 1)) {
      const { deflatedBytesMax } = this.options.limits;
      if (this.source.rest.length > deflatedBytesMax) {
        throw new DicomError('limit-exceeded', `A deflated dataset of more than ${deflatedBytesMax} bytes is not read`);
      }
    }
    const inflated = new ByteSource();
    inflated.push(inflate(this.source.rest, this.options.limits.inflatedBytesMax));
    inflated.end();
    const reading = readDataset(inflated, { implicit: false, bigEndian: false }, this.state, this.options);
    while (reading.next().done !== true);
    this.state.isInflated = true;
  }
}

function inflate(bytes: Buffer, bytesMax: number): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new DicomError('limit-exceeded', `The dataset inflates to more than ${bytesMax} bytes`);
    if (code === 'Z_BUF_ERROR') throw new DicomError('truncated', 'The deflated dataset ends too early');
    throw new DicomError('malformed', `The deflated dataset cannot be inflated: ${(error as Error).message}`);
  }
}
