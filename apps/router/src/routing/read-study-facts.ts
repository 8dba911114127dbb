import type { DicomJson } from '#libs/dicom';
import { query, type Transaction } from '#libs/database';
import { isSource, type SeriesFacts, type StudyFacts } from './study-facts.js';
import type { InputInstance } from './workitem-dataset.js';

/** Metadata larger than this (functional groups of thousands of frames) is not read for the few attributes rules ask of. */
const sampleBytesMax = 2 * 1024 ** 2;

interface StudyRow {
  study_key: number;
  study_instance_uid: string;
  attributes: string;
  created_at: Date;
}

interface SeriesRow {
  series_key: number;
  series_instance_uid: string;
  modality: string | null;
  sop_classes: string[];
  attributes: string;
  number_of_instances: number;
  number_of_frames: number;
  sample: string | null;
}

/** Everything routing looks at, as it is in this transaction. @returns undefined when there is no such study */
export async function readStudyFacts(tx: Transaction, studyInstanceUid: string): Promise<StudyFacts | undefined> {
  const [study] = await query<StudyRow>(
    tx,
    'select study_key, study_instance_uid, attributes, created_at from study where study_instance_uid = $1',
    [studyInstanceUid],
  );
  if (study === undefined) return undefined;
  const rows = await readSeries(tx, study.study_key);
  const series = rows.map(toSeriesFacts);
  const sourceKeys = rows.filter((_, index) => series[index]!.isSource).map((row) => row.series_key);
  const input = await readInput(tx, sourceKeys, study.study_key);
  return {
    studyKey: study.study_key,
    studyInstanceUid: study.study_instance_uid,
    arrivedAt: study.created_at,
    secondsSinceLastReceived: input.seconds_since_last_received,
    inputDigest: input.digest,
    attributes: JSON.parse(study.attributes) as DicomJson,
    series,
  };
}

/** Instances of the study's source series, in a fixed order. @returns undefined when there are more than `limit` */
export async function readInputInstances(
  tx: Transaction,
  study: StudyFacts,
  limit: number,
): Promise<InputInstance[] | undefined> {
  const sources = study.series.filter((series) => series.isSource).map((series) => series.seriesInstanceUid);
  const rows = await query<{ series_instance_uid: string; sop_class_uid: string; sop_instance_uid: string }>(
    tx,
    `select e.series_instance_uid, i.sop_class_uid, i.sop_instance_uid
       from instance i join series e using (series_key)
      where e.study_key = $1 and e.series_instance_uid = any($2)
      order by e.series_key, i.instance_number, i.instance_key
      limit $3`,
    [study.studyKey, sources, limit + 1],
  );
  if (rows.length > limit) return undefined;
  return rows.map((row) => ({
    seriesInstanceUid: row.series_instance_uid,
    sopClassUid: row.sop_class_uid,
    sopInstanceUid: row.sop_instance_uid,
  }));
}

function readSeries(tx: Transaction, studyKey: number): Promise<SeriesRow[]> {
  return query<SeriesRow>(
    tx,
    `select e.series_key, e.series_instance_uid, e.modality, e.sop_classes, e.attributes,
            counted.number_of_instances, counted.number_of_frames, sample.dicom_json as sample
       from series e
       cross join lateral (
         select count(*)::integer as number_of_instances,
                coalesce(sum(greatest(i.number_of_frames, 1)), 0)::integer as number_of_frames
           from instance i where i.series_key = e.series_key) counted
       left join lateral (
         select case when octet_length(i.dicom_json) <= $2 then i.dicom_json end as dicom_json
           from instance i where i.series_key = e.series_key
          order by i.instance_number, i.instance_key limit 1) sample on true
      where e.study_key = $1
      order by e.series_key`,
    [studyKey, sampleBytesMax],
  );
}

interface InputRow {
  digest: string;
  seconds_since_last_received: number;
}

/** Digest and age of the source instances; a study without any is as old as its row. */
async function readInput(tx: Transaction, seriesKeys: number[], studyKey: number): Promise<InputRow> {
  const [row] = await query<InputRow>(
    tx,
    `select encode(sha256(coalesce(string_agg(i.sha256, ''::bytea order by i.sha256), ''::bytea)), 'hex') as digest,
            extract(epoch from clock_timestamp() - coalesce(
              max(i.created_at),
              (select created_at from study where study_key = $2)))::float8 as seconds_since_last_received
       from instance i where i.series_key = any($1)`,
    [seriesKeys, studyKey],
  );
  return row!;
}

function toSeriesFacts(row: SeriesRow): SeriesFacts {
  const modality = row.modality ?? '';
  return {
    seriesInstanceUid: row.series_instance_uid,
    modality,
    sopClasses: row.sop_classes,
    numberOfInstances: row.number_of_instances,
    numberOfFrames: row.number_of_frames,
    attributes: JSON.parse(row.attributes) as DicomJson,
    sample: row.sample === null ? undefined : (JSON.parse(row.sample) as DicomJson),
    isSource: isSource(modality, row.sop_classes),
  };
}
