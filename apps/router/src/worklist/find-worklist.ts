import { type DataSource, query, type Transaction } from '#libs/database';
import type { Priority, WorkitemState } from '#libs/workitems';
import type { Decision } from '../routing/decision.js';
import type { AiResult, AiState, WorklistItem } from './worklist-item.js';

export interface WorklistFilter {
  /** Each undefined or a list of which one must fit. */
  specialty?: string[] | undefined;
  modality?: string[] | undefined;
  state?: WorkitemState[] | undefined;
  ai?: AiState[] | undefined;
  studyInstanceUid?: string[] | undefined;
}

/*
 * The AI tasks a study is judged by: those on its present instances, those that ran on fewer (a finding stays a finding
 * when more images arrive), and of each model the newest. Tasks canceled because more arrived are none of them.
 * `is_newest` is asked of each model; `w` and `r` are the reading task and the routing row.
 */
const aiTasks = `
  select a.workitem_uid, a.workitem_key, a.model_id, a.model_version, a.state, a.performer, a.discontinuation_reason, a.finished_at,
         t.outcome, t.summary, t.findings, t.report_series_uid, t.report_sop_instance_uid,
         row_number() over (partition by a.model_id order by a.workitem_key desc) = 1 as is_newest
    from workitem a left join result t on t.workitem_uid = a.workitem_uid
   where a.study_key = w.study_key and a.kind = 'ai'
     and (a.state <> 'CANCELED' or a.input_digest = r.routed_input)`;

/** Positive whoever said it; else the newest word of each model, the least settled first: pending, failed, inconclusive, negative. */
const aiState = `
  case when bool_or(outcome = 'positive') then 'positive'
       when bool_or(is_newest and state in ('SCHEDULED', 'IN PROGRESS')) then 'pending'
       when bool_or(is_newest and state = 'CANCELED') then 'failed'
       when bool_or(is_newest and (outcome = 'inconclusive' or outcome is null)) then 'inconclusive'
       when bool_or(is_newest and outcome = 'negative') then 'negative'
       else 'not-analysed' end`;

const urgencyRank = `case w.priority when 'HIGH' then 0 when 'MEDIUM' then 1 else 2 end`;

interface WorklistRow {
  total: number;
  workitem_uid: string | null;
  state: WorkitemState;
  priority: Priority;
  priority_reason: string;
  deadline: Date | null;
  performer: string | null;
  study_instance_uid: string;
  patient_name: string | null;
  patient_id: string | null;
  patient_birth_date: string | null;
  patient_sex: string | null;
  study_date: string | null;
  study_time: string | null;
  study_description: string | null;
  accession_number: string | null;
  modalities: string[];
  number_of_series: number;
  number_of_instances: number;
  received_at: Date;
  specialty: string | null;
  decision: Decision | null;
  ai_state: AiState;
  ai_tasks: AiTaskRow[] | null;
}

interface AiTaskRow {
  workitem_uid: string;
  model_id: string;
  model_version: string;
  state: WorkitemState;
  performer: string | null;
  discontinuation_reason: string | null;
  finished_at: string | null;
  outcome: AiResult['outcome'];
  summary: string | null;
  findings: { name: string; value: number; unit: { value: string }; flag?: 'normal' | 'abnormal' }[] | null;
  report_series_uid: string | null;
  report_sop_instance_uid: string | null;
}

/**
 * Reading tasks in the order they should be read: priority, deadline, arrival. The order is total, so that pages neither
 * repeat nor skip a study that did not move.
 */
export async function findWorklist(
  db: DataSource | Transaction,
  filter: WorklistFilter,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ items: WorklistItem[]; total: number }> {
  const rows = await query<WorklistRow>(
    db,
    `with matching as materialized (
       select w.workitem_key, ${urgencyRank} as urgency_rank, w.deadline
         from workitem w join study s using (study_key) left join study_routing r using (study_key)
        where w.kind = 'reading'
          and ($1::text[] is null or w.state = any($1))
          and ($2::text[] is null or r.specialty = any($2))
          and ($3::text[] is null or s.modalities && $3)
          and ($4::text[] is null or s.study_instance_uid = any($4))
          and ($5::text[] is null or (select ${aiState} from (${aiTasks}) task) = any($5))),
     page as (
       select workitem_key from matching order by urgency_rank, deadline nulls last, workitem_key limit $6 offset $7)
     select total.total, w.workitem_uid, w.state, w.priority, w.priority_reason, w.deadline, w.performer,
            s.study_instance_uid, s.patient_name, s.patient_id, s.patient_birth_date, s.patient_sex, s.study_date,
            s.study_time, s.study_description, s.accession_number, s.modalities, s.number_of_series,
            s.number_of_instances, s.created_at as received_at, r.specialty, r.decision, ai.ai_state, ai.ai_tasks
       from (select count(*)::integer as total from matching) total
       left join page on true
       left join workitem w using (workitem_key)
       left join study s using (study_key)
       left join study_routing r using (study_key)
       left join lateral (
         select ${aiState} as ai_state,
                jsonb_agg(to_jsonb(task) order by task.model_id, task.workitem_key desc)
                  filter (where task.is_newest or task.state = 'COMPLETED') as ai_tasks
           from (${aiTasks}) task) ai on w.workitem_key is not null
      order by ${urgencyRank}, w.deadline nulls last, w.workitem_key`,
    [
      filter.state ?? null,
      filter.specialty ?? null,
      filter.modality ?? null,
      filter.studyInstanceUid ?? null,
      filter.ai ?? null,
      limit,
      offset,
    ],
  );
  const items = rows.filter((row) => row.workitem_uid !== null).map(toItem);
  return { items, total: rows[0]?.total ?? 0 };
}

function toItem(row: WorklistRow): WorklistItem {
  const results = (row.ai_tasks ?? []).map(toResult);
  const patientId = row.patient_id ?? '';
  return {
    workitemUid: row.workitem_uid ?? '',
    studyInstanceUid: row.study_instance_uid,
    patientName: row.patient_name ?? '',
    patientId,
    patientBirthDate: row.patient_birth_date,
    patientSex: row.patient_sex,
    studyDate: row.study_date,
    studyTime: row.study_time,
    studyDescription: row.study_description,
    accessionNumber: row.accession_number,
    modalities: row.modalities,
    specialty: row.specialty,
    numberOfSeries: row.number_of_series,
    numberOfInstances: row.number_of_instances,
    receivedAt: row.received_at.toISOString(),
    deadline: row.deadline?.toISOString() ?? null,
    priority: row.priority,
    priorityReason: row.priority_reason,
    state: row.state,
    performer: row.performer,
    isSample: patientId.startsWith('ISOCENTER-SAMPLE-'),
    thumbnailUrl: `/dicom-web/studies/${row.study_instance_uid}/thumbnail`,
    ai: { state: row.ai_state, summary: summarise(row.ai_state, results, row.decision), results },
  };
}

function toResult(task: AiTaskRow): AiResult {
  return {
    workitemUid: task.workitem_uid,
    model: task.model_id,
    version: task.model_version,
    state: task.state,
    performer: task.performer,
    outcome: task.outcome,
    summary: task.summary,
    error: task.state === 'CANCELED' ? (task.discontinuation_reason ?? 'No reason was given.') : null,
    finishedAt: task.finished_at === null ? null : new Date(task.finished_at).toISOString(),
    findings: (task.findings ?? []).map(({ name, value, unit, flag }) => ({
      name,
      value,
      unit: unit.value,
      flag: flag ?? null,
    })),
    report:
      task.report_series_uid === null || task.report_sop_instance_uid === null
        ? null
        : { seriesInstanceUid: task.report_series_uid, sopInstanceUid: task.report_sop_instance_uid },
  };
}

/** One line that goes with the state: what was found, or why nothing was. */
function summarise(state: AiState, results: readonly AiResult[], decision: Decision | null): string | null {
  switch (state) {
    case 'positive':
    case 'negative':
    case 'inconclusive':
      return joined(results.filter(({ outcome }) => outcome === state).map(({ summary }) => summary));
    case 'failed':
      return joined(results.map(({ error }) => error));
    case 'pending':
      return null;
    case 'not-analysed': {
      if (decision === null || decision.inputDigest === null) return 'The study is still arriving.';
      if (decision.models.length === 0) return 'No rule asks a model to look at it.';
      const missing = decision.models.filter(({ status }) => status === 'not-registered').map(({ model }) => model);
      return missing.length > 0 ? `No worker offers ${missing.join(', ')}.` : null;
    }
  }
}

function joined(texts: readonly (string | null)[]): string | null {
  const distinct = [...new Set(texts.filter((text) => text !== null))];
  return distinct.length > 0 ? distinct.join(' · ') : null;
}
