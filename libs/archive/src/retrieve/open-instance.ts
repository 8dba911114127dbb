import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DataSource, query, queryPrepared } from '#libs/database';
import { BulkDataSearch, type BulkDataStart } from '#libs/dicom';
import { ArchiveError } from '../archive-error.js';
import { missing } from '../deletion/missing.js';
import { bestLocation, type PackLocation, ReadPack } from './read-pack.js';

export interface StudyUids {
  studyInstanceUid: string;
  seriesInstanceUid?: string;
}
export interface InstanceUids {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
}

/** What the index says of an instance, without its metadata. */
export interface InstanceRow extends InstanceUids {
  sopClassUid: string;
  modality: string | null;
  instanceNumber: number | null;
  rows: number | null;
  columns: number | null;
  numberOfFrames: number | null;
  transferSyntaxUid: string;
  packId: string;
  packOffset: number;
  /** Where the pack could be read when the row was. */
  location: PackLocation | null;
  /** Of the Part 10 object, bytes. */
  length: number;
  /** Of the Part 10 object. */
  sha256: Buffer;
  frameKind: 'native' | 'encapsulated' | 'none' | 'unindexable';
}

/** The columns of an {@link InstanceRow}, from instance i, series se, study st. */
export const instanceSelection = `
  st.study_instance_uid as "studyInstanceUid", se.series_instance_uid as "seriesInstanceUid",
  i.sop_instance_uid as "sopInstanceUid", i.sop_class_uid as "sopClassUid", se.modality,
  i.instance_number as "instanceNumber", i.rows, i.columns, i.number_of_frames as "numberOfFrames",
  i.transfer_syntax_uid as "transferSyntaxUid", i.pack_id as "packId", i.pack_offset as "packOffset", i.length,
  ${bestLocation('i.pack_id')} as location,
  i.sha256, i.frame_kind as "frameKind"`;

export const instanceTables = `instance i join series se using (series_key) join study st on st.study_key = i.study_key`;

/** Instances as they were stored. */
@Injectable()
export class OpenInstance {
  constructor(
    private readonly dataSource: DataSource,
    private readonly packs: ReadPack,
  ) {}

  /** @throws ArchiveError 'instance-not-found', 'gone' */
  async find({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: InstanceUids): Promise<InstanceRow> {
    const [row] = await queryPrepared<InstanceRow>(
      this.dataSource,
      'instance-by-uids',
      `select ${instanceSelection} from ${instanceTables}
        where i.sop_instance_uid = $3 and st.study_instance_uid = $1 and se.series_instance_uid = $2`,
      [studyInstanceUid, seriesInstanceUid, sopInstanceUid],
    );
    return row ?? missing(this.dataSource, { studyInstanceUid, seriesInstanceUid, sopInstanceUid });
  }

  /** By its own UID alone, which is unique. */
  async findAnywhere(sopInstanceUid: string): Promise<InstanceRow | undefined> {
    const [row] = await query<InstanceRow>(
      this.dataSource,
      `select ${instanceSelection} from ${instanceTables} where i.sop_instance_uid = $1`,
      [sopInstanceUid],
    );
    return row;
  }

  /**
   * The instances of a study or of one of its series, by series number and instance number.
   * @throws ArchiveError 'study-not-found', 'series-not-found', 'gone'
   */
  async list({ studyInstanceUid, seriesInstanceUid }: StudyUids): Promise<InstanceRow[]> {
    const rows = await query<InstanceRow>(
      this.dataSource,
      `select ${instanceSelection} from ${instanceTables}
        where st.study_instance_uid = $1 and ($2::text is null or se.series_instance_uid = $2)
        order by se.series_number nulls last, se.series_key, i.instance_number nulls last, i.instance_key`,
      [studyInstanceUid, seriesInstanceUid ?? null],
    );
    if (rows.length > 0) return rows;
    return missing(this.dataSource, {
      studyInstanceUid,
      ...(seriesInstanceUid !== undefined && { seriesInstanceUid }),
    });
  }

  /** The Part 10 object, byte for byte as it came. */
  open(row: InstanceRow): Promise<Readable> {
    return this.packs.open(row.packId, row.packOffset, row.length, row.location);
  }

  /** @param offset from the first byte of the Part 10 object */
  openRange(row: InstanceRow, offset: number, length: number): Promise<Readable> {
    checkRange(row, offset, length);
    return this.packs.open(row.packId, row.packOffset + offset, length, row.location);
  }

  /** Fills `target`: for what is small enough to be held. @param offset from the first byte of the Part 10 object */
  readInto(row: InstanceRow, offset: number, target: Uint8Array): Promise<void> {
    checkRange(row, offset, target.length);
    return this.packs.readInto(row.packId, row.packOffset + offset, target, row.location);
  }

  /**
   * Where the value at a path begins in the object. Reads as much of that as lies before.
   * @throws ArchiveError 'bulk-data-not-found'
   */
  async locateBulkData(row: InstanceRow, tagPath: string): Promise<BulkDataStart> {
    const search = new BulkDataSearch(tagPath);
    for await (const chunk of await this.open(row)) {
      const found = search.write(chunk as Buffer);
      if (found !== undefined) return found;
    }
    throw new ArchiveError('bulk-data-not-found', `Instance ${row.sopInstanceUid} has no value at ${tagPath}`);
  }
}

function checkRange({ length: size, sopInstanceUid }: InstanceRow, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new RangeError(`${length} bytes from ${offset} are not within the ${size} of ${sopInstanceUid}`);
}
