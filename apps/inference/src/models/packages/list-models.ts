import { type DataSource, query } from '#libs/database';
import type { ModelSource } from './model-repository.js';

export interface ListedModel {
  model: string;
  version: string;
  specialty: string;
  /** Of the version: what results and workitems name it by. */
  sha256: string;
  /** Of model.onnx. */
  networkSha256: string;
  /** Whether it lies in the workers' folder or was uploaded. */
  source: ModelSource;
  /** active: rules that ask for the current version get it. */
  state: 'active' | 'inactive';
  isCurrent: boolean;
  /** Of an uploaded one. */
  bytes: number | null;
  registeredAt: string;
  title: string | null;
  intendedUse: string | null;
  limits: string[];
  licence: string | null;
  /** Its tasks so far, by state. */
  tasks: { scheduled: number; inProgress: number; completed: number; canceled: number };
  outcomes: { positive: number; negative: number; inconclusive: number };
}

/** The models there are, and what they have done. */
export async function listModels(db: DataSource): Promise<ListedModel[]> {
  const rows = await query<{
    model_id: string;
    version: string;
    specialty: string;
    sha256: string;
    is_current: boolean;
    registered_at: Date;
    network_sha256: string;
    source: ModelSource;
    bytes: string | null;
    manifest: { title?: string; intendedUse?: string; limits?: string[]; licence?: string };
    tasks: ListedModel['tasks'];
    outcomes: ListedModel['outcomes'];
  }>(
    db,
    `select m.model_id, m.version, m.specialty, m.sha256, m.is_current, m.registered_at, m.network_sha256, m.source,
              m.bytes, m.manifest,
            jsonb_build_object(
              'scheduled', coalesce(w.scheduled, 0), 'inProgress', coalesce(w.in_progress, 0),
              'completed', coalesce(w.completed, 0), 'canceled', coalesce(w.canceled, 0)) as tasks,
            jsonb_build_object(
              'positive', coalesce(t.positive, 0), 'negative', coalesce(t.negative, 0),
              'inconclusive', coalesce(t.inconclusive, 0)) as outcomes
       from model m
       left join (
         select model_id, model_version,
                count(*) filter (where state = 'SCHEDULED') as scheduled,
                count(*) filter (where state = 'IN PROGRESS') as in_progress,
                count(*) filter (where state = 'COMPLETED') as completed,
                count(*) filter (where state = 'CANCELED') as canceled
           from workitem where kind = 'ai' group by model_id, model_version) w
         on w.model_id = m.model_id and w.model_version = m.version
       left join (
         select model_id, model_version,
                count(*) filter (where outcome = 'positive') as positive,
                count(*) filter (where outcome = 'negative') as negative,
                count(*) filter (where outcome = 'inconclusive') as inconclusive
           from result group by model_id, model_version) t
         on t.model_id = m.model_id and t.model_version = m.version
      order by m.specialty, m.model_id, m.registered_at, m.version`,
  );
  return rows.map((row) => ({
    model: row.model_id,
    version: row.version,
    specialty: row.specialty,
    sha256: row.sha256,
    networkSha256: row.network_sha256,
    source: row.source,
    state: row.is_current ? 'active' : 'inactive',
    isCurrent: row.is_current,
    bytes: row.bytes === null ? null : Number(row.bytes),
    registeredAt: row.registered_at.toISOString(),
    title: row.manifest.title ?? null,
    intendedUse: row.manifest.intendedUse ?? null,
    limits: row.manifest.limits ?? [],
    licence: row.manifest.licence ?? null,
    tasks: row.tasks,
    outcomes: row.outcomes,
  }));
}
