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

/**
 * Routing of one study is one at a time, until the transaction ends. An advisory lock and not the row's: storing more
 * instances writes to the row, and need not wait for us.
 */
export async function lockRouting(tx: Transaction, studyKey: number): Promise<void> {
  await query(tx, `select pg_advisory_xact_lock(hashtextextended('isocenter:routing', $1))`, [studyKey]);
}

/** @returns undefined when neither the archive nor routing has said anything of the study yet */
export async function getStudyRouting(
  db: DataSource | Transaction,
  studyKey: number,
): Promise<StudyRouting | undefined> {
  const [row] = await query<StudyRoutingRow>(
    db,
    `select state, completeness, specialty, specialty_reason, decision, routed_input
       from study_routing where study_key = $1`,
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

/** Puts a study that has just been listed on its department's list, before anything else is known. */
export async function saveFirstSpecialty(
  tx: Transaction,
  studyKey: number,
  { specialty, reason }: SpecialtyChoice,
): Promise<void> {
  await query(
    tx,
    `insert into study_routing (study_key, last_received_at, specialty, specialty_reason) values ($1, now(), $2, $3)
     on conflict (study_key) do update set specialty = $2, specialty_reason = $3 where study_routing.specialty is null`,
    [studyKey, specialty, reason],
  );
}

/** Writes what routing found, under {@link lockRouting}. */
export async function saveStudyRouting(
  tx: Transaction,
  studyKey: number,
  found: {
    state: RoutingState;
    secondsSinceLastReceived: number;
    completeness: Completeness;
    specialty: SpecialtyChoice;
    decision: Decision;
    /** null: what was routed before stays. */
    routedInput: string | null;
  },
): Promise<void> {
  await query(
    tx,
    `insert into study_routing as r
       (study_key, state, last_received_at, completeness, specialty, specialty_reason, decision, routed_input)
     values ($1, $2, now() - $3 * interval '1 second', $4, $5, $6, $7, $8)
     on conflict (study_key) do update
       set state = $2, last_received_at = excluded.last_received_at, completeness = $4, specialty = $5,
           specialty_reason = $6, decision = $7, routed_input = coalesce($8, r.routed_input), updated_at = now()`,
    [
      studyKey,
      found.state,
      found.secondsSinceLastReceived,
      JSON.stringify(found.completeness),
      found.specialty.specialty,
      found.specialty.reason,
      JSON.stringify(found.decision),
      found.routedInput,
    ],
  );
}

/** What was decided still holds: the archive says 'receiving' whenever anything is stored, a report of our own too. */
export async function confirmRouted(tx: Transaction, studyKey: number): Promise<void> {
  await execute(tx, `update study_routing set state = 'routed', updated_at = now() where study_key = $1`, [studyKey]);
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
