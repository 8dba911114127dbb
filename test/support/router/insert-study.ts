import { createHash, randomUUID } from 'node:crypto';
import { type DataSource, query, type Transaction } from '#libs/database';
import { newUid } from '#libs/dicom';
import { dataset, sopClass } from './make-facts.js';

export interface InsertedSeries {
  modality?: string;
  sopClassUid?: string;
  instances?: number;
  /** Series and instance attributes alike, by keyword. */
  attributes?: Record<string, unknown>;
  seriesInstanceUid?: string;
  /** When its instances were stored, before now. Default: long enough ago for any quiet period. */
  secondsAgo?: number;
}

export interface InsertedStudy {
  studyInstanceUid?: string;
  patientId?: string;
  attributes?: Record<string, unknown>;
  series?: InsertedSeries[];
}

/** The attributes by which the chest CT rule knows its studies. */
export const chestCt: InsertedSeries = { modality: 'CT', attributes: { BodyPartExamined: 'CHEST' } };

/** Writes the rows a stored study has, as the archive would; adds to it when the study is there. @returns its UID */
export async function insertStudy(dataSource: DataSource, study: InsertedStudy = {}): Promise<string> {
  const studyInstanceUid = study.studyInstanceUid ?? newUid();
  const series = study.series ?? [{}];
  const patientId = study.patientId ?? 'P1';
  const attributes = dataset({
    StudyInstanceUID: studyInstanceUid,
    PatientID: patientId,
    PatientName: { Alphabetic: 'Doe^Jane' },
    StudyDescription: 'A study',
    ...study.attributes,
  });
  const secondsAgo = Math.max(...series.map((one) => one.secondsAgo ?? 3600), 0);
  const [row] = await query<{ study_key: number }>(
    dataSource,
    `insert into study (study_instance_uid, patient_id, patient_name, study_date, study_description, attributes, created_at, updated_at)
     values ($1, $2, 'Doe^Jane', '20260131', 'A study', $3, now() - $4 * interval '1 second', now() - $4 * interval '1 second')
     on conflict (study_instance_uid) do update set updated_at = now() - $4 * interval '1 second'
     returning study_key`,
    [studyInstanceUid, patientId, JSON.stringify(attributes), secondsAgo],
  );
  for (const one of series) await insertSeries(dataSource, row!.study_key, one);
  await query(
    dataSource,
    `update study s set
       number_of_series = (select count(*) from series e where e.study_key = s.study_key),
       number_of_instances = (select count(*) from instance i where i.study_key = s.study_key),
       modalities = (select coalesce(array_agg(distinct e.modality), '{}') from series e where e.study_key = s.study_key)
     where study_key = $1`,
    [row!.study_key],
  );
  await query(
    dataSource,
    `insert into study_routing (study_key, state, last_received_at, updated_at)
     values ($1, 'receiving', now() - $2 * interval '1 second', now() - $2 * interval '1 second')
     on conflict (study_key) do update
       set state = 'receiving', last_received_at = excluded.last_received_at, updated_at = excluded.updated_at`,
    [row!.study_key, secondsAgo],
  );
  return studyInstanceUid;
}

async function insertSeries(dataSource: DataSource, studyKey: number, one: InsertedSeries): Promise<void> {
  const modality = one.modality ?? 'CT';
  const sopClassUid = one.sopClassUid ?? sopClass.ct;
  const seriesInstanceUid = one.seriesInstanceUid ?? newUid();
  const attributes = dataset({ Modality: modality, SeriesInstanceUID: seriesInstanceUid, ...one.attributes });
  const [series] = await query<{ series_key: number }>(
    dataSource,
    `insert into series (study_key, series_instance_uid, modality, sop_classes, attributes, body_part_examined)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (study_key, series_instance_uid) do update set updated_at = now()
     returning series_key`,
    [
      studyKey,
      seriesInstanceUid,
      modality,
      [sopClassUid],
      JSON.stringify(attributes),
      one.attributes?.['BodyPartExamined'] ?? null,
    ],
  );
  for (let number = 1; number <= (one.instances ?? 2); number++) {
    const packId = randomUUID();
    const sopInstanceUid = newUid();
    const sha256 = createHash('sha256').update(sopInstanceUid).digest();
    await query(dataSource, 'insert into pack (pack_id, bytes, sha256) values ($1, 1, $2)', [packId, sha256]);
    await query(
      dataSource,
      `insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, instance_number, transfer_syntax_uid,
                             pack_id, pack_offset, length, sha256, dataset_sha256, frame_kind, dicom_json, created_at)
       values ($1, $2, $3, $4, $5, '1.2.840.10008.1.2.1', $6, 0, 1, $7, $7, 'none', $8, now() - $9 * interval '1 second')`,
      [
        series!.series_key,
        studyKey,
        sopInstanceUid,
        sopClassUid,
        number,
        packId,
        sha256,
        JSON.stringify({ ...attributes, ...dataset({ SOPInstanceUID: sopInstanceUid, SOPClassUID: sopClassUid }) }),
        one.secondsAgo ?? 3600,
      ],
    );
  }
}

/** Registers a model as a worker would. @returns its digest */
export async function insertModel(
  dataSource: DataSource,
  modelId: string,
  version = '1.0.0',
  isCurrent = true,
): Promise<string> {
  const sha256 = createHash('sha256').update(`${modelId} ${version}`).digest('hex');
  await query(
    dataSource,
    `insert into model (model_id, version, specialty, sha256, manifest, is_current)
     values ($1, $2, split_part($1, '/', 1), $3, '{"title": "A model"}', $4)`,
    [modelId, version, sha256, isCurrent],
  );
  return sha256;
}

/** Completes an AI task with a result, as a worker would. */
export async function insertResult(
  dataSource: DataSource | Transaction,
  workitemUid: string,
  { outcome = 'positive', priority = 'HIGH', summary = 'Emphysema index 12.4 %' } = {},
): Promise<void> {
  await query(
    dataSource,
    `with w as (
       update workitem set state = 'COMPLETED', transaction_uid = '1.2', finished_at = now() where workitem_uid = $1
       returning *)
     insert into result (result_id, study_key, workitem_uid, model_id, model_version, model_sha256, input_digest, outcome,
                         priority, summary, findings, runtime, report_series_uid, report_sop_instance_uid, started_at, finished_at)
     select gen_random_uuid(), study_key, workitem_uid, model_id, model_version, model_sha256, input_digest, $2, $3, $4,
            $5, '{}', '1.2.3.4', '1.2.3.4.5', now(), now() from w`,
    [
      workitemUid,
      outcome,
      priority,
      summary,
      JSON.stringify([
        {
          name: 'Emphysema index',
          code: { value: 'x', scheme: '99X', meaning: 'Emphysema index' },
          value: 12.4,
          unit: { value: '%', scheme: 'UCUM', meaning: 'percent' },
          flag: 'abnormal',
          sourceInstances: [],
        },
      ]),
    ],
  );
}

/** Jobs of a name that wait, as their payloads. */
export async function waitingJobs(dataSource: DataSource, name: string): Promise<Record<string, unknown>[]> {
  const rows = await query<{ data: Record<string, unknown> }>(
    dataSource,
    `select data from jobs.job where name = $1 and state = 'created' order by created_on`,
    [name],
  );
  return rows.map(({ data }) => data);
}

/** Studies the router was told to look at, once each, in the order they were first told. */
export async function waitingArrivals(dataSource: DataSource): Promise<string[]> {
  const rows = await query<{ study_instance_uid: string }>(
    dataSource,
    `select study_instance_uid from study_arrival join study using (study_key)
      group by study_instance_uid order by min(arrival_key)`,
  );
  return rows.map((row) => row.study_instance_uid);
}

/** What was sent and told so far is forgotten: as if it had been worked, or lost. */
export async function clearJobs(dataSource: DataSource): Promise<void> {
  await query(dataSource, 'delete from jobs.job');
  await query(dataSource, 'delete from study_arrival');
}
