import { type DataSource, query } from '#libs/database';

/**
 * Adds so many open readings: of all specialties and priorities, one in five with a result, 200 claimed; of every
 * thousandth study the modality is XC.
 */
export async function fillWorklist(dataSource: DataSource, studies: number): Promise<void> {
  const batch = 10_000;
  for (let from = 0; from < studies; from += batch) {
    await fillSome(dataSource, Math.min(batch, studies - from));
  }
  await query(dataSource, 'vacuum analyze study, series, study_routing, workitem, result, worklist_entry');
}

async function fillSome(dataSource: DataSource, studies: number): Promise<void> {
  await query(
    dataSource,
    `with made as (
       insert into study (study_instance_uid, patient_id, patient_name, modalities, number_of_series,
                          number_of_instances, attributes, created_at)
       select '2.25.' || (random() * 1e15)::bigint || '.' || n, 'P' || n, 'Doe^Jane',
              array[case when n % 1000 = 0 then 'XC' else (array['CT', 'MR', 'DX', 'ECG', 'SM'])[1 + n % 5] end], 1, 1,
              '{}', now() - random() * interval '3 days'
         from generate_series(1, $1::integer) n
       returning study_key, modalities, created_at),
     series_made as (
       insert into series (study_key, series_instance_uid, modality, body_part_examined, attributes)
       select study_key, '2.25.' || study_key, modalities[1], (array['CHEST', 'HEAD', 'KNEE'])[1 + study_key % 3], '{}'
         from made)
     insert into study_routing (study_key, state, last_received_at, specialty, specialty_reason, routed_input, decision)
     select study_key, 'routed', created_at,
            case when modalities[1] in ('ECG') then 'cardiology' when modalities[1] = 'SM' then 'pathology' else 'radiology' end,
            '', 'digest', '{"inputDigest": "digest", "models": []}' from made`,
    [studies],
  );
  await query(
    dataSource,
    `insert into workitem (workitem_uid, kind, study_key, priority, priority_reason, deadline, dataset)
     select '2.25.1' || s.study_key, 'reading', s.study_key, (array['HIGH', 'MEDIUM', 'MEDIUM', 'LOW'])[1 + s.study_key % 4],
            'The order names no priority.', s.created_at + interval '1 day', jsonb_build_object('00741204', repeat('x', 1500))
       from study s where not exists (select from workitem w where w.study_key = s.study_key)`,
  );
  await query(
    dataSource,
    `insert into workitem (workitem_uid, kind, study_key, state, priority, dataset, model_id, model_version, model_sha256,
                           input_digest, transaction_uid, finished_at)
     select '2.25.2' || study_key, 'ai', study_key, 'COMPLETED', 'LOW', '{}', 'radiology/x', '1', 'sha', 'digest', '1.2', now()
       from worklist_entry e where study_key % 5 = 0
        and not exists (select from workitem w where w.study_key = e.study_key and w.kind = 'ai')`,
  );
  await query(
    dataSource,
    `insert into result (result_id, study_key, workitem_uid, model_id, model_version, model_sha256, input_digest, outcome,
                         priority, summary, findings, runtime, report_series_uid, report_sop_instance_uid, started_at, finished_at)
     select gen_random_uuid(), study_key, workitem_uid, model_id, model_version, model_sha256, input_digest,
            case when study_key % 10 = 0 then 'positive' else 'negative' end, 'LOW', 'A summary', '[]', '{}', '1', '2', now(), now()
       from workitem w where kind = 'ai' and not exists (select from result r where r.workitem_uid = w.workitem_uid)`,
  );
  await query(
    dataSource,
    `update workitem set state = 'IN PROGRESS', transaction_uid = '1.2', performer = 'Dr. ' || study_key % 20
      where kind = 'reading' and state = 'SCHEDULED' and study_key % 5 = 0 and study_key <= 1000`,
  );
}
