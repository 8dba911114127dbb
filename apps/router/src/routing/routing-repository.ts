import { type DataSource, execute, query, type Transaction } from '#libs/database';
import type { Completeness } from './completeness.js';
import type { Decision } from './decision.js';
import type { MatchMode } from './evaluate-rules.js';
import type { RegisteredModel } from './resolve-models.js';
import type { RoutingRule } from './rule.js';
import type { SpecialtyChoice } from './specialty.js';

/** 'complete': decided, but a model that a rule asks for is not registered; 'routed': nothing is left to do. */
export type RoutingState = 'receiving' | 'complete' | 'routed';

export interface StudyRouting {
  state: RoutingState;
  completeness: Completeness | null;
  specialty: string | null;
  specialtyReason: string | null;
  decision: Decision | null;
  routedInput: string | null;
}

interface StudyRoutingRow {
  state: RoutingState;
  completeness: Completeness | null;
  specialty: string | null;
  specialty_reason: string | null;
  decision: Decision | null;
  routed_input: string | null;
}

/** Makes the study's routing row if it has none and locks it: routing of one study is one at a time. */
export async function lockStudyRouting(tx: Transaction, studyKey: number): Promise<StudyRouting> {
  await query(
    tx,
    `insert into study_routing (study_key, last_received_at) values ($1, now()) on conflict (study_key) do nothing`,
    [studyKey],
  );
  const routing = await readRow(tx, studyKey, 'for update');
  if (routing === undefined) throw new Error(`The routing row of study ${studyKey} vanished while it was locked`);
  return routing;
}

/** @returns undefined when routing has not seen the study yet */
export function getStudyRouting(db: DataSource | Transaction, studyKey: number): Promise<StudyRouting | undefined> {
  return readRow(db, studyKey, '');
}

async function readRow(
  db: DataSource | Transaction,
  studyKey: number,
  lock: 'for update' | '',
): Promise<StudyRouting | undefined> {
  const [row] = await query<StudyRoutingRow>(
    db,
    `select state, completeness, specialty, specialty_reason, decision, routed_input
       from study_routing where study_key = $1 ${lock}`,
    [studyKey],
  );
  return (
    row && {
      state: row.state,
      completeness: row.completeness,
      specialty: row.specialty,
      specialtyReason: row.specialty_reason,
      decision: row.decision,
      routedInput: row.routed_input,
    }
  );
}

/** Writes what routing found; the row is locked by {@link lockStudyRouting}. */
export async function saveStudyRouting(
  tx: Transaction,
  studyKey: number,
  found: {
    state: RoutingState;
    secondsSinceLastReceived: number;
    completeness: Completeness;
    specialty: SpecialtyChoice;
    decision: Decision;
    /** undefined: what was routed before stays. */
    routedInput?: string;
  },
): Promise<void> {
  await execute(
    tx,
    `update study_routing
        set state = $2, last_received_at = now() - $3 * interval '1 second', completeness = $4, specialty = $5,
            specialty_reason = $6, decision = $7, routed_input = coalesce($8, routed_input), updated_at = now()
      where study_key = $1`,
    [
      studyKey,
      found.state,
      found.secondsSinceLastReceived,
      JSON.stringify(found.completeness),
      found.specialty.specialty,
      found.specialty.reason,
      JSON.stringify(found.decision),
      found.routedInput ?? null,
    ],
  );
}

/** Says that routing has looked at the study and found nothing new: for the reconciler, which looks for studies nobody looked at. */
export async function touchStudyRouting(tx: Transaction, studyKey: number): Promise<void> {
  await execute(tx, 'update study_routing set updated_at = now() where study_key = $1', [studyKey]);
}

/** Newest version of each rule, in the order they are asked. */
export async function readRules(db: DataSource | Transaction): Promise<RoutingRule[]> {
  const rows = await query<{
    rule_id: string;
    version: number;
    position: number;
    name: string;
    is_enabled: boolean;
    definition: unknown;
  }>(
    db,
    `select * from (
       select distinct on (rule_id) rule_id, version, position, name, is_enabled, definition
         from routing_rule order by rule_id, version desc) newest
      order by position, rule_id`,
  );
  return rows.map((row) => ({
    ruleId: row.rule_id,
    version: row.version,
    position: row.position,
    name: row.name,
    isEnabled: row.is_enabled,
    definition: row.definition,
  }));
}

/** Setting `routing-match`: "all" (every matching rule counts, the default) or "first". */
export async function readMatchMode(db: DataSource | Transaction): Promise<MatchMode> {
  const [row] = await query<{ value: unknown }>(db, `select value from setting where name = 'routing-match'`);
  if (row === undefined || row.value === 'all') return 'all';
  if (row.value === 'first') return 'first';
  throw new Error(`The setting routing-match is ${JSON.stringify(row.value)}; it must be "all" or "first"`);
}

/** All registered versions of all models. */
export async function readModels(db: DataSource | Transaction): Promise<RegisteredModel[]> {
  const rows = await query<{
    model_id: string;
    version: string;
    specialty: string;
    sha256: string;
    is_current: boolean;
  }>(db, 'select model_id, version, specialty, sha256, is_current from model order by model_id, version');
  return rows.map((row) => ({
    modelId: row.model_id,
    version: row.version,
    specialty: row.specialty,
    sha256: row.sha256,
    isCurrent: row.is_current,
  }));
}
