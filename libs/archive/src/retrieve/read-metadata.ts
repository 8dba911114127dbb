import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, query, queryPrepared } from '#libs/database';
import { missing, type ResourceUids } from '../deletion/missing.js';
import type { InstanceUids, StudyUids } from './open-instance.js';

// Long enough that a CT is a few round trips; a slide's metadata of megabytes each come a few at a time.
const instancesPerRead = 100;
const bytesPerRead = 4 * 1024 ** 2;

/** The metadata of an instance, as it was made when that was stored. */
export interface InstanceMetadata {
  /** DICOM JSON (PS3.18 F.2); BulkDataURIs from the server's root. */
  text: string;
  /** Of the instance as it is stored. */
  transferSyntaxUid: string;
}

/** Metadata as it was made when the instances were stored: text that goes to the client without being parsed again. */
@Injectable()
export class ReadMetadata {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ArchiveError 'instance-not-found', 'gone' */
  async ofInstance({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: InstanceUids): Promise<string> {
    const [row] = await queryPrepared<{ dicom_json: string }>(
      this.dataSource,
      'metadata-of-instance',
      `select i.dicom_json from instance i join series se using (series_key) join study st on st.study_key = i.study_key
        where i.sop_instance_uid = $3 and st.study_instance_uid = $1 and se.series_instance_uid = $2`,
      [studyInstanceUid, seriesInstanceUid, sopInstanceUid],
    );
    if (row === undefined) return missing(this.dataSource, { studyInstanceUid, seriesInstanceUid, sopInstanceUid });
    return row.dicom_json;
  }

  /**
   * Changes whenever the metadata of the study or series does: for a strong ETag.
   * @throws ArchiveError 'study-not-found', 'series-not-found', 'gone'
   */
  async version(uids: StudyUids): Promise<string> {
    const { studyInstanceUid, seriesInstanceUid } = uids;
    const isOfSeries = seriesInstanceUid !== undefined;
    const rows = await queryPrepared<{ series_key: number; version: number }>(
      this.dataSource,
      isOfSeries ? 'version-of-series' : 'versions-of-study',
      `select se.series_key, se.version from series se join study st using (study_key)
        where st.study_instance_uid = $1 ${isOfSeries ? 'and se.series_instance_uid = $2' : ''}
        order by se.series_key`,
      isOfSeries ? [studyInstanceUid, seriesInstanceUid] : [studyInstanceUid],
    );
    if (rows.length === 0) return missing(this.dataSource, uids);
    const hash = createHash('sha256');
    for (const { series_key: key, version } of rows) hash.update(`${key}:${version};`);
    return hash.digest('base64url').slice(0, 27);
  }

  /** @returns bytes of the longest text there is in the study or series; 0 for none */
  async longest({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: ResourceUids): Promise<number> {
    const [row] = await query<{ bytes: number }>(
      this.dataSource,
      `select coalesce(max(octet_length(i.dicom_json)), 0) as bytes
         from instance i join series se using (series_key) join study st on st.study_key = i.study_key
        where st.study_instance_uid = $1 and ($2::text is null or se.series_instance_uid = $2)
          and ($3::text is null or i.sop_instance_uid = $3)`,
      [studyInstanceUid, seriesInstanceUid ?? null, sopInstanceUid ?? null],
    );
    return row!.bytes;
  }

  /** One an instance, by series and instance number. */
  async *stream({ studyInstanceUid, seriesInstanceUid }: StudyUids): AsyncGenerator<InstanceMetadata> {
    const rows = await query<InstanceSize>(
      this.dataSource,
      `select i.instance_key, octet_length(i.dicom_json) as bytes from instance i join series se using (series_key) join study st on st.study_key = i.study_key
        where st.study_instance_uid = $1 and ($2::text is null or se.series_instance_uid = $2)
        order by se.series_number nulls last, se.series_key, i.instance_number nulls last, i.instance_key`,
      [studyInstanceUid, seriesInstanceUid ?? null],
    );
    for (const keys of inReads(rows)) {
      yield* await query<InstanceMetadata>(
        this.dataSource,
        `select i.dicom_json as text, i.transfer_syntax_uid as "transferSyntaxUid" from unnest($1::bigint[]) with ordinality as k (instance_key, position)
           join instance i using (instance_key) order by k.position`,
        [keys],
      );
    }
  }
}

interface InstanceSize {
  instance_key: number;
  bytes: number;
}

/** Keys in order, as many together as one read may bring; one that is larger comes alone. */
function* inReads(rows: InstanceSize[]): Generator<number[]> {
  let keys: number[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (keys.length === instancesPerRead || (keys.length > 0 && bytes + row.bytes > bytesPerRead)) {
      yield keys;
      keys = [];
      bytes = 0;
    }
    keys.push(row.instance_key);
    bytes += row.bytes;
  }
  if (keys.length > 0) yield keys;
}
