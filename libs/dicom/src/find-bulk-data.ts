import type { DatasetVisitor, FragmentInterest, ValuePlace } from './dataset-visitor.js';
import { DicomError } from './errors.js';
import { type BulkDataLocation, defaultParseLimits } from './parsed-instance.js';
import { Part10Parser } from './part10-parser.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';

/**
 * Where the value of one element lies in a Part 10 object, so that it can be read without the rest.
 * @param bytes the object, or as much of its start as reaches the value (for encapsulated pixel data: its end)
 * @param tagPath `GGGGEEEE`, or `GGGGEEEE/<item from 0>/GGGGEEEE` into sequences
 * @returns undefined when these bytes have no such element
 * @throws DicomError for bytes that are no DICOM; 'unsupported-transfer-syntax' for a deflated object, whose values have
 * no place in its bytes (see `toExplicitLittleEndian`)
 */
export function findBulkData(bytes: Uint8Array, tagPath: string): BulkDataLocation | undefined {
  const finder = new Finder(tagPath);
  const parser = new Part10Parser(finder, { ...defaultParseLimits, headerBytesMax: Infinity });
  try {
    parser.write(bytes);
    refuseDeflated(parser.transferSyntaxUid);
    // A value may be found though the object goes on, and the end only matters to what was not found.
    if (finder.found === undefined) parser.end();
  } catch (error) {
    const isOver = error instanceof DicomError && (error.code === 'truncated' || finder.found !== undefined);
    if (!isOver) throw error;
  }
  return finder.found;
}

/** Where a value begins that is looked for while the bytes of its object pass. */
export interface BulkDataStart extends Omit<BulkDataLocation, 'length'> {
  /** undefined for encapsulated values: their end is where their items end. */
  length: number | undefined;
}

/** Looks for the value of one element in an object of any size: give it the bytes until it says where that is. */
export class BulkDataSearch {
  private readonly finder: Finder;
  private readonly parser: Part10Parser;

  /** @param tagPath as for {@link findBulkData} */
  constructor(tagPath: string) {
    this.finder = new Finder(tagPath);
    this.parser = new Part10Parser(this.finder, { ...defaultParseLimits, headerBytesMax: Infinity });
  }

  /** @returns undefined until the value's header has come @throws DicomError as {@link findBulkData} */
  write(chunk: Uint8Array): BulkDataStart | undefined {
    try {
      this.parser.write(chunk);
    } catch (error) {
      // What is wrong behind the value does not matter to who looks for it.
      if (!(error instanceof DicomError && this.start !== undefined)) throw error;
    }
    refuseDeflated(this.parser.transferSyntaxUid);
    return this.start;
  }

  private get start(): BulkDataStart | undefined {
    return this.finder.begun ?? this.finder.found;
  }
}

function refuseDeflated(transferSyntaxUid: string): void {
  if (transferSyntaxUid === '' || !transferSyntaxOf(transferSyntaxUid).deflated) return;
  throw new DicomError('unsupported-transfer-syntax', 'The object is deflated: its values have no place in its bytes');
}

/** Keeps nothing: every value passes by, and the one looked for says where it is. */
class Finder implements DatasetVisitor {
  found: BulkDataLocation | undefined;
  /** Set from the header of an encapsulated value on. */
  begun: BulkDataStart | undefined;
  private path = '';
  private readonly sequences: { tag: string; path: string; items: number }[] = [];
  private fragments: { tag: string; vr: string; offset: number } | undefined;

  constructor(private readonly tagPath: string) {}

  keeps(): boolean {
    return false;
  }

  element(): void {}

  bulk({ tag, vr, offset, length, bigEndian }: ValuePlace): void {
    if (this.found !== undefined || this.path + tag !== this.tagPath) return;
    this.found = { offset, length, vr: vr === 'xs' ? 'US' : vr, bigEndian, encapsulated: false };
  }

  startSequence(tag: string): void {
    this.sequences.push({ tag, path: this.path, items: 0 });
  }

  endSequence(): void {
    this.path = this.sequences.pop()?.path ?? '';
  }

  startItem(): void {
    const sequence = this.sequences.at(-1)!;
    this.path = `${sequence.path}${sequence.tag}/${sequence.items}/`;
    sequence.items += 1;
  }

  endItem(): void {
    this.path = this.sequences.at(-1)!.path;
  }

  startFragments(tag: string, vr: string, offset: number): FragmentInterest {
    this.fragments = { tag, vr, offset };
    if (this.begun === undefined && this.path + tag === this.tagPath) {
      this.begun = { offset, length: undefined, vr, bigEndian: false, encapsulated: true };
    }
    return { offsetTable: false, edges: false };
  }

  offsetTable(): void {}
  fragment(): void {}
  fragmentEnd(): void {}

  endFragments(end: number): void {
    const { tag, vr, offset } = this.fragments!;
    if (this.found !== undefined || this.path + tag !== this.tagPath) return;
    this.found = { offset, length: end - offset, vr, bigEndian: false, encapsulated: true };
  }
}
