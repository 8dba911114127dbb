import { Injectable } from '@nestjs/common';
import { ArchiveError, type InstanceRow } from '#libs/archive';
import { DataSource, query } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import { pixelAttributes } from '#libs/images';
import { isReadableJson } from '../../qido/match-sql.js';
import { SingleFlightCache } from '../single-flight-cache.js';

/** Viewers ask for one frame after the other of the same few instances. */
const cacheBytesMax = 1024 * 1024;

/** What a dataset says about its stored samples, without the megabytes that the metadata of a slide has beside it. */
@Injectable()
export class ReadPixelAttributes {
  private readonly cache = new SingleFlightCache<DicomJson>(cacheBytesMax, (read) => 2 * JSON.stringify(read).length);

  constructor(private readonly db: DataSource) {}

  /** @throws ArchiveError 'instance-not-found' */
  read(instance: InstanceRow): Promise<DicomJson> {
    return this.cache.get(instance.sha256.toString('hex'), () => this.load(instance));
  }

  private async load({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: InstanceRow): Promise<DicomJson> {
    const [row] = await query<{ attributes: string | null }>(
      this.db,
      `select case when ${isReadableJson('i.dicom_json')} then (
           select json_object_agg(key, value)::text from json_each(i.dicom_json::json) where key = any($4::text[])
         ) else i.dicom_json end as attributes
       from study st join series se using (study_key) join instance i using (series_key)
       where st.study_instance_uid = $1::text and se.series_instance_uid = $2::text and i.sop_instance_uid = $3::text`,
      [studyInstanceUid, seriesInstanceUid, sopInstanceUid, pixelAttributes],
    );
    if (row === undefined)
      throw new ArchiveError('instance-not-found', `There is no instance ${sopInstanceUid} in that series and study`);
    const read = JSON.parse(row.attributes ?? '{}') as DicomJson;
    return Object.fromEntries(
      Object.entries(read).filter(([tag]) => (pixelAttributes as readonly string[]).includes(tag)),
    );
  }
}
