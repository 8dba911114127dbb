import type { Hash } from 'node:crypto';
import { ChunkCarry } from './chunk-carry.js';
import { DatasetParser } from './dataset-parser.js';
import type { DatasetVisitor } from './dataset-visitor.js';
import { DicomError } from './errors.js';
import { FileMeta } from './file-meta.js';
import { findFileMeta, startBytes } from './find-file-meta.js';
import { inflateDataset } from './inflate-dataset.js';
import type { ParseLimits } from './parsed-instance.js';
import { transferSyntaxes } from './transfer-syntaxes.js';

/** One stretch of the object: takes what it can of the bytes, and says how many it needs to get on. */
interface Phase {
  readonly wanted: number;
  parse(bytes: Buffer): number;
  /** @param rest what has not been consumed when the object ends */
  finish(rest: Buffer): void;
}

const explicitLittleEndian = { implicit: false, bigEndian: false };

/**
 * Parses a Part 10 object (PS3.10 7) as its bytes come, in any chunking: preamble, File Meta, dataset. What the visitor
 * does not keep passes by; a dataset in a deflated syntax is held, compressed, until its end.
 */
export class Part10Parser {
  /** Empty until the dataset is reached. */
  transferSyntaxUid = '';
  /** There was no File Meta: the transfer syntax is what the first element looks like. */
  isSyntaxGuessed = false;
  /** Of all chunks so far. */
  bytes = 0;
  /** Undefined where there is none, or not yet. */
  fileMeta: FileMeta | undefined;
  /** Behind preamble and File Meta; undefined until that is known. */
  datasetOffset: number | undefined;
  private readonly carry = new ChunkCarry();
  private phase: Phase;
  private isInDataset = false;
  private failure: unknown;

  /** @param hash gets the bytes of the dataset as they were sent: what is behind preamble and File Meta */
  constructor(
    private readonly visitor: DatasetVisitor,
    private readonly limits: ParseLimits,
    private readonly hash?: Hash,
  ) {
    this.phase = {
      wanted: startBytes,
      parse: (bytes) => (bytes.length < startBytes ? 0 : this.start(bytes)),
      // A short object without preamble is only told from others by its end.
      finish: (rest) => this.finishPhase(rest.subarray(this.start(rest))),
    };
  }

  /** @param chunk the caller's to use again afterwards @throws DicomError as soon as the object is known to be bad */
  write(chunk: Uint8Array): void {
    this.guarded(() => {
      this.bytes += chunk.length;
      this.take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    });
  }

  /** @throws DicomError when the object is not complete */
  end(): void {
    this.guarded(() => this.phase.finish(this.carry.bytes));
  }

  private take(chunk: Buffer): void {
    const { carry } = this;
    let rest = chunk;
    while (rest.length > 0) {
      if (carry.isEmpty) {
        rest = rest.subarray(this.parse(rest));
        if (rest.length < this.phase.wanted) {
          carry.append(rest);
          return;
        }
      } else {
        const count = Math.min(carry.missing(this.phase.wanted), rest.length);
        carry.append(rest.subarray(0, count));
        rest = rest.subarray(count);
        if (carry.missing(this.phase.wanted) > 0) return;
        carry.drop(this.parse(carry.bytes));
      }
    }
  }

  /** @returns how many bytes are consumed; of the others there are fewer than the phase wants */
  private parse(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const { phase, isInDataset } = this;
      const consumed = phase.parse(bytes.subarray(at));
      if (isInDataset) this.hash?.update(bytes.subarray(at, at + consumed));
      at += consumed;
      if (phase === this.phase) return at;
    }
  }

  private finishPhase(bytes: Buffer): void {
    this.phase.finish(bytes.subarray(this.parse(bytes)));
  }

  /** @returns the length of the preamble, if there is one */
  private start(bytes: Buffer): number {
    const found = findFileMeta(bytes);
    this.isSyntaxGuessed = found.kind === 'dataset';
    if (found.kind === 'dataset') this.startDataset(found.transferSyntaxUid, found.offset);
    else this.startFileMeta(found.offset);
    return found.offset;
  }

  /** Group 2 is always explicit little endian. Its length is often wrong: it ends where another group begins. */
  private startFileMeta(offset: number): void {
    const meta = new FileMeta();
    this.fileMeta = meta;
    const parser = new DatasetParser(explicitLittleEndian, meta, this.limits, offset, 2);
    this.phase = {
      get wanted() {
        return parser.wanted;
      },
      parse: (bytes) => {
        const consumed = parser.parse(bytes);
        if (parser.isDone) this.startDataset(meta.transferSyntaxUid(), parser.position);
        return consumed;
      },
      finish: (rest) => {
        parser.finish(rest);
        throw new DicomError('truncated', 'The object is cut off behind its File Meta', { offset: this.bytes });
      },
    };
  }

  private startDataset(transferSyntaxUid: string, offset: number): void {
    const syntax = Object.hasOwn(transferSyntaxes, transferSyntaxUid) ? transferSyntaxes[transferSyntaxUid] : undefined;
    if (syntax === undefined) {
      throw new DicomError('unsupported-transfer-syntax', `Transfer syntax ${transferSyntaxUid} is not known here`, {
        tag: '00020010',
      });
    }
    this.transferSyntaxUid = transferSyntaxUid;
    this.isInDataset = true;
    this.datasetOffset = offset;
    this.phase = syntax.deflated
      ? this.deflatedPhase()
      : this.datasetPhase(new DatasetParser(syntax, this.visitor, this.limits, offset));
  }

  private datasetPhase(parser: DatasetParser): Phase {
    return {
      get wanted() {
        return parser.wanted;
      },
      parse: (bytes) => parser.parse(bytes),
      finish: (rest) => {
        this.hash?.update(rest);
        parser.finish(rest);
      },
    };
  }

  private deflatedPhase(): Phase {
    const compressed = new ChunkCarry();
    const { deflatedBytesMax, inflatedBytesMax } = this.limits;
    return {
      wanted: 1,
      parse: (bytes) => {
        compressed.append(bytes);
        if (compressed.bytes.length > deflatedBytesMax) {
          throw new DicomError(
            'limit-exceeded',
            `A deflated dataset of more than ${deflatedBytesMax} bytes is not read`,
          );
        }
        return bytes.length;
      },
      finish: () => {
        const bytes = inflateDataset(compressed.bytes, inflatedBytesMax);
        const parser = new DatasetParser(explicitLittleEndian, this.visitor, this.limits, 0);
        parser.finish(bytes.subarray(parser.parse(bytes)));
      },
    };
  }

  /** After an error nothing more is taken: the same error comes again. */
  private guarded(act: () => void): void {
    if (this.failure !== undefined) throw this.failure;
    try {
      act();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
