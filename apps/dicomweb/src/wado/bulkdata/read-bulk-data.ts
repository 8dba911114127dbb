import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { ArchiveError, type InstanceRow, type InstanceUids, OpenInstance } from '#libs/archive';
import { DataSource, query } from '#libs/database';
import { type BulkDataLocation, findBulkData } from '#libs/dicom';
import { InflateInstance } from '../frames/inflate-instance.js';
import { swapped, withoutItemHeaders } from './little-endian.js';

export interface OpenedBulkData {
  instance: InstanceRow;
  /** undefined when that takes reading it. */
  length: number | undefined;
  open: () => Promise<Readable>;
}

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
   * @throws ArchiveError 'instance-not-found', 'bulk-data-not-found'
   */
  async open(uids: InstanceUids, tagPath: string): Promise<OpenedBulkData> {
    const instance = await this.openInstance.find(uids);
    // Asking for what is not there must not cost a pass over gigabytes: only what metadata names is looked for.
    if (!(await this.isNamed(uids, tagPath))) {
      throw new ArchiveError('bulk-data-not-found', `The metadata of the instance names no bulk data at ${tagPath}.`);
    }
    if (this.inflateInstance.isDeflated(instance)) return this.openInflated(instance, tagPath);
    const location = await this.openInstance.locateBulkData(instance, tagPath);
    const { encapsulated, bigEndian, length } = location;
    return {
      instance,
      length: encapsulated ? undefined : length,
      open: async () => {
        const bytes = await this.openInstance.openRange(instance, location.offset, length);
        if (encapsulated) return Readable.from(withoutItemHeaders(bytes));
        return bigEndian ? Readable.from(swapped(bytes, wordBytes(location))) : bytes;
      },
    };
  }

  private async openInflated(instance: InstanceRow, tagPath: string): Promise<OpenedBulkData> {
    const bytes = await this.inflateInstance.inflate(instance);
    const location = findBulkData(bytes, tagPath);
    if (location === undefined) throw new Error(`${tagPath} is named by the metadata and not in the instance`);
    const { offset, length } = location;
    return { instance, length, open: async () => Readable.from([bytes.subarray(offset, offset + length)]) };
  }

  /** All of it in memory, for who draws by it: lookup tables and waveforms. */
  async read(uids: InstanceUids, tagPath: string): Promise<Buffer> {
    return buffer(await (await this.open(uids, tagPath)).open());
  }

  private async isNamed(uids: InstanceUids, tagPath: string): Promise<boolean> {
    const rows = await query<{ is_named: boolean }>(
      this.db,
      `select strpos(i.dicom_json, $4::text) > 0 as is_named
       from study st join series se using (study_key) join instance i using (series_key)
       where st.study_instance_uid = $1::text and se.series_instance_uid = $2::text and i.sop_instance_uid = $3::text`,
      [uids.studyInstanceUid, uids.seriesInstanceUid, uids.sopInstanceUid, `/bulkdata/${tagPath}"`],
    );
    return rows[0]?.is_named === true;
  }
}

/** Of what is stored as words, the bytes of one (PS3.5 7.3). */
function wordBytes({ vr }: BulkDataLocation): 1 | 2 | 4 | 8 {
  switch (vr) {
    case 'OW':
    case 'US':
    case 'SS':
      return 2;
    case 'OL':
    case 'OF':
    case 'UL':
    case 'SL':
    case 'FL':
    case 'AT':
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
