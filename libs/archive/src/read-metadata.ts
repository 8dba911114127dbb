import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, query } from '#libs/database';
import { type InstanceUids, notFound, type StudyUids } from './open-instance.js';
import { ArchiveError } from './archive-error.js';

// Long enough that a CT is a few round trips, short enough that a slide's metadata of megabytes each stay few in memory.
const instancesPerRead = 100;

/** Metadata as it was made when the instances were stored: text that goes to the client without being parsed again. */
@Injectable()
export class ReadMetadata {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ArchiveError 'instance-not-found' */
  async ofInstance({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: InstanceUids): Promise<string> {
    const [row] = await query<{ dicom_json: string }>(
      this.dataSource,
      `select i.dicom_json from instance i join series se using (series_key) join study st on st.study_key = i.study_key
        where i.sop_instance_uid = $3 and st.study_instance_uid = $1 and se.series_instance_uid = $2`,
      [studyInstanceUid, seriesInstanceUid, sopInstanceUid],
    );
    if (row === undefined)
      throw new ArchiveError('instance-not-found', `There is no instance ${sopInstanceUid} in that series and study`);
    return row.dicom_json;
  }

  /**
   * Changes whenever the metadata of the study or series does: for a strong ETag.
   * @throws ArchiveError 'study-not-found', 'series-not-found'
   */
  async version(uids: StudyUids): Promise<string> {
    const rows = await query<{ series_key: number; version: number }>(
      this.dataSource,
      `select se.series_key, se.version from series se join study st using (study_key)
        where st.study_instance_uid = $1 and ($2::text is null or se.series_instance_uid = $2)
        order by se.series_key`,
      [uids.studyInstanceUid, uids.seriesInstanceUid ?? null],
    );
    if (rows.length === 0) throw notFound(uids);
    const hash = createHash('sha256');
    for (const { series_key: key, version } of rows) hash.update(`${key}:${version};`);
    return hash.digest('base64url').slice(0, 27);
  }

  /** DICOM JSON texts, one an instance, by series and instance number. */
  async *stream({ studyInstanceUid, seriesInstanceUid }: StudyUids): AsyncGenerator<string> {
    const keys = await query<{ instance_key: number }>(
      this.dataSource,
      `select i.instance_key from instance i join series se using (series_key) join study st on st.study_key = i.study_key
        where st.study_instance_uid = $1 and ($2::text is null or se.series_instance_uid = $2)
        order by se.series_number nulls last, se.series_key, i.instance_number nulls last, i.instance_key`,
      [studyInstanceUid, seriesInstanceUid ?? null],
    );
    for (let at = 0; at < keys.length; at += instancesPerRead) {
      const batch = keys.slice(at, at + instancesPerRead).map((row) => row.instance_key);
      const rows = await query<{ dicom_json: string }>(
        this.dataSource,
        `select i.dicom_json from unnest($1::bigint[]) with ordinality as k (instance_key, position)
           join instance i using (instance_key) order by k.position`,
        [batch],
      );
      for (const row of rows) yield row.dicom_json;
    }
  }
}
