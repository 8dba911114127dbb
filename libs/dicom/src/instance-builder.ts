import { charsetOf, type Charset, defaultCharset } from './charsets.js';
import type { DatasetVisitor, FragmentInterest, ValuePlace } from './dataset-visitor.js';
import type { DicomJson, DicomJsonElement } from './dicom-json.js';
import { jsonNumber } from './dicom-json.js';
import { elementValue, isBinaryVr } from './element-value.js';
import { DicomError } from './errors.js';
import { FragmentList } from './fragment-list.js';
import { numberBytes } from './read-numbers.js';

export interface InstanceBuilderOptions {
  bulkDataUri: (tagPath: string) => string;
  inlineBytesMax: number;
  valuesMax: number;
}

/** The top-level pixel data as it was met. */
export type PixelData =
  { kind: 'native'; tag: string; offset: number; length: number } | { kind: 'encapsulated'; fragments: FragmentList };

interface Level {
  dataset: DicomJson;
  charset: Charset;
  /** Pixel Representation (0028,0103), here or further out: settles US or SS. */
  isSigned: boolean;
  /** Keys have come in ascending order so far. */
  isOrdered: boolean;
  lastTag: string;
  /** Tag path of what is in here, with a trailing slash. */
  path: string;
  /** The sequence being read, and its items. */
  sequenceTag: string;
  sequenceItems: DicomJson[];
}

const characterSetTag = '00080005';
const pixelRepresentationTag = '00280103';
const paddingTag = 'FFFCFFFC';
const extendedOffsetTableTag = '7FE00001';
const pixelDataTags = new Set(['7FE00010', '7FE00008', '7FE00009']);

/** Makes DICOM JSON (PS3.18 F.2) of a dataset while its elements pass by, and notes where the pixel data is. */
export class InstanceBuilder implements DatasetVisitor {
  pixelData: PixelData | undefined;
  extendedOffsetTable: Buffer | undefined;
  private readonly levels: Level[];
  /** Text beyond ASCII was met where no Specific Character Set was declared. */
  private needsCharset = false;
  private values = 0;
  private fragments: FragmentList | undefined;
  private fragmentsTag = '';
  private fragmentsVr = '';

  constructor(private readonly options: InstanceBuilderOptions) {
    // Only asked for bytes that are not ASCII.
    const undeclared: Charset = {
      decode: (bytes) => {
        this.needsCharset = true;
        return defaultCharset.decode(bytes);
      },
    };
    this.levels = [newLevel('', undeclared, false)];
  }

  /** The dataset as far as it has passed. */
  get soFar(): DicomJson {
    return this.levels[0]!.dataset;
  }

  /** The dataset, once everything has passed. Its text is UTF-8 wherever it came from, and it says so. */
  finish(): DicomJson {
    const level = this.levels[0]!;
    if (this.needsCharset && level.dataset[characterSetTag]?.Value === undefined) {
      this.put(level, characterSetTag, { vr: 'CS', Value: ['ISO_IR 192'] });
    }
    return finished(level);
  }

  keeps(tag: string, vr: string, length: number): boolean {
    if (length === 0) return true;
    if (pixelDataTags.has(tag) && this.isTop) return false;
    if (tag === extendedOffsetTableTag && this.isTop) return true;
    return !isBinaryVr(vr) || length <= this.options.inlineBytesMax;
  }

  element(tag: string, declaredVr: string, bytes: Buffer, bigEndian: boolean): void {
    if (tag === paddingTag) return;
    const level = this.level;
    const vr = declaredVr === 'xs' ? (level.isSigned ? 'SS' : 'US') : declaredVr;
    if (tag === extendedOffsetTableTag && this.isTop) {
      this.extendedOffsetTable = Buffer.from(bytes);
      if (bytes.length > this.options.inlineBytesMax) {
        this.put(level, tag, { vr, BulkDataURI: this.options.bulkDataUri(tag) });
        return;
      }
    }
    this.countValues(tag, vr, bytes);
    const element = elementValue(vr, bytes, level.charset, bigEndian);
    if (tag === characterSetTag && element.Value !== undefined) {
      level.charset = charsetOf(element.Value.map((term) => String(term ?? '')));
      this.put(level, tag, { vr: 'CS', Value: ['ISO_IR 192'] });
      return;
    }
    this.put(level, tag, element);
    if (tag === pixelRepresentationTag) level.isSigned = jsonNumber(level.dataset, tag) === 1;
  }

  bulk({ tag, vr, offset, length }: ValuePlace): void {
    if (tag === paddingTag) return;
    if (pixelDataTags.has(tag) && this.isTop) this.setPixelData({ kind: 'native', tag, offset, length }, offset);
    this.putReference(tag, vr);
  }

  startSequence(tag: string): void {
    const level = this.level;
    level.sequenceTag = tag;
    level.sequenceItems = [];
    // An empty sequence has no Value (PS3.18 F.2.5): it gets one with its end.
    this.put(level, tag, { vr: 'SQ' });
  }

  endSequence(): void {
    const { dataset, sequenceTag, sequenceItems } = this.level;
    if (sequenceItems.length > 0) dataset[sequenceTag] = { vr: 'SQ', Value: sequenceItems };
  }

  startItem(): void {
    const { path, sequenceTag, sequenceItems, charset, isSigned } = this.level;
    this.levels.push(newLevel(`${path}${sequenceTag}/${sequenceItems.length}/`, charset, isSigned));
  }

  endItem(): void {
    const item = finished(this.levels.pop()!);
    this.level.sequenceItems.push(item);
  }

  startFragments(tag: string, vr: string, offset: number): FragmentInterest {
    this.fragmentsTag = tag;
    this.fragmentsVr = vr;
    if (!pixelDataTags.has(tag) || !this.isTop) return { offsetTable: false, edges: false };
    const fragments = new FragmentList();
    this.fragments = fragments;
    this.setPixelData({ kind: 'encapsulated', fragments }, offset);
    // Only fragments of several frames without an offset table must be told apart by what is in them.
    const numberOfFrames = jsonNumber(this.level.dataset, '00280008') ?? 1;
    return { offsetTable: numberOfFrames > 1, edges: numberOfFrames > 1 };
  }

  offsetTable(bytes: Buffer): void {
    this.fragments?.setOffsetTable(bytes);
  }

  fragment(offset: number, length: number, start: Buffer): void {
    this.fragments?.add(offset, length, start);
  }

  fragmentEnd(end: Buffer): void {
    this.fragments?.setEnd(end);
  }

  endFragments(): void {
    this.fragments = undefined;
    this.putReference(this.fragmentsTag, this.fragmentsVr);
  }

  private get isTop(): boolean {
    return this.levels.length === 1;
  }

  private get level(): Level {
    return this.levels[this.levels.length - 1]!;
  }

  private setPixelData(pixelData: PixelData, offset: number): void {
    if (this.pixelData !== undefined) {
      const tag = pixelData.kind === 'native' ? pixelData.tag : this.fragmentsTag;
      throw new DicomError('malformed', 'The dataset has pixel data twice: nobody can say which is meant', {
        offset,
        tag,
      });
    }
    this.pixelData = pixelData;
  }

  private putReference(tag: string, vr: string): void {
    const { bulkDataUri } = this.options;
    // Clients refuse a BulkDataURI of VR UN (dicom-microscopy-viewer); OB is the same bytes, taken as they are.
    const jsonVr = vr === 'UN' || vr === '' ? 'OB' : vr;
    this.put(this.level, tag, { vr: jsonVr, BulkDataURI: bulkDataUri(this.level.path + tag) });
  }

  private put(level: Level, tag: string, element: DicomJsonElement): void {
    if (tag <= level.lastTag) level.isOrdered = false;
    level.lastTag = tag;
    // The last of two elements of one tag counts, as in dcmjs and pydicom.
    level.dataset[tag] = element;
  }

  /** Counted before they are made: a value a byte would take far more memory than the bytes. */
  private countValues(tag: string, vr: string, bytes: Buffer): void {
    const size = numberBytes(vr);
    let count = 1;
    if (size !== undefined) count = bytes.length / size;
    else if (!isBinaryVr(vr)) for (let at = bytes.indexOf(0x5c); at >= 0; at = bytes.indexOf(0x5c, at + 1)) count += 1;
    this.values += count;
    if (this.values > this.options.valuesMax) {
      throw new DicomError('limit-exceeded', `The dataset has more than ${this.options.valuesMax} values`, { tag });
    }
  }
}

function newLevel(path: string, charset: Charset, isSigned: boolean): Level {
  return { dataset: {}, charset, isSigned, isOrdered: true, lastTag: '', path, sequenceTag: '', sequenceItems: [] };
}

/** Elements come in ascending order by rule; those of devices that break it are put in order (PS3.18 F.2.2). */
function finished({ dataset, isOrdered }: Level): DicomJson {
  if (isOrdered) return dataset;
  return Object.fromEntries(
    Object.keys(dataset)
      .sort()
      .map((tag) => [tag, dataset[tag]!]),
  );
}
