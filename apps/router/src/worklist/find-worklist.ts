import { type DataSource, query, type Transaction } from '#libs/database';
import type { Priority, WorkitemState } from '#libs/workitems';
import type { Decision } from '../routing/decision.js';
import type { AiResult, AiState, FindingReview, WorklistItem } from './worklist-item.js';

export interface WorklistFilter {
  /** Each undefined or a list of which one must fit. */
  specialty?: string[] | undefined;
  modality?: string[] | undefined;
  bodyPart?: string[] | undefined;
  priority?: Priority[] | undefined;
  state?: WorkitemState[] | undefined;
  ai?: AiState[] | undefined;
  /** Who reads it or has read it. */
  performer?: string[] | undefined;
  studyInstanceUid?: string[] | undefined;
}

/** A place in the order of the list: what comes after it is the next page. */
export interface WorklistPlace {
  rank: number;
  place: number;
  workitemKey: number;
}

export interface FoundWorklist {
  items: WorklistItem[];
  /** Where the next page begins; null: this was the last. */
  next: WorklistPlace | null;
}

/** Counting costs by what is counted; nobody looks for the 1,001st study by its number. */
export const countedMax = 1_000;

interface WorklistRow {
  workitem_key: number;
  rank: number;
  place: number;
  workitem_uid: string;
  state: WorkitemState;
  priority: Priority;
  priority_reason: string;
  deadline: Date | null;
  escalated_at: Date | null;
  finished_at: Date | null;
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
  body_parts: string[];
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
  reviews:
    (Omit<FindingReview, 'at' | 'report'> & { at: string; is_stored: boolean; series: string; sop: string })[] | null;
}

/*
 * The AI tasks a study is shown with: those on its present instances, those that ran on fewer (a finding stays a finding
 * when more images arrive), and of each model the newest. Tasks canceled because more arrived are none of them: as in
 * the function worklist_ai_state, which says what they amount to. A version on trial may have answered in place of the one asked.
 */
const aiTasks = `
  select a.workitem_uid, a.workitem_key, a.model_id, coalesce(t.model_version, a.model_version) as model_version, a.state, a.performer,
         a.discontinuation_reason, a.finished_at,
         t.outcome, t.summary, t.findings, t.report_series_uid, t.report_sop_instance_uid,
         row_number() over (partition by a.model_id order by a.workitem_key desc) = 1 as is_newest,
         (select jsonb_agg(jsonb_build_object('finding', v.finding, 'verdict', v.verdict, 'comment', v.comment,
                             'reader', v.reader, 'at', v.created_at, 'is_stored', v.stored_at is not null,
                             'series', v.report_series_uid, 'sop', v.report_sop_instance_uid) order by v.review_key)
            from finding_review v where v.workitem_uid = a.workitem_uid) as reviews
    from workitem a left join result t on t.workitem_uid = a.workitem_uid
   where a.study_key = e.study_key and a.kind = 'ai'
     and not a.is_superseded`;

/**
 * Reading tasks in the order they should be read: priority, deadline, arrival; behind them what is over, the latest
 * first. The order is total, and a page begins after the last line of the one before: none repeats or skips a study that
 * did not move, and the thousandth costs what the first does.
 */
export async function findWorklist(
  db: DataSource | Transaction,
  filter: WorklistFilter,
  { limit, after }: { limit: number; after?: WorklistPlace | undefined },
): Promise<FoundWorklist> {
  const { where, parameters } = conditions(filter);
  if (after !== undefined) {
    parameters.push(after.rank, after.place, after.workitemKey);
    const at = parameters.length;
    where.push(`(e.rank, e.place, e.workitem_key) > ($${at - 2}::smallint, $${at - 1}::bigint, $${at}::bigint)`);
  }
  parameters.push(limit + 1);
  const rows = await query<WorklistRow>(
    db,
    `with page as materialized (
       select e.* from worklist_entry e ${whereOf(where)}
        order by e.rank, e.place, e.workitem_key limit $${parameters.length})
     select e.workitem_key, e.rank, e.place, e.workitem_uid, e.state, e.priority, w.priority_reason, e.deadline,
            e.performer, e.finished_at, x.escalated_at,
            s.study_instance_uid, s.patient_name, s.patient_id, s.patient_birth_date, s.patient_sex, s.study_date,
            s.study_time, s.study_description, s.accession_number, s.modalities, e.body_parts, s.number_of_series,
            s.number_of_instances, e.arrived_at as received_at, r.specialty, r.decision, e.ai_state, ai.ai_tasks
       from page e
       join workitem w using (workitem_key)
       join study s on s.study_key = e.study_key
       left join study_routing r on r.study_key = e.study_key
       left join escalation x on x.workitem_uid = e.workitem_uid and x.deadline = e.deadline
       left join lateral (
         select jsonb_agg(to_jsonb(task) order by task.model_id, task.workitem_key desc)
                  filter (where task.is_newest or task.state = 'COMPLETED') as ai_tasks
           from (${aiTasks}) task) ai on true
      order by e.rank, e.place, e.workitem_key`,
    parameters,
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const isMore = rows.length > limit && last !== undefined;
  return {
    items: shown.map(toItem),
    next: isMore ? { rank: last.rank, place: last.place, workitemKey: last.workitem_key } : null,
  };
}

/** How many fit, counted up to {@link countedMax}. */
export async function countWorklist(
  db: DataSource | Transaction,
  filter: WorklistFilter,
): Promise<{ total: number; isTotalExact: boolean }> {
  const { where, parameters } = conditions(filter);
  const [row] = await query<{ total: number }>(
    db,
    `select count(*)::integer as total
       from (select from worklist_entry e ${whereOf(where)} limit ${countedMax + 1}) counted`,
    parameters,
  );
  const total = row?.total ?? 0;
  return { total: Math.min(total, countedMax), isTotalExact: total <= countedMax };
}

const rankOf: Record<Priority, number> = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/** Said as plainly as what is asked for allows: one value by `=`, so that an index gives it in the list's order. */
function conditions(filter: WorklistFilter): { where: string[]; parameters: unknown[] } {
  const where: string[] = [];
  const parameters: unknown[] = [];
  const oneOf = (column: string, values: string[] | undefined) => {
    if (values === undefined) return;
    parameters.push(values.length === 1 ? values[0] : values);
    const at = `$${parameters.length}`;
    where.push(values.length === 1 ? `${column} = ${at}` : `${column} = any(${at}::text[])`);
  };
  const overlaps = (column: string, values: string[] | undefined) => {
    if (values === undefined) return;
    parameters.push(values);
    where.push(`${column} && $${parameters.length}::text[]`);
  };
  if (filter.state !== undefined) {
    const isOver = filter.state.map((state) => state === 'COMPLETED' || state === 'CANCELED');
    if (!isOver.includes(true)) where.push('e.rank < 3');
    if (!isOver.includes(false)) where.push('e.rank = 3');
    const isAllOpen = !isOver.includes(true) && new Set(filter.state).size === 2;
    if (!isAllOpen) oneOf('e.state', filter.state);
    // Of what is open the priority is where the order begins.
    if (!isOver.includes(true) && filter.priority !== undefined) {
      where.push(`e.rank in (${filter.priority.map((priority) => rankOf[priority]).join(', ')})`);
    }
  }
  oneOf('e.specialty', filter.specialty);
  oneOf('e.priority', filter.priority);
  oneOf('e.ai_state', filter.ai);
  oneOf('e.performer', filter.performer);
  overlaps('e.modalities', filter.modality);
  overlaps('e.body_parts', filter.bodyPart);
  if (filter.studyInstanceUid !== undefined) {
    parameters.push(filter.studyInstanceUid);
    where.push(
      `e.study_key in (select study_key from study where study_instance_uid = any($${parameters.length}::text[]))`,
    );
  }
  return { where, parameters };
}

function whereOf(where: readonly string[]): string {
  return where.length === 0 ? '' : `where ${where.join(' and ')}`;
}

function toItem(row: WorklistRow): WorklistItem {
  const results = (row.ai_tasks ?? []).map(toResult);
  const patientId = row.patient_id ?? '';
  return {
    workitemUid: row.workitem_uid,
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
    bodyParts: row.body_parts,
    specialty: row.specialty,
    numberOfSeries: row.number_of_series,
    numberOfInstances: row.number_of_instances,
    receivedAt: row.received_at.toISOString(),
    deadline: row.deadline?.toISOString() ?? null,
    escalatedAt: row.escalated_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
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
    reviews: (task.reviews ?? []).map(
      ({ finding, verdict, comment, reader, at, is_stored: isStored, series, sop }) => ({
        finding,
        verdict,
        comment,
        reader,
        at: new Date(at).toISOString(),
        report: isStored ? { seriesInstanceUid: series, sopInstanceUid: sop } : null,
      }),
    ),
  };
}

/** One line that goes with the state: what was found, or why nothing was. */
function summarise(state: AiState, results: readonly AiResult[], decision: Decision | null): string | null {
  switch (state) {
    case 'positive':
    case 'negative':
    case 'inconclusive':
      return joined(
        results.filter((result) => result.outcome === state && !isRefuted(result)).map(({ summary }) => summary),
      );
    case 'overridden': {
      const refuted = results.find(isRefuted);
      const reader = refuted?.reviews.findLast(({ finding }) => finding === null)?.reader;
      return refuted === undefined ? null : `${reader} disagrees: ${refuted.summary ?? refuted.outcome}`;
    }
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

/** A reader's last word on the whole of it was that it is wrong. */
function isRefuted({ reviews }: AiResult): boolean {
  return reviews.findLast(({ finding }) => finding === null)?.verdict === 'disagree';
}

function joined(texts: readonly (string | null)[]): string | null {
  const distinct = [...new Set(texts.filter((text) => text !== null))];
  return distinct.length > 0 ? distinct.join(' · ') : null;
}
