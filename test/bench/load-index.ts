import type { DataSource } from '#libs/database';
import { type BenchStudy, benchStudy } from './bench-study.js';

export interface LoadOptions {
  token: string;
  studies: number;
  seriesPerStudy: number;
  instancesPerSeries: number;
  report: (text: string) => void;
}

const studiesPerBatch = 5000;

/**
 * Fills the index of an archive with the rows of made-up studies, without any stored object: for measuring searches in
 * archives that would take days to upload. Secondary indexes are made again afterwards, as they were.
 */
export async function loadIndex(db: DataSource, options: LoadOptions): Promise<void> {
  const { studies, seriesPerStudy, instancesPerSeries, report } = options;
  const [some] = (await db.query(`select from study limit 1`)) as unknown[];
  if (some !== undefined) throw new Error('The archive is not empty: load into a data folder of its own.');
  const indexes = await dropSecondaryIndexes(db);
  for (let from = 0; from < studies; from += studiesPerBatch) {
    const count = Math.min(studiesPerBatch, studies - from);
    const batch = Array.from({ length: count }, (_, at) => studyRow(benchStudy(options.token, from + at), options));
    await insertBatch(db, batch, 1 + from, options);
    report(`${from + count} studies, ${(from + count) * seriesPerStudy * instancesPerSeries} instances`);
  }
  await markRouted(db);
  for (const { name, definition } of indexes) {
    await db.query(definition);
    report(`index ${name}`);
  }
  for (const table of ['study', 'series'])
    await db.query(
      `select setval(pg_get_serial_sequence('${table}', '${table}_key'), max(${table}_key)) from ${table}`,
    );
  await db.query(`select fold_study_counts()`);
  const changed = [
    'study',
    'series',
    'instance',
    'pack',
    'location',
    'study_routing',
    'study_count',
    'study_count_change',
  ];
  for (const table of changed) await db.query(`vacuum analyze ${table}`);
}

async function insertBatch(db: DataSource, batch: unknown[], firstKey: number, options: LoadOptions): Promise<void> {
  const lastKey = firstKey + batch.length - 1;
  await db.query(
    `insert into study (study_key, study_instance_uid, study_date, study_time, accession_number, study_description,
       patient_name, patient_id, patient_birth_date, patient_sex, study_id, modalities, sop_classes, number_of_series,
       number_of_instances, bytes, attributes)
     overriding system value
     select study_key, study_instance_uid, study_date, study_time, accession_number, study_description, patient_name,
       patient_id, '19600101', 'O', '1', array[modality], array['1.2.840.10008.5.1.4.1.1.2'], $2, $2::int * $3::int,
       $2::bigint * $3 * 526000, attributes
     from json_to_recordset($1::json) as s (study_key bigint, study_instance_uid text, study_date text, study_time text,
       accession_number text, study_description text, patient_name text, patient_id text, modality text, attributes text)`,
    [JSON.stringify(batch), options.seriesPerStudy, options.instancesPerSeries],
  );
  await db.query(
    `insert into series (series_key, study_key, series_instance_uid, modality, series_number, series_description,
       number_of_instances, sop_classes, transfer_syntaxes, attributes)
     overriding system value
     select (study_key - 1) * $3 + e, study_key, study_instance_uid || lpad((e - 1)::text, 3, '0'), modalities[1], e,
       'Series ' || e, $4, sop_classes, array['1.2.840.10008.1.2.1'],
       format('{"00080060":{"vr":"CS","Value":["%s"]},"0008103E":{"vr":"LO","Value":["Series %s"]},"0020000E":{"vr":"UI","Value":["%s"]},"00200011":{"vr":"IS","Value":[%s]}}',
         modalities[1], e, study_instance_uid || lpad((e - 1)::text, 3, '0'), e)
     from study, generate_series(1, $3::int) e where study_key between $1 and $2`,
    [firstKey, lastKey, options.seriesPerStudy, options.instancesPerSeries],
  );
  // A pack is what one request brings: here, a series.
  await db.query(
    `insert into pack (pack_id, bytes, sha256)
     select md5(series_instance_uid)::uuid, number_of_instances::bigint * 526000, sha256(series_instance_uid::bytea)
     from series where study_key between $1 and $2`,
    [firstKey, lastKey],
  );
  await db.query(
    `insert into location (location_id, pack_id, tier, store, key)
     select gen_random_uuid(), md5(series_instance_uid)::uuid, 'hot', 'local', md5(series_instance_uid)
     from series where study_key between $1 and $2`,
    [firstKey, lastKey],
  );
  await db.query(
    `insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, instance_number, rows, columns,
       bits_allocated, transfer_syntax_uid, pack_id, pack_offset, length, sha256, dataset_sha256, frame_kind,
       pixel_data_offset, pixel_data_length, frame_bits, dicom_json)
     select series_key, study_key, uid, sop_classes[1], n, 512, 512, 16, transfer_syntaxes[1],
       md5(series_instance_uid)::uuid, (n - 1) * 526000::bigint, 526000, sha256(uid::bytea), sha256(uid::bytea), 'native',
       1700, 524288, 4194304, format('{"00080018":{"vr":"UI","Value":["%s"]},"00200013":{"vr":"IS","Value":[%s]}}', uid, n)
     from series, generate_series(1, $3::int) n, concat(series_instance_uid, lpad((n - 1)::text, 6, '0')) uid
     where study_key between $1 and $2 order by series_key, n`,
    [firstKey, lastKey, options.instancesPerSeries],
  );
}

/** Nothing is left to do about what was never uploaded: no report is written, no model runs. */
async function markRouted(db: DataSource): Promise<void> {
  await db.query(
    `insert into study_routing (study_key, state, last_received_at) select study_key, 'routed', now() from study`,
  );
}

function studyRow(study: BenchStudy, { seriesPerStudy }: LoadOptions) {
  const element = (vr: string, value: unknown) => ({ vr, Value: [value] });
  const attributes = {
    '00080020': element('DA', study.studyDate),
    '00080030': element('TM', study.studyTime),
    '00080050': element('SH', study.accessionNumber),
    '00081030': element('LO', study.studyDescription),
    '00100010': element('PN', { Alphabetic: study.patientName }),
    '00100020': element('LO', study.patientId),
    '00100030': element('DA', '19600101'),
    '00100040': element('CS', 'O'),
    '0020000D': element('UI', study.studyInstanceUid),
    '00200010': element('SH', '1'),
  };
  return {
    study_key: 1 + study.index,
    study_instance_uid: study.studyInstanceUid,
    study_date: study.studyDate,
    study_time: study.studyTime,
    accession_number: study.accessionNumber,
    study_description: study.studyDescription,
    patient_name: study.patientName,
    patient_id: study.patientId,
    modality: study.modality,
    number_of_series: seriesPerStudy,
    attributes: JSON.stringify(attributes),
  };
}

/** Indexes that belong to no constraint, dropped. @returns how each is made again */
async function dropSecondaryIndexes(db: DataSource): Promise<{ name: string; definition: string }[]> {
  const indexes = (await db.query(
    `select indexname as name, indexdef as definition from pg_indexes
     where schemaname = 'public' and tablename in ('study', 'series', 'instance', 'pack', 'location')
       and not exists (select from pg_constraint where conname = indexname)`,
  )) as { name: string; definition: string }[];
  for (const { name } of indexes) await db.query(`drop index ${name}`);
  return indexes;
}
