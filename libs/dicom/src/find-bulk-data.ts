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

function refuseDeflated(transferSyntaxUid: string): void {
  if (transferSyntaxUid === '' || !transferSyntaxOf(transferSyntaxUid).deflated) return;
  throw new DicomError('unsupported-transfer-syntax', 'The object is deflated: its values have no place in its bytes');
}

/** Keeps nothing: every value passes by, and the one looked for says where it is. */
class Finder implements DatasetVisitor {
  found: BulkDataLocation | undefined;
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
