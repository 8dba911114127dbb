import { type DicomJson, jsonText } from './dicom-json.js';
import { DicomError } from './errors.js';
import { frameTable } from './frame-table.js';
import { InstanceBuilder } from './instance-builder.js';
import { defaultParseLimits, type ParsedInstance, type Part10ReaderOptions } from './parsed-instance.js';
import { Part10Parser } from './part10-parser.js';
import { isUid } from './uids.js';

/**
 * Reads one Part 10 object (PS3.10 7) as its bytes pass by, in any chunking: gives its dataset as DICOM JSON and where
 * its frames are. Bounded and iterative; keeps the header, never the pixel data. All of it is synchronous; a dataset in
 * a deflated syntax is held, compressed, and inflated at the end.
 *
 * Tolerates what does no harm: no preamble, no File Meta (where the first element tells the syntax), a wrong group
 * length, elements out of order, superfluous delimiters, padding behind the dataset.
 */
export class Part10Reader {
  private readonly builder: InstanceBuilder;
  private readonly parser: Part10Parser;

  constructor(options: Part10ReaderOptions = {}) {
    const limits = { ...defaultParseLimits, ...options.limits };
    this.builder = new InstanceBuilder({
      bulkDataUri: options.bulkDataPrefix ?? ((tagPath) => `bulkdata/${tagPath}`),
      inlineBytesMax: options.inlineBytesMax ?? 1024,
      valuesMax: limits.valuesMax,
    });
    this.parser = new Part10Parser(this.builder, limits);
  }

  /**
   * @param chunk the next bytes; none of them is referred to afterwards
   * @throws DicomError as soon as the object is known to be bad, and again at every call after that
   */
  write(chunk: Uint8Array): void {
    this.parser.write(chunk);
  }

  /**
   * The UIDs as far as they have been read, for naming an object that proves bad: the dataset's, else those of the File
   * Meta. Only what is a UID.
   */
  get uids(): { sopClassUid?: string; sopInstanceUid?: string } {
    const { fileMeta } = this.parser;
    const sopClassUid = this.readUid('00080016') ?? fileMeta?.sopClassUid;
    const sopInstanceUid = this.readUid('00080018') ?? fileMeta?.sopInstanceUid;
    return {
      ...(sopClassUid !== undefined && isUid(sopClassUid) && { sopClassUid }),
      ...(sopInstanceUid !== undefined && isUid(sopInstanceUid) && { sopInstanceUid }),
    };
  }

  /** Where the dataset begins, in bytes from the first of the object; undefined until that is known. */
  get datasetOffset(): number | undefined {
    return this.parser.datasetOffset;
  }

  /** @throws DicomError 'truncated' for an object that is cut off; 'missing-attribute' and 'invalid-value' for its UIDs */
  end(): ParsedInstance {
    this.parser.end();
    const { transferSyntaxUid, isSyntaxGuessed, bytes } = this.parser;
    const { pixelData, extendedOffsetTable } = this.builder;
    if (isSyntaxGuessed && pixelData?.kind === 'encapsulated') {
      throw new DicomError(
        'missing-attribute',
        'Its pixel data is compressed, and without File Meta nothing says how',
        {
          tag: '00020010',
        },
      );
    }
    const dataset = this.builder.finish();
    return {
      transferSyntaxUid,
      sopClassUid: requiredUid(dataset, '00080016', 'SOP Class UID'),
      sopInstanceUid: requiredUid(dataset, '00080018', 'SOP Instance UID'),
      studyInstanceUid: requiredUid(dataset, '0020000D', 'Study Instance UID'),
      seriesInstanceUid: requiredUid(dataset, '0020000E', 'Series Instance UID'),
      dataset,
      frames: frameTable(dataset, transferSyntaxUid, pixelData, extendedOffsetTable),
      // Known before anything of a dataset is.
      datasetOffset: this.parser.datasetOffset!,
      bytes,
    };
  }

  private readUid(tag: string): string | undefined {
    const uid = jsonText(this.builder.soFar, tag);
    return uid !== undefined && isUid(uid) ? uid : undefined;
  }
}

function requiredUid(dataset: DicomJson, tag: string, name: string): string {
  const uid = jsonText(dataset, tag);
  if (uid === undefined) throw new DicomError('missing-attribute', `The object has no ${name}`, { tag });
  if (!isUid(uid)) {
    throw new DicomError('invalid-value', `The ${name} is no UID: ${JSON.stringify(uid.slice(0, 80))}`, { tag });
  }
  return uid;
}
