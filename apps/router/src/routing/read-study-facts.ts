import type { DicomJson } from '#libs/dicom';
import { query, queryPreparedIn, type Transaction } from '#libs/database';
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
  study_key: number;
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
  const [study] = await query<{ study_key: number }>(tx, 'select study_key from study where study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  return study && (await readFactsOfStudies(tx, [study.study_key]))[0];
}

/** The same of many studies, by as many statements. @returns of those that exist, in the order of their keys */
export async function readFactsOfStudies(tx: Transaction, studyKeys: readonly number[]): Promise<StudyFacts[]> {
  const studies = await queryPreparedIn<StudyRow>(
    tx,
    'routing-studies',
    `select study_key, study_instance_uid, attributes, created_at from study where study_key = any($1)
      order by study_key`,
    [studyKeys],
  );
  const series = (await readSeries(tx, studyKeys)).map((row) => ({ row, facts: toSeriesFacts(row) }));
  const seriesOf = Map.groupBy(series, ({ row }) => row.study_key);
  const sources = series.filter(({ facts }) => facts.isSource).map(({ row }) => row.series_key);
  const inputs = new Map((await readInputs(tx, sources, studyKeys)).map((input) => [input.study_key, input]));
  return studies.flatMap((study) => {
    const input = inputs.get(study.study_key);
    // Deleted between two statements.
    if (input === undefined) return [];
    return {
      studyKey: study.study_key,
      studyInstanceUid: study.study_instance_uid,
      arrivedAt: study.created_at,
      secondsSinceLastReceived: input.seconds_since_last_received,
      inputDigest: input.digest,
      attributes: JSON.parse(study.attributes) as DicomJson,
      series: (seriesOf.get(study.study_key) ?? []).map(({ facts }) => facts),
    };
  });
}

/** As `StudyFacts.inputDigest`, over the instances of some of a study's series. */
export async function readDigest(tx: Transaction, studyKey: number, seriesInstanceUids: string[]): Promise<string> {
  const [row] = await queryPreparedIn<{ digest: string }>(
    tx,
    'routing-digest',
    `select encode(sha256(coalesce(string_agg(i.sha256, ''::bytea order by i.sha256), ''::bytea)), 'hex') as digest
       from series e join instance i using (series_key)
      where e.study_key = $1 and e.series_instance_uid = any($2)`,
    [studyKey, seriesInstanceUids],
  );
  return row!.digest;
}

/** Instances of some series of many studies, in a fixed order, by the key of the study: one statement. */
export async function readInputInstances(
  tx: Transaction,
  series: readonly { studyKey: number; seriesInstanceUid: string }[],
): Promise<Map<number, InputInstance[]>> {
  if (series.length === 0) return new Map();
  const rows = await queryPreparedIn<{
    study_key: number;
    series_instance_uid: string;
    sop_class_uid: string;
    sop_instance_uid: string;
  }>(
    tx,
    'routing-instances',
    `select e.study_key, e.series_instance_uid, i.sop_class_uid, i.sop_instance_uid
       from unnest($1::bigint[], $2::text[]) as w (study_key, series_instance_uid)
       join series e on e.study_key = w.study_key and e.series_instance_uid = w.series_instance_uid
       join instance i using (series_key)
      order by e.series_key, i.instance_number, i.instance_key`,
    [series.map(({ studyKey }) => studyKey), series.map(({ seriesInstanceUid }) => seriesInstanceUid)],
  );
  const instances = rows.map((row) => ({
    studyKey: row.study_key,
    seriesInstanceUid: row.series_instance_uid,
    sopClassUid: row.sop_class_uid,
    sopInstanceUid: row.sop_instance_uid,
  }));
  return Map.groupBy(instances, ({ studyKey }) => studyKey);
}

function readSeries(tx: Transaction, studyKeys: readonly number[]): Promise<SeriesRow[]> {
  return queryPreparedIn<SeriesRow>(
    tx,
    'routing-series',
    `select e.series_key, e.study_key, e.series_instance_uid, e.modality, e.sop_classes, e.attributes,
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
      where e.study_key = any($1)
      order by e.series_key`,
    [studyKeys, sampleBytesMax],
  );
}

interface InputRow {
  study_key: number;
  digest: string;
  seconds_since_last_received: number;
}

/** Digest and age of the source instances; a study without any is as old as its row. */
function readInputs(tx: Transaction, seriesKeys: readonly number[], studyKeys: readonly number[]): Promise<InputRow[]> {
  return queryPreparedIn<InputRow>(
    tx,
    'routing-inputs',
    `select st.study_key,
            encode(sha256(coalesce(input.digests, ''::bytea)), 'hex') as digest,
            extract(epoch from clock_timestamp() - coalesce(input.last_received_at, st.created_at))::float8
              as seconds_since_last_received
       from study st
       cross join lateral (
         select string_agg(i.sha256, ''::bytea order by i.sha256) as digests, max(i.created_at) as last_received_at
           from series se join instance i using (series_key)
          where se.study_key = st.study_key and se.series_key = any($1)) input
      where st.study_key = any($2)`,
    [seriesKeys, studyKeys],
  );
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
