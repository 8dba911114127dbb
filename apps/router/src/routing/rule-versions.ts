import { randomUUID } from 'node:crypto';
import { type DataSource, execute, query, type Transaction } from '#libs/database';
import type { RoutingRule } from './rule.js';

/*
 * A rule has versions: at most one is active and decides, at most one is a draft and may still be changed. What was
 * active once is never changed again, for decisions name it; going back is making it active again.
 */

export type RuleState = 'draft' | 'active' | 'retired';

export interface RuleVersion extends RoutingRule {
  state: RuleState;
  note: string;
  createdAt: Date;
  updatedAt: Date;
}

/** From `createdAt` on this version decided; null: none. */
export interface RuleChange {
  version: number | null;
  note: string;
  createdAt: Date;
}

/** What somebody may say of a rule. */
export interface RuleDraft {
  name: string;
  position: number;
  isEnabled: boolean;
  note: string;
  definition: unknown;
}

interface RuleRow {
  rule_id: string;
  version: number;
  position: number;
  name: string;
  is_enabled: boolean;
  definition: unknown;
  state: RuleState;
  note: string;
  created_at: Date;
  updated_at: Date;
}

const columns = 'rule_id, version, position, name, is_enabled, definition, state, note, created_at, updated_at';

/** Of every rule what decides and what is drafted, of a retired one its last version: in the order rules are asked. */
export async function listRules(db: DataSource | Transaction): Promise<RuleVersion[]> {
  const rows = await query<RuleRow>(
    db,
    `select ${columns} from routing_rule r
      where state <> 'retired'
         or version = (select max(version) from routing_rule n where n.rule_id = r.rule_id
                        having bool_and(n.state = 'retired'))
      order by position, rule_id, version`,
  );
  return rows.map(toRule);
}

/** All versions of one rule, the newest first. */
export async function readRuleVersions(db: DataSource | Transaction, ruleId: string): Promise<RuleVersion[]> {
  const rows = await query<RuleRow>(
    db,
    `select ${columns} from routing_rule where rule_id = $1 order by version desc`,
    [ruleId],
  );
  return rows.map(toRule);
}

/** What decided when, the latest first. */
export async function readRuleChanges(db: DataSource, ruleId: string, limit: number): Promise<RuleChange[]> {
  const rows = await query<{ version: number | null; note: string; created_at: Date }>(
    db,
    `select version, note, created_at from routing_rule_change
      where rule_id = $1 order by change_key desc limit $2`,
    [ruleId, limit],
  );
  return rows.map((row) => ({ version: row.version, note: row.note, createdAt: row.created_at }));
}

/** @returns the draft of a new rule; position null: behind all others */
export async function createRule(
  tx: Transaction,
  rule: Omit<RuleDraft, 'position'> & { position: number | null },
): Promise<RuleVersion> {
  const [row] = await query<RuleRow>(
    tx,
    `insert into routing_rule (rule_id, version, position, name, is_enabled, definition, state, note)
     values ($1, 1, coalesce($2, (select coalesce(max(position), 0) + 10 from routing_rule)), $3, $4, $5, 'draft', $6)
     returning ${columns}`,
    [randomUUID(), rule.position, rule.name, rule.isEnabled, JSON.stringify(rule.definition), rule.note],
  );
  return toRule(row!);
}

/** One who changes the versions of a rule at a time, until the transaction ends. @returns them, the newest first */
export async function lockRule(tx: Transaction, ruleId: string): Promise<RuleVersion[]> {
  await query(tx, `select pg_advisory_xact_lock(hashtextextended('isocenter:rule ' || $1, 0))`, [ruleId]);
  return readRuleVersions(tx, ruleId);
}

/** Writes the draft, a new version where there is none. Under {@link lockRule}. */
export async function saveDraft(tx: Transaction, ruleId: string, draft: RuleDraft): Promise<RuleVersion> {
  const [row] = await query<RuleRow>(
    tx,
    `insert into routing_rule as r (rule_id, version, position, name, is_enabled, definition, state, note)
     select $1, coalesce(max(version) filter (where state = 'draft'), max(version) + 1), $2, $3, $4, $5, 'draft', $6
       from routing_rule where rule_id = $1
     on conflict on constraint pk_routing_rule do update
       set position = $2, name = $3, is_enabled = $4, definition = $5, note = $6, updated_at = now()
     returning ${columns}`,
    [ruleId, draft.position, draft.name, draft.isEnabled, JSON.stringify(draft.definition), draft.note],
  );
  return toRule(row!);
}

/** @returns false when there is none */
export async function discardDraft(tx: Transaction, ruleId: string): Promise<boolean> {
  return (await execute(tx, `delete from routing_rule where rule_id = $1 and state = 'draft'`, [ruleId])) > 0;
}

/** From now on this version decides. Under {@link lockRule}; asked for what decides already, it changes nothing. */
export async function activateVersion(tx: Transaction, ruleId: string, version: number, note: string): Promise<void> {
  await execute(
    tx,
    `update routing_rule set state = 'retired', updated_at = now()
      where rule_id = $1 and state = 'active' and version <> $2`,
    [ruleId, version],
  );
  const changed = await execute(
    tx,
    `update routing_rule set state = 'active', updated_at = now()
      where rule_id = $1 and version = $2 and state <> 'active'`,
    [ruleId, version],
  );
  if (changed > 0) await recordChange(tx, ruleId, version, note);
}

/** No version decides any more; all are kept. Under {@link lockRule}. @returns false when none did */
export async function retireRule(tx: Transaction, ruleId: string, note: string): Promise<boolean> {
  const changed = await execute(
    tx,
    `update routing_rule set state = 'retired', updated_at = now() where rule_id = $1 and state = 'active'`,
    [ruleId],
  );
  if (changed > 0) await recordChange(tx, ruleId, null, note);
  return changed > 0;
}

/** The version that decided before the one that does now. @returns undefined when there was none */
export async function versionBefore(tx: Transaction, ruleId: string): Promise<number | undefined> {
  const [row] = await query<{ version: number }>(
    tx,
    `select version from (
       select c.version, c.change_key from routing_rule_change c where c.rule_id = $1
       union all
       -- Rules of the first days were active without anybody saying so.
       select 1, 0) c
      where version is not null
        and version is distinct from (select version from routing_rule where rule_id = $1 and state = 'active')
        and exists (select from routing_rule r where r.rule_id = $1 and r.version = c.version and r.state = 'retired')
      order by change_key desc limit 1`,
    [ruleId],
  );
  return row?.version;
}

async function recordChange(tx: Transaction, ruleId: string, version: number | null, note: string): Promise<void> {
  await query(tx, 'insert into routing_rule_change (rule_id, version, note) values ($1, $2, $3)', [
    ruleId,
    version,
    note,
  ]);
}

function toRule(row: RuleRow): RuleVersion {
  return {
    ruleId: row.rule_id,
    version: row.version,
    position: row.position,
    name: row.name,
    isEnabled: row.is_enabled,
    definition: row.definition,
    state: row.state,
    note: row.note,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
