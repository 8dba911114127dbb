import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What storing writes, as one call: its statements are planned once a connection, and cost no trip each. It sees to new
 * instances only; what meets rows that are here already is for the archive to settle (libs/archive/src/store).
 */
export class CreateStoreFunction1763683200005 implements MigrationInterface {
  name = 'CreateStoreFunction1763683200005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function text_union(a text[], b text[]) returns text[] language sql immutable parallel safe as
      'select case when a @> b then a else (select array_agg(distinct u order by u) from unnest(a || b) u) end'`);
    // Without sequential scans: a plan made while a table was empty is kept after it was filled.
    await runner.query(`
      create function store_packs(study_uids text[], packs json, studies json, new_series json, instances json,
                                  sop_uids text[],
                                  sha256s bytea[], dataset_sha256s bytea[], frame_entries_of bytea[],
                                  arrived_jobs jsonb)
      returns table (study_instance_uid text, patient_id text, issuer_of_patient_id text, patient_name text,
                     patient_birth_date text, patient_sex text, accession_number text, study_id text)
      language plpgsql volatile
      set enable_seqscan = off
      set plan_cache_mode = force_generic_plan
      as $$
      #variable_conflict use_column
      declare
        uid text;
      begin
        -- One writer a study at a time, until the transaction ends; in the order they are given in, so that two requests
        -- with the same studies wait for each other and not in a circle.
        foreach uid in array study_uids loop
          perform pg_advisory_xact_lock(hashtextextended(uid, 0));
        end loop;
        if exists (select from instance i where i.sop_instance_uid = any(sop_uids)) then
          return;
        end if;

        insert into pack (pack_id, bytes, sha256)
        select p.pack_id, p.bytes, decode(p.sha256, 'hex')
          from json_to_recordset(packs) as p (pack_id uuid, bytes bigint, sha256 text);
        insert into location (location_id, pack_id, tier, store, key)
        select gen_random_uuid(), p.pack_id, 'hot', p.store, p.key
          from json_to_recordset(packs) as p (pack_id uuid, store text, key text);

        -- The first instance's word on patient and study is kept; counts are kept, never counted again.
        insert into study as st (study_instance_uid, study_date, study_time, accession_number, referring_physician_name,
               study_description, study_id, patient_name, patient_id, issuer_of_patient_id, patient_birth_date,
               patient_sex, attributes, number_of_instances, bytes, sop_classes)
        select r.study_instance_uid, r.study_date, r.study_time, r.accession_number, r.referring_physician_name,
               r.study_description, r.study_id, r.patient_name, r.patient_id, r.issuer_of_patient_id,
               r.patient_birth_date, r.patient_sex, r.attributes, 0, 0, '{}'
          from json_to_recordset(studies) as r (study_instance_uid text, study_date text, study_time text,
               accession_number text, referring_physician_name text, study_description text, study_id text,
               patient_name text, patient_id text, issuer_of_patient_id text, patient_birth_date text, patient_sex text,
               attributes text)
         order by r.study_instance_uid
            on conflict on constraint uq_study_instance_uid do nothing;

        insert into series as se (study_key, series_instance_uid, modality, series_number, series_description,
               body_part_examined, performed_procedure_step_start_date, performed_procedure_step_start_time, attributes,
               number_of_instances, sop_classes, transfer_syntaxes, version)
        select st.study_key, r.series_instance_uid, r.modality, r.series_number, r.series_description,
               r.body_part_examined, r.performed_procedure_step_start_date, r.performed_procedure_step_start_time,
               r.attributes, r.instances, r.sop_classes, r.transfer_syntaxes, 2
          from json_to_recordset(new_series) as r (study_instance_uid text, series_instance_uid text, modality text,
               series_number integer, series_description text, body_part_examined text,
               performed_procedure_step_start_date text, performed_procedure_step_start_time text, attributes text,
               instances integer, sop_classes text[], transfer_syntaxes text[])
          join study st on st.study_instance_uid = r.study_instance_uid
         order by st.study_key, r.series_instance_uid
            on conflict on constraint uq_series_instance_uid do update
           set number_of_instances = se.number_of_instances + excluded.number_of_instances,
               sop_classes = text_union(se.sop_classes, excluded.sop_classes),
               transfer_syntaxes = text_union(se.transfer_syntaxes, excluded.transfer_syntaxes),
               version = se.version + 1, updated_at = now();

        insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, instance_number, rows, columns,
               bits_allocated, number_of_frames, transfer_syntax_uid, pack_id, pack_offset, length, sha256,
               dataset_sha256, frame_kind, pixel_data_offset, pixel_data_length, frame_bits, frame_entries, dicom_json)
        select se.series_key, se.study_key, r.sop_instance_uid, r.sop_class_uid, r.instance_number, r.rows, r.columns,
               r.bits_allocated, r.number_of_frames, r.transfer_syntax_uid, r.pack_id, r.pack_offset, r.length,
               sha256s[r.ordinality], dataset_sha256s[r.ordinality], r.frame_kind, r.pixel_data_offset,
               r.pixel_data_length, r.frame_bits, frame_entries_of[r.ordinality], r.dicom_json
          from rows from (json_to_recordset(instances) as (study_instance_uid text, series_instance_uid text,
                 sop_instance_uid text, sop_class_uid text, instance_number integer, rows integer, columns integer,
                 bits_allocated integer, number_of_frames integer, transfer_syntax_uid text, pack_id uuid,
                 pack_offset bigint, length bigint, frame_kind text, pixel_data_offset bigint,
                 pixel_data_length bigint, frame_bits bigint, dicom_json text)) with ordinality as r
          join study st on st.study_instance_uid = r.study_instance_uid
          join series se on se.study_key = st.study_key and se.series_instance_uid = r.series_instance_uid
         order by r.ordinality;

        update study st
           set number_of_series = s.series, modalities = s.modalities,
               number_of_instances = st.number_of_instances + r.instances, bytes = st.bytes + r.bytes,
               sop_classes = text_union(st.sop_classes, r.sop_classes), updated_at = now()
          from json_to_recordset(studies) as r (study_instance_uid text, instances integer, bytes bigint,
               sop_classes text[])
          join study k on k.study_instance_uid = r.study_instance_uid
         cross join lateral (
               select count(*)::integer as series,
                      coalesce(array_agg(distinct modality) filter (where modality is not null), '{}') as modalities
                 from series where series.study_key = k.study_key) s
         where st.study_key = k.study_key;

        -- A study that is on the worklist is looked at again in a moment, once for all that comes until then.
        perform jobs.send_study_arrived((
          select json_agg(case when r.specialty is null then a.job else a.job || '{"startAfter": "1"}' end)::text
            from jsonb_array_elements(arrived_jobs) as a (job)
            left join study st on st.study_instance_uid = a.job -> 'data' ->> 'studyInstanceUid'
            left join study_routing r on r.study_key = st.study_key));
        insert into study_routing (study_key, state, last_received_at)
        select st.study_key, 'receiving', now() from study st where st.study_instance_uid = any(study_uids)
            on conflict on constraint pk_study_routing do update
           set state = 'receiving', last_received_at = now(), updated_at = now();

        insert into change (action, instance_key, study_instance_uid, series_instance_uid, sop_instance_uid)
        select 'create', i.instance_key, r.study_instance_uid, r.series_instance_uid, r.sop_instance_uid
          from json_to_recordset(instances) as r (study_instance_uid text, series_instance_uid text,
               sop_instance_uid text)
          join instance i on i.sop_instance_uid = r.sop_instance_uid
         order by i.instance_key;

        perform pg_notify('isocenter_worklist', u) from unnest(study_uids) u;

        return query
        select st.study_instance_uid, st.patient_id, st.issuer_of_patient_id, st.patient_name, st.patient_birth_date,
               st.patient_sex, st.accession_number, st.study_id
          from study st where st.study_instance_uid = any(study_uids);
      end
      $$`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
