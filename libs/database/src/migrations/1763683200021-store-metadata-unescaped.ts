import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The metadata of the instances of a request comes beside the JSON of their other columns instead of inside of it, where
 * each quote was escaped on one side and read again on the other: a third of what the function took.
 */
export class StoreMetadataUnescaped1763683200021 implements MigrationInterface {
  name = 'StoreMetadataUnescaped1763683200021';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `drop function store_packs(text[], json, json, json, json, text[], bytea[], bytea[], bytea[], text[], boolean)`,
    );
    await createStoreFunction(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

/**
 * Sees to instances that are not here; what meets rows that are here already is for the archive to settle
 * (libs/archive/src/store). Rows that are here are looked up by subqueries of one row each: a join might be planned for
 * the tables as they were when they were small, and the plan is kept.
 */
async function createStoreFunction(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function store_packs(study_uids text[], packs json, studies json, new_series json, instances json,
                                sop_uids text[], sha256s bytea[], dataset_sha256s bytea[], frame_entries_of bytea[],
                                replaced_uids text[], is_announced boolean, dicom_jsons text)
    returns table (study_instance_uid text, patient_id text, issuer_of_patient_id text, patient_name text,
                   patient_birth_date text, patient_sex text, accession_number text, study_id text)
    language plpgsql volatile
    set enable_seqscan = off
    set enable_mergejoin = off
    set plan_cache_mode = force_generic_plan
    as $$
    #variable_conflict use_column
    declare
      uid text;
      listed_uids text[];
    begin
      -- One writer a study at a time, until the transaction ends; in the order they are given in, so that two requests
      -- with the same studies wait for each other and not in a circle.
      foreach uid in array study_uids loop
        perform pg_advisory_xact_lock(hashtextextended(uid, 0));
      end loop;
      if exists (select from instance i where i.sop_instance_uid = any(sop_uids)) then
        return;
      end if;

      -- A study that is on the worklist is looked at again in a moment, once for all that comes until then; a new one
      -- at once.
      listed_uids := array(
        select u from unnest(study_uids) u
         where (select r.specialty from study st, study_routing r
                 where st.study_instance_uid = u and r.study_key = st.study_key) is not null);
      if is_announced and cardinality(listed_uids) < cardinality(study_uids) then
        perform pg_notify('isocenter_arrivals', '');
      end if;

      return query
      with p as materialized (
        select * from json_to_recordset(packs) as p (pack_id uuid, bytes bigint, sha256 text, store text, key text)),
      new_pack as (
        insert into pack (pack_id, bytes, sha256) select p.pack_id, p.bytes, decode(p.sha256, 'hex') from p),
      new_location as (
        insert into location (location_id, pack_id, tier, store, key)
        select gen_random_uuid(), p.pack_id, 'hot', p.store, p.key from p),
      s as materialized (
        select r.*,
               (select se.series_key from study st, series se
                 where st.study_instance_uid = r.study_instance_uid and se.study_key = st.study_key
                   and se.series_instance_uid = r.series_instance_uid) is null as is_new
          from json_to_recordset(new_series) as r (study_instance_uid text, series_instance_uid text, modality text,
               series_number integer, series_description text, body_part_examined text,
               performed_procedure_step_start_date text, performed_procedure_step_start_time text, attributes text,
               instances integer, sop_classes text[], transfer_syntaxes text[])),
      -- The first instance's word on patient and study is kept; counts are kept, never counted again.
      st as (
        insert into study as st (study_instance_uid, study_date, study_time, accession_number,
               referring_physician_name, study_description, study_id, patient_name, patient_id, issuer_of_patient_id,
               patient_birth_date, patient_sex, attributes, number_of_instances, bytes, sop_classes,
               number_of_series, modalities)
        select r.study_instance_uid, r.study_date, r.study_time, r.accession_number, r.referring_physician_name,
               r.study_description, r.study_id, r.patient_name, r.patient_id, r.issuer_of_patient_id,
               r.patient_birth_date, r.patient_sex, r.attributes, r.instances, r.bytes, r.sop_classes,
               (select count(*) from s where s.study_instance_uid = r.study_instance_uid and s.is_new),
               coalesce((select array_agg(distinct s.modality order by s.modality) from s
                          where s.study_instance_uid = r.study_instance_uid and s.is_new
                            and s.modality is not null), '{}')
          from json_to_recordset(studies) as r (study_instance_uid text, study_date text, study_time text,
               accession_number text, referring_physician_name text, study_description text, study_id text,
               patient_name text, patient_id text, issuer_of_patient_id text, patient_birth_date text, patient_sex text,
               attributes text, instances integer, bytes bigint, sop_classes text[])
         order by r.study_instance_uid
            on conflict on constraint uq_study_instance_uid do update
           set number_of_series = st.number_of_series + excluded.number_of_series,
               modalities = text_union(st.modalities, excluded.modalities),
               number_of_instances = st.number_of_instances + excluded.number_of_instances,
               bytes = st.bytes + excluded.bytes, sop_classes = text_union(st.sop_classes, excluded.sop_classes),
               updated_at = now()
        returning st.*),
      se as (
        insert into series as se (study_key, series_instance_uid, modality, series_number, series_description,
               body_part_examined, performed_procedure_step_start_date, performed_procedure_step_start_time, attributes,
               number_of_instances, sop_classes, transfer_syntaxes, version)
        select st.study_key, s.series_instance_uid, s.modality, s.series_number, s.series_description,
               s.body_part_examined, s.performed_procedure_step_start_date, s.performed_procedure_step_start_time,
               s.attributes, s.instances, s.sop_classes, s.transfer_syntaxes, 2
          from s join st on st.study_instance_uid = s.study_instance_uid
         order by st.study_key, s.series_instance_uid
            on conflict on constraint uq_series_instance_uid do update
           set number_of_instances = se.number_of_instances + excluded.number_of_instances,
               sop_classes = text_union(se.sop_classes, excluded.sop_classes),
               transfer_syntaxes = text_union(se.transfer_syntaxes, excluded.transfer_syntaxes),
               version = se.version + 1, updated_at = now()
        returning se.series_key, se.study_key, se.series_instance_uid),
      k as materialized (
        select st.study_key, st.study_instance_uid, se.series_key, se.series_instance_uid
          from st join se on se.study_key = st.study_key),
      i as (
        insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, instance_number, rows, columns,
               bits_allocated, number_of_frames, transfer_syntax_uid, pack_id, pack_offset, length, sha256,
               dataset_sha256, frame_kind, pixel_data_offset, pixel_data_length, frame_bits, frame_entries, dicom_json)
        select k.series_key, k.study_key, r.sop_instance_uid, r.sop_class_uid, r.instance_number, r.rows, r.columns,
               r.bits_allocated, r.number_of_frames, r.transfer_syntax_uid, r.pack_id, r.pack_offset, r.length,
               sha256s[r.ordinality], dataset_sha256s[r.ordinality], r.frame_kind, r.pixel_data_offset,
               r.pixel_data_length, r.frame_bits, frame_entries_of[r.ordinality], r.dicom_json
          from rows from (json_to_recordset(instances) as (study_instance_uid text, series_instance_uid text,
                 sop_instance_uid text, sop_class_uid text, instance_number integer, rows integer, columns integer,
                 bits_allocated integer, number_of_frames integer, transfer_syntax_uid text, pack_id uuid,
                 pack_offset bigint, length bigint, frame_kind text, pixel_data_offset bigint,
                 pixel_data_length bigint, frame_bits bigint),
               -- JSON escapes the separator wherever it stands in a text.
               string_to_table(dicom_jsons, E'\\x1e')) with ordinality
               as r (study_instance_uid, series_instance_uid, sop_instance_uid, sop_class_uid, instance_number, rows,
                 columns, bits_allocated, number_of_frames, transfer_syntax_uid, pack_id, pack_offset, length, frame_kind,
                 pixel_data_offset, pixel_data_length, frame_bits, dicom_json, ordinality)
          join k on k.study_instance_uid = r.study_instance_uid and k.series_instance_uid = r.series_instance_uid
         order by r.ordinality
        returning instance_key, series_key, sop_instance_uid),
      new_change as (
        insert into change (action, instance_key, study_instance_uid, series_instance_uid, sop_instance_uid)
        select case when i.sop_instance_uid = any(replaced_uids) then 'update' else 'create' end, i.instance_key,
               k.study_instance_uid, k.series_instance_uid, i.sop_instance_uid
          from i join k on k.series_key = i.series_key
         order by i.instance_key),
      announced as materialized (
        select st.study_key, st.study_instance_uid = any(listed_uids) as is_listed,
               (select r.state from study_routing r where r.study_key = st.study_key) as state
          from st),
      new_arrival as (
        insert into study_arrival (study_key, look_at)
        select a.study_key, now() + case when a.is_listed then interval '1 second' else interval '0' end
          from announced a where is_announced),
      new_routing as (
        insert into study_routing (study_key, state, last_received_at)
        select a.study_key, 'receiving', now()
          from announced a where is_announced and a.state is distinct from 'receiving'
         order by a.study_key
            on conflict on constraint pk_study_routing do update
           set state = 'receiving', last_received_at = now(), updated_at = now())
      select st.study_instance_uid, st.patient_id, st.issuer_of_patient_id, st.patient_name, st.patient_birth_date,
             st.patient_sex, st.accession_number, st.study_id
        from st;
    end
    $$`);
}
