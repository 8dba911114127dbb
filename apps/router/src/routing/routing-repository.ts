import { type DataSource, execute, query, queryPreparedIn, readSetting, type Transaction } from '#libs/database';
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
  study_key: number;
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
  return (await getStudyRoutings(db, [studyKey])).get(studyKey);
}

/** The same of many studies, by their keys. */
export async function getStudyRoutings(
  db: DataSource | Transaction,
  studyKeys: readonly number[],
): Promise<Map<number, StudyRouting>> {
  const rows = await query<StudyRoutingRow>(
    db,
    `select study_key, state, completeness, specialty, specialty_reason, decision, routed_input
       from study_routing where study_key = any($1)`,
    [studyKeys],
  );
  return new Map(
    rows.map((row) => [
      row.study_key,
      {
        state: row.state,
        completeness: row.completeness,
        specialty: row.specialty,
        specialtyReason: row.specialty_reason,
        decision: row.decision,
        routedInput: row.routed_input,
      },
    ]),
  );
}

/** Which of the studies have a reading task. */
export async function findListed(tx: Transaction, studyKeys: readonly number[]): Promise<Set<number>> {
  const rows = await query<{ study_key: number }>(
    tx,
    `select study_key from workitem where kind = 'reading' and study_key = any($1)`,
    [studyKeys],
  );
  return new Set(rows.map((row) => row.study_key));
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

export interface FoundRouting {
  studyKey: number;
  state: RoutingState;
  secondsSinceLastReceived: number;
  completeness: Completeness;
  specialty: SpecialtyChoice;
  decision: Decision;
  /** null: what was routed before stays. */
  routedInput: string | null;
}

/** Writes what routing found, under {@link lockRouting}. */
export async function saveStudyRoutings(tx: Transaction, found: readonly FoundRouting[]): Promise<void> {
  if (found.length === 0) return;
  await queryPreparedIn(
    tx,
    'routing-save',
    `insert into study_routing as r
       (study_key, state, last_received_at, completeness, specialty, specialty_reason, decision, routed_input)
     select f.study_key, f.state, now() - f.seconds * interval '1 second', f.completeness, f.specialty, f.reason,
            f.decision, f.routed_input
       from json_to_recordset($1::json) as f (study_key bigint, state text, seconds float8, completeness jsonb,
            specialty text, reason text, decision jsonb, routed_input text)
      order by f.study_key
     on conflict (study_key) do update
       set state = excluded.state, last_received_at = excluded.last_received_at, completeness = excluded.completeness,
           specialty = excluded.specialty, specialty_reason = excluded.specialty_reason,
           decision = excluded.decision, routed_input = coalesce(excluded.routed_input, r.routed_input),
           updated_at = now()`,
    [
      JSON.stringify(
        found.map((one) => ({
          study_key: one.studyKey,
          state: one.state,
          seconds: one.secondsSinceLastReceived,
          completeness: one.completeness,
          specialty: one.specialty.specialty,
          reason: one.specialty.reason,
          decision: one.decision,
          routed_input: one.routedInput,
        })),
      ),
    ],
  );
}

/** What was decided still holds: the archive says 'receiving' whenever anything is stored, a report of our own too. */
export async function confirmRouted(tx: Transaction, studyKeys: readonly number[]): Promise<void> {
  if (studyKeys.length === 0) return;
  await execute(tx, `update study_routing set state = 'routed', updated_at = now() where study_key = any($1)`, [
    studyKeys,
  ]);
}

/** The rules that decide, in the order they are asked. */
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
    `select rule_id, version, position, name, is_enabled, definition
       from routing_rule where state = 'active' order by position, rule_id`,
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
  const value = await readSetting(db, 'routing-match');
  if (value === undefined || value === 'all') return 'all';
  if (value === 'first') return 'first';
  throw new Error(`The setting routing-match is ${JSON.stringify(value)}; it must be "all" or "first"`);
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
