import { type DataSource, query, transaction } from '#libs/database';
import { evaluateRules, type Evaluation } from '../routing/evaluate-rules.js';
import { readStudyFacts } from '../routing/read-study-facts.js';
import { type ResolvedOrder, resolveModels } from '../routing/resolve-models.js';
import { readMatchMode, readModels, readRules } from '../routing/routing-repository.js';
import type { RoutingRule } from '../routing/rule.js';

/** How one study would be routed otherwise than by the rules in force. */
export interface ReplayedStudy {
  studyInstanceUid: string;
  /** Whether the rule under trial matches, and why (not). */
  matched: boolean;
  reason: string;
  /** Models and destinations it would get, and would no longer get. */
  added: string[];
  removed: string[];
  priority: { before: string | null; after: string | null } | null;
}

/** Runs of a model over all studies looked at, and what they cost by the runs that were recorded. */
export interface ReplayedModel {
  model: string;
  version: string | null;
  runsBefore: number;
  runsAfter: number;
  /** Of a run, on the average of the last ones; null: none was ever recorded. */
  minutesPerRun: number | null;
  minutesBefore: number | null;
  minutesAfter: number | null;
}

export interface Replay {
  studies: number;
  matched: number;
  changed: number;
  models: ReplayedModel[];
  destinations: { destination: string; studiesBefore: number; studiesAfter: number }[];
  /** More than now, over all models with recorded runs; the rest is in `modelsWithoutRuns`. */
  modelMinutes: { before: number; after: number; more: number };
  modelsWithoutRuns: string[];
  /** The newest that match or would change, at most so many. */
  examples: ReplayedStudy[];
}

export const replayedStudiesMax = 1_000;
const examplesMax = 50;
/** Of each model and version. */
const runsAveraged = 100;

/**
 * Holds a rule that is not in force against studies that are here, as if it had been: beside all other rules, whose last
 * word (`isLast`) it may have or lose. Nothing is written.
 * @param rule takes the place of the rule with its id
 * @param studies so many of the newest, or these
 */
export async function replayRule(
  dataSource: DataSource,
  rule: RoutingRule,
  studies: number | readonly string[],
): Promise<Replay> {
  const rulesNow = await readRules(dataSource);
  const rulesThen = [...rulesNow.filter(({ ruleId }) => ruleId !== rule.ruleId), rule];
  const mode = await readMatchMode(dataSource);
  const registered = await readModels(dataSource);
  const replay = new Tally(await readRunMinutes(dataSource));
  for (const uid of await newestStudies(dataSource, studies)) {
    const facts = await transaction(dataSource, (tx) => readStudyFacts(tx, uid));
    if (facts === undefined) continue;
    const now = evaluateRules(rulesNow, facts, mode);
    const then = evaluateRules(rulesThen, facts, mode);
    const verdict = then.verdicts.find(({ ruleId }) => ruleId === rule.ruleId)!;
    replay.add(
      uid,
      verdict,
      { evaluation: now, orders: resolveModels(now.orders, registered) },
      { evaluation: then, orders: resolveModels(then.orders, registered) },
    );
  }
  return replay.result();
}

interface Routed {
  evaluation: Evaluation;
  orders: ResolvedOrder[];
}

class Tally {
  private studies = 0;
  private matched = 0;
  private changed = 0;
  private readonly models = new Map<string, { model: string; version: string | null; before: number; after: number }>();
  private readonly destinations = new Map<string, { before: number; after: number }>();
  private readonly examples: ReplayedStudy[] = [];

  constructor(private readonly runMinutes: ReadonlyMap<string, number>) {}

  add(uid: string, { matched, reason }: { matched: boolean; reason: string }, now: Routed, then: Routed): void {
    this.studies += 1;
    if (matched) this.matched += 1;
    const namesNow = new Set(this.count(now, 'before'));
    const namesThen = new Set(this.count(then, 'after'));
    const added = [...namesThen].filter((name) => !namesNow.has(name));
    const removed = [...namesNow].filter((name) => !namesThen.has(name));
    const [before, after] = [now, then].map(({ evaluation }) => evaluation.priority?.priority ?? null);
    const priority = before === after ? null : { before: before ?? null, after: after ?? null };
    const isChanged = added.length + removed.length > 0 || priority !== null;
    if (isChanged) this.changed += 1;
    if ((matched || isChanged) && this.examples.length < examplesMax) {
      this.examples.push({ studyInstanceUid: uid, matched, reason, added, removed, priority });
    }
  }

  result(): Replay {
    const models = [...this.models.values()].map(({ model, version, before, after }): ReplayedModel => {
      const minutes = this.runMinutes.get(`${model} ${version}`) ?? null;
      return {
        model,
        version,
        runsBefore: before,
        runsAfter: after,
        minutesPerRun: rounded(minutes),
        minutesBefore: rounded(minutes === null ? null : before * minutes),
        minutesAfter: rounded(minutes === null ? null : after * minutes),
      };
    });
    const sum = (minutes: (model: ReplayedModel) => number | null) =>
      rounded(models.reduce((total, model) => total + (minutes(model) ?? 0), 0))!;
    const [before, after] = [sum((model) => model.minutesBefore), sum((model) => model.minutesAfter)];
    return {
      studies: this.studies,
      matched: this.matched,
      changed: this.changed,
      models,
      destinations: [...this.destinations].map(([destination, count]) => ({
        destination,
        studiesBefore: count.before,
        studiesAfter: count.after,
      })),
      modelMinutes: { before, after, more: rounded(after - before)! },
      modelsWithoutRuns: models.filter(({ minutesPerRun }) => minutesPerRun === null).map(({ model }) => model),
      examples: this.examples,
    };
  }

  private *count({ orders, evaluation }: Routed, when: 'before' | 'after'): Iterable<string> {
    for (const { order, model } of orders) {
      const version = model?.version ?? null;
      const name = `${order.model} ${version ?? '(not registered)'}`;
      const counted = this.models.get(name) ?? { model: order.model, version, before: 0, after: 0 };
      counted[when] += 1;
      this.models.set(name, counted);
      yield `model ${name}`;
    }
    for (const { destination } of evaluation.forwards) {
      const counted = this.destinations.get(destination) ?? { before: 0, after: 0 };
      counted[when] += 1;
      this.destinations.set(destination, counted);
      yield `destination ${destination}`;
    }
  }
}

async function newestStudies(db: DataSource, studies: number | readonly string[]): Promise<readonly string[]> {
  if (typeof studies !== 'number') return studies;
  const rows = await query<{ study_instance_uid: string }>(
    db,
    'select study_instance_uid from study order by study_key desc limit $1',
    [studies],
  );
  return rows.map((row) => row.study_instance_uid);
}

/** Minutes of a run by `<model> <version>`: from its claim to its result, as the performers recorded them. */
async function readRunMinutes(db: DataSource): Promise<Map<string, number>> {
  const rows = await query<{ name: string; minutes: number }>(
    db,
    `select m.model_id || ' ' || m.version as name, run.minutes
       from model m
       cross join lateral (
         select (avg(extract(epoch from finished_at - started_at)) / 60)::float8 as minutes
           from (select started_at, finished_at from result t
                  where t.model_id = m.model_id and t.model_version = m.version
                  order by created_at desc limit $1) t) run
      where run.minutes is not null`,
    [runsAveraged],
  );
  return new Map(rows.map(({ name, minutes }) => [name, minutes]));
}

function rounded<T extends number | null>(minutes: T): T {
  return (minutes === null ? null : Math.round(minutes * 1000) / 1000) as T;
}
