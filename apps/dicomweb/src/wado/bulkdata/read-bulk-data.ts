import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { ArchiveError, type InstanceRow, type InstanceUids, OpenInstance } from '#libs/archive';
import { DataSource, query } from '#libs/database';
import { type BulkDataStart, findBulkData } from '#libs/dicom';
import { openStream } from '../../wire/open-stream.js';
import { slice } from '../../wire/slice.js';
import { InflateInstance } from '../frames/inflate-instance.js';
import { type Fragment, findFragments, piecesOf } from './find-fragments.js';
import { swapped, withoutItemHeaders } from './little-endian.js';

export interface BulkDataValue {
  /** Bytes; undefined when that takes reading it. */
  length: number | undefined;
  open: () => Promise<Readable>;
  /** Reads a range alone; undefined where that takes reading what is before. */
  openRange: ((start: number, length: number) => Promise<Readable>) | undefined;
}

export interface OpenedBulkData extends BulkDataValue {
  instance: InstanceRow;
  /** MIME Type of Encapsulated Document (0042,0012), of such a document (0042,0011) only; as its sender wrote it. */
  mimeType: string | undefined;
}

const encapsulatedDocument = '00420011';
const pixelData = '7FE00010';

/** Values that metadata gives by reference (BulkDataURI), in little endian. */
@Injectable()
export class ReadBulkData {
  constructor(
    private readonly db: DataSource,
    private readonly openInstance: OpenInstance,
    private readonly inflateInstance: InflateInstance,
  ) {}

  /**
   * @param tagPath as in the BulkDataURI, e.g. `00420011` or `54000100/0/54001010`
   * @throws ArchiveError 'instance-not-found', 'bulk-data-not-found', 'gone'
   */
  async open(uids: InstanceUids, tagPath: string): Promise<OpenedBulkData> {
    const instance = await this.openInstance.find(uids);
    // Asking for what is not there must not cost a pass over gigabytes: only what metadata names is looked for.
    const { isNamed, mimeType } = await this.askMetadata(uids, tagPath);
    if (!isNamed) {
      throw new ArchiveError('bulk-data-not-found', `The metadata of the instance names no bulk data at ${tagPath}.`);
    }
    const value = await this.openValue(instance, tagPath);
    return { instance, mimeType: tagPath === encapsulatedDocument ? (mimeType ?? undefined) : undefined, ...value };
  }

  /** @param tagPath one that the instance's metadata names @throws ArchiveError 'bulk-data-not-found' */
  async openValue(instance: InstanceRow, tagPath: string): Promise<BulkDataValue> {
    if (this.inflateInstance.isDeflated(instance)) return this.openInflated(instance, tagPath);
    const start = await this.openInstance.locateBulkData(instance, tagPath);
    const { offset, length } = start;
    if (length === undefined) return this.openEncapsulated(instance, offset);
    if (start.bigEndian) return this.openBigEndian(instance, tagPath, start, length);
    return {
      length,
      open: () => this.openInstance.openRange(instance, offset, length),
      openRange: (from, bytes) => this.openInstance.openRange(instance, offset + from, bytes),
    };
  }

  /** All of it in memory, for who draws by it: lookup tables and waveforms. */
  async read(uids: InstanceUids, tagPath: string): Promise<Buffer> {
    return buffer(await (await this.open(uids, tagPath)).open());
  }

  /** The codestreams of all fragments joined, without the offset table. */
  private async openEncapsulated(instance: InstanceRow, offset: number): Promise<BulkDataValue> {
    const openRange = (from: number, length: number) => this.openInstance.openRange(instance, from, length);
    const read = async (from: number, length: number) => buffer(await openRange(from, length));
    const fragments = await findFragments(read, offset, instance.length);
    if (fragments === undefined) {
      const open = async () => openStream(withoutItemHeaders(await openRange(offset, instance.length - offset)));
      return { length: undefined, open, openRange: undefined };
    }
    const length = fragments.reduce((sum, fragment) => sum + fragment.length, 0);
    const openPieces = (from: number, bytes: number) =>
      openStream(this.pieces(instance, piecesOf(fragments, from, bytes)));
    return { length, open: () => openPieces(0, length), openRange: openPieces };
  }

  private async *pieces(instance: InstanceRow, pieces: Fragment[]): AsyncGenerator<Uint8Array> {
    for (const { offset, length } of pieces) {
      yield* slice(await this.openInstance.openRange(instance, offset, length), 0, length);
    }
  }

  private async openBigEndian(
    instance: InstanceRow,
    tagPath: string,
    { offset, vr }: BulkDataStart,
    length: number,
  ): Promise<BulkDataValue> {
    const isWidePixels = tagPath === pixelData && vr === 'OW' && (await this.bitsAllocated(instance)) === 32;
    // Pixels of 32 bits are written as 32-bit numbers, though OW says words of 16.
    const bytes = isWidePixels ? 4 : wordBytes(vr);
    const open = async () => openStream(swapped(await this.openInstance.openRange(instance, offset, length), bytes));
    return { length, open, openRange: undefined };
  }

  private async openInflated(instance: InstanceRow, tagPath: string): Promise<BulkDataValue> {
    const bytes = await this.inflateInstance.inflate(instance);
    const location = findBulkData(bytes, tagPath);
    if (location === undefined) throw new Error(`${tagPath} is named by the metadata and not in the instance`);
    const { offset, length } = location;
    const openRange = async (from: number, count: number) =>
      Readable.from([bytes.subarray(offset + from, offset + from + count)], { objectMode: false });
    return { length, open: () => openRange(0, length), openRange };
  }

  private async askMetadata(
    uids: InstanceUids,
    tagPath: string,
  ): Promise<{ isNamed: boolean; mimeType: string | null }> {
    const [row] = await query<{ isNamed: boolean; mimeType: string | null }>(
      this.db,
      `select strpos(i.dicom_json, $4::text) > 0 as "isNamed",
              case when $5::boolean then substring(i.dicom_json from '"00420012":\\{"vr":"LO","Value":\\["([^"]*)"') end
                as "mimeType"
       from study st join series se using (study_key) join instance i using (series_key)
       where st.study_instance_uid = $1::text and se.series_instance_uid = $2::text and i.sop_instance_uid = $3::text`,
      [
        uids.studyInstanceUid,
        uids.seriesInstanceUid,
        uids.sopInstanceUid,
        `/bulkdata/${tagPath}"`,
        tagPath === encapsulatedDocument,
      ],
    );
    return row ?? { isNamed: false, mimeType: null };
  }

  private async bitsAllocated({ sopInstanceUid }: InstanceRow): Promise<number | null> {
    const [row] = await query<{ bits: number | null }>(
      this.db,
      'select bits_allocated as bits from instance where sop_instance_uid = $1',
      [sopInstanceUid],
    );
    return row?.bits ?? null;
  }
}

/** Of what is stored as words, the bytes of one (PS3.5 7.3). */
function wordBytes(vr: string): 1 | 2 | 4 | 8 {
  switch (vr) {
    case 'OW':
    case 'US':
    case 'SS':
    case 'AT':
      return 2;
    case 'OL':
    case 'OF':
    case 'UL':
    case 'SL':
    case 'FL':
      return 4;
    case 'OD':
    case 'OV':
    case 'FD':
    case 'SV':
    case 'UV':
      return 8;
    default:
      return 1;
  }
}
