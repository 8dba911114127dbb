import { execute, notify, query, type Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import { recordStored } from '../changes/record-changes.js';
import type { StudyColumns } from './index-rows.js';
import type { ReceivedInstance } from './receive-part.js';
import type { Origin } from './store-outcome.js';

export interface KnownInstance {
  sop_instance_uid: string;
  study_instance_uid: string;
  series_instance_uid: string;
  sha256: Buffer;
  dataset_sha256: Buffer;
}

export interface PackRow {
  packId: string;
  bytes: number;
  sha256: Buffer;
  store: string;
  key: string;
}

/**
 * One writer a study at a time, until the transaction ends: counts and roll-ups then need no further care. In one order,
 * so that two requests with the same studies wait for each other and not in a circle.
 */
export async function lockStudies(tx: Transaction, studyInstanceUids: string[]): Promise<void> {
  for (const uid of [...new Set(studyInstanceUids)].sort()) {
    await query(tx, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [uid]);
  }
}

export function findKnown(tx: Transaction, sopInstanceUids: string[]): Promise<KnownInstance[]> {
  return query<KnownInstance>(
    tx,
    `select i.sop_instance_uid, st.study_instance_uid, se.series_instance_uid, i.sha256, i.dataset_sha256
       from instance i join series se using (series_key) join study st on st.study_key = i.study_key
      where i.sop_instance_uid = any($1)`,
    [sopInstanceUids],
  );
}

/**
 * Writes every row that the instances of one pack need. Their SOP Instance UIDs are new; a unique constraint says
 * otherwise when another study's writer was faster, and the transaction is tried again.
 * @param replaced SOP Instance UIDs of those that are new versions of what was here
 * @returns SOP Instance UIDs of those that say something else of their patient or study than its first instance did
 */
export async function indexInstances(
  tx: Transaction,
  jobs: JobQueue,
  pack: PackRow,
  instances: ReceivedInstance[],
  origin: Origin,
  replaced: readonly string[] = [],
): Promise<Set<string>> {
  await insertPack(tx, pack);
  await insertStudies(tx, instances);
  await insertSeries(tx, instances);
  await insertInstances(tx, pack.packId, instances);
  const studyInstanceUids = [...new Set(instances.map((instance) => instance.studyInstanceUid))].sort();
  await rollUp(tx, pack.packId);
  await recordStored(tx, pack.packId, replaced);
  if (origin === 'sender') await announceArrival(tx, jobs, studyInstanceUids);
  for (const uid of studyInstanceUids) await notify(tx, 'worklist', uid);
  return findContradictions(tx, instances, studyInstanceUids);
}

async function insertPack(tx: Transaction, { packId, bytes, sha256, store, key }: PackRow): Promise<void> {
  await query(tx, 'insert into pack (pack_id, bytes, sha256) values ($1, $2, $3)', [packId, bytes, sha256]);
  await query(
    tx,
    `insert into location (location_id, pack_id, tier, store, key) values (gen_random_uuid(), $1, 'hot', $2, $3)`,
    [packId, store, key],
  );
}

/** The first instance's word on patient and study is kept. */
async function insertStudies(tx: Transaction, instances: ReceivedInstance[]): Promise<void> {
  const rows = firstOfEach(instances, (instance) => instance.studyInstanceUid);
  await query(
    tx,
    `insert into study (study_instance_uid, study_date, study_time, accession_number, referring_physician_name,
                        study_description, study_id, patient_name, patient_id, issuer_of_patient_id,
                        patient_birth_date, patient_sex, attributes)
     select study_instance_uid, study_date, study_time, accession_number, referring_physician_name,
            study_description, study_id, patient_name, patient_id, issuer_of_patient_id,
            patient_birth_date, patient_sex, attributes
       from json_to_recordset($1::json) as r (study_instance_uid text, study_date text, study_time text,
            accession_number text, referring_physician_name text, study_description text, study_id text,
            patient_name text, patient_id text, issuer_of_patient_id text, patient_birth_date text, patient_sex text,
            attributes text)
     on conflict on constraint uq_study_instance_uid do nothing`,
    [JSON.stringify(rows.map((one) => ({ study_instance_uid: one.studyInstanceUid, ...one.study })))],
  );
}

async function insertSeries(tx: Transaction, instances: ReceivedInstance[]): Promise<void> {
  const rows = firstOfEach(instances, (one) => `${one.studyInstanceUid} ${one.seriesInstanceUid}`);
  await query(
    tx,
    `insert into series (study_key, series_instance_uid, modality, series_number, series_description,
                         body_part_examined, performed_procedure_step_start_date,
                         performed_procedure_step_start_time, attributes)
     select st.study_key, r.series_instance_uid, r.modality, r.series_number, r.series_description,
            r.body_part_examined, r.performed_procedure_step_start_date, r.performed_procedure_step_start_time,
            r.attributes
       from json_to_recordset($1::json) as r (study_instance_uid text, series_instance_uid text, modality text,
            series_number integer, series_description text, body_part_examined text,
            performed_procedure_step_start_date text, performed_procedure_step_start_time text, attributes text)
       join study st using (study_instance_uid)
     on conflict on constraint uq_series_instance_uid do nothing`,
    [
      JSON.stringify(
        rows.map((one) => ({
          study_instance_uid: one.studyInstanceUid,
          series_instance_uid: one.seriesInstanceUid,
          ...one.series,
        })),
      ),
    ],
  );
}

async function insertInstances(tx: Transaction, packId: string, instances: ReceivedInstance[]): Promise<void> {
  const sorted = [...instances].sort((a, b) => (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1));
  await query(
    tx,
    `insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, instance_number, rows, columns,
                           bits_allocated, number_of_frames, transfer_syntax_uid, pack_id, pack_offset, length, sha256,
                           dataset_sha256, frame_kind, pixel_data_offset, pixel_data_length, frame_bits, frame_entries,
                           dicom_json)
     select se.series_key, se.study_key, r.sop_instance_uid, r.sop_class_uid, r.instance_number, r.rows, r.columns,
            r.bits_allocated, r.number_of_frames, r.transfer_syntax_uid, $2, r.pack_offset, r.length, b.sha256,
            b.dataset_sha256, r.frame_kind, r.pixel_data_offset, r.pixel_data_length, r.frame_bits, b.frame_entries,
            r.dicom_json
       from rows from (json_to_recordset($1::json) as (study_instance_uid text, series_instance_uid text,
                         sop_instance_uid text, sop_class_uid text, instance_number integer, rows integer,
                         columns integer, bits_allocated integer, number_of_frames integer, transfer_syntax_uid text,
                         pack_offset bigint, length bigint, frame_kind text, pixel_data_offset bigint,
                         pixel_data_length bigint, frame_bits bigint, dicom_json text))
            with ordinality as r
       join unnest($3::bytea[], $4::bytea[], $5::bytea[]) with ordinality
            as b (sha256, dataset_sha256, frame_entries, ordinality) using (ordinality)
       join study st using (study_instance_uid)
       join series se on se.study_key = st.study_key and se.series_instance_uid = r.series_instance_uid`,
    [
      JSON.stringify(sorted.map(instanceRow)),
      packId,
      sorted.map((instance) => instance.sha256),
      sorted.map((instance) => Buffer.from(instance.datasetSha256, 'hex')),
      sorted.map((instance) => (instance.frames.kind === 'encapsulated' ? instance.frames.entries : null)),
    ],
  );
}

export function instanceRow({ frames, ...instance }: ReceivedInstance) {
  const native = frames.kind === 'native' ? frames : undefined;
  return {
    study_instance_uid: instance.studyInstanceUid,
    series_instance_uid: instance.seriesInstanceUid,
    sop_instance_uid: instance.sopInstanceUid,
    sop_class_uid: instance.sopClassUid,
    transfer_syntax_uid: instance.transferSyntaxUid,
    pack_offset: instance.offset,
    length: instance.bytes,
    frame_kind: frames.kind,
    pixel_data_offset: native?.pixelDataOffset,
    pixel_data_length: native?.pixelDataLength,
    frame_bits: native?.frameBits,
    ...instance.instance,
  };
}

/** Adds what the pack brought to its series and studies: counts are kept, never counted again. */
async function rollUp(tx: Transaction, packId: string): Promise<void> {
  await execute(
    tx,
    `with arrived as (
       select series_key, count(*)::integer as instances, array_agg(distinct sop_class_uid) as sop_classes,
              array_agg(distinct transfer_syntax_uid) as transfer_syntaxes
         from instance where pack_id = $1 group by series_key)
     update series se
        set number_of_instances = se.number_of_instances + a.instances,
            sop_classes = ${union('se.sop_classes', 'a.sop_classes')},
            transfer_syntaxes = ${union('se.transfer_syntaxes', 'a.transfer_syntaxes')},
            version = se.version + 1, updated_at = now()
       from arrived a where se.series_key = a.series_key`,
    [packId],
  );
  await execute(
    tx,
    `with arrived as (
       select study_key, count(*)::integer as instances, sum(length)::bigint as bytes,
              array_agg(distinct sop_class_uid) as sop_classes
         from instance where pack_id = $1 group by study_key),
     series_of as (
       select study_key, count(*)::integer as series,
              coalesce(array_agg(distinct modality) filter (where modality is not null), '{}') as modalities
         from series where study_key in (select study_key from arrived) group by study_key)
     update study st
        set number_of_series = s.series, number_of_instances = st.number_of_instances + a.instances,
            bytes = st.bytes + a.bytes, modalities = s.modalities,
            sop_classes = ${union('st.sop_classes', 'a.sop_classes')}, updated_at = now()
       from arrived a join series_of s using (study_key) where st.study_key = a.study_key`,
    [packId],
  );
}

const union = (a: string, b: string) => `(select array_agg(distinct u order by u) from unnest(${a} || ${b}) u)`;

/** The study has changed: the router looks at it, and sees whether there is something to do. */
export async function announceArrival(tx: Transaction, jobs: JobQueue, studyInstanceUids: string[]): Promise<void> {
  await query(
    tx,
    `insert into study_routing (study_key, state, last_received_at)
     select study_key, 'receiving', now() from study where study_instance_uid = any($1)
     on conflict (study_key) do update set state = 'receiving', last_received_at = now(), updated_at = now()`,
    [studyInstanceUids],
  );
  for (const studyInstanceUid of studyInstanceUids) await jobs.send(tx, 'study-arrived', { studyInstanceUid });
}

export const identity = [
  'patient_id',
  'issuer_of_patient_id',
  'patient_name',
  'patient_birth_date',
  'patient_sex',
  'accession_number',
  'study_id',
] as const satisfies (keyof StudyColumns)[];

/** What an instance leaves out contradicts nothing: reports and measurements often say less. */
async function findContradictions(
  tx: Transaction,
  instances: ReceivedInstance[],
  studyInstanceUids: string[],
): Promise<Set<string>> {
  const rows = await query<StudyColumns & { study_instance_uid: string }>(
    tx,
    `select study_instance_uid, ${identity.join(', ')} from study where study_instance_uid = any($1)`,
    [studyInstanceUids],
  );
  return contradictions(instances, rows);
}

/** @param rows of the instances' studies @returns SOP Instance UIDs */
export function contradictions(
  instances: readonly ReceivedInstance[],
  rows: readonly (Pick<StudyColumns, (typeof identity)[number]> & { study_instance_uid: string })[],
): Set<string> {
  const kept = new Map(rows.map((row) => [row.study_instance_uid, row]));
  const contradicting = instances.filter(({ study, studyInstanceUid }) =>
    identity.some((column) => study[column] !== null && study[column] !== kept.get(studyInstanceUid)?.[column]),
  );
  return new Set(contradicting.map((instance) => instance.sopInstanceUid));
}

export function firstOfEach<T>(items: T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.toReversed().map((item) => [keyOf(item), item])).values()];
}
