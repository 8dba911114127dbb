import type { Priority } from '#libs/workitems';
import { type Answer, matchSeries } from './match-study.js';
import { parseRule, problemsText } from './parse-rule.js';
import type { RoutingRule, RuleDefinition } from './rule.js';
import type { StudyFacts } from './study-facts.js';

export interface RuleVerdict {
  ruleId: string;
  version: number;
  name: string;
  matched: boolean;
  /** A sentence for people: which attributes decided. */
  reason: string;
}

/** What is common to all that rules order of a study. */
interface AnyOrder {
  /** Names of the rules that ask for it. */
  rules: string[];
  /** What it is about: the source series that matched, all of them where a rule is asked of the study. */
  seriesInstanceUids: string[];
  /** 'now' as soon as one rule says so. */
  schedule: 'now' | 'off-peak';
}

/** A model that matching rules ask for. */
export interface ModelOrder extends AnyOrder {
  /** `<specialty>/<name>`. */
  model: string;
  /** 'current' or a version. */
  version: string;
  /** The most urgent that a rule gives; undefined: the study's own. */
  priority: Priority | undefined;
}

/** Another archive that matching rules send to. */
export interface ForwardOrder extends AnyOrder {
  destination: string;
}

export interface Evaluation {
  /** Every rule, in order, also those that did not match or were not asked. */
  verdicts: RuleVerdict[];
  orders: ModelOrder[];
  forwards: ForwardOrder[];
  /** The longest that a matching rule asks for, and the rule's name. */
  quietPeriod: { seconds: number; rule: string } | undefined;
  /** The most urgent that a matching rule gives to the study, and the rule's name. */
  priority: { priority: Priority; rule: string } | undefined;
  deadlineMinutes: number | undefined;
}

export type MatchMode = 'all' | 'first';

/** HIGH before MEDIUM before LOW. */
export const urgency: Record<Priority, number> = { HIGH: 2, MEDIUM: 1, LOW: 0 };

/**
 * Asks each rule of a study, in the order of their positions. Pure: the same rules and facts give the same answer, so that
 * a decision can be explained, and replayed before a rule goes live.
 * @param mode 'all': every matching rule counts, up to one that says it is the last; 'first': the first matching one only
 */
export function evaluateRules(rules: readonly RoutingRule[], study: StudyFacts, mode: MatchMode = 'all'): Evaluation {
  const evaluation: Evaluation = {
    verdicts: [],
    orders: [],
    forwards: [],
    quietPeriod: undefined,
    priority: undefined,
    deadlineMinutes: undefined,
  };
  let endedBy: string | undefined;
  for (const rule of [...rules].sort((a, b) => a.position - b.position || (a.ruleId < b.ruleId ? -1 : 1))) {
    const { matched, reason, definition, seriesInstanceUids } = judge(rule, study, endedBy);
    evaluation.verdicts.push({ ruleId: rule.ruleId, version: rule.version, name: rule.name, matched, reason });
    if (!matched || definition === undefined) continue;
    apply(evaluation, rule.name, definition, seriesInstanceUids);
    if (mode === 'first' || definition.gives.isLast) endedBy = rule.name;
  }
  return evaluation;
}

interface Judgement extends Answer {
  definition?: RuleDefinition;
}

function judge(rule: RoutingRule, study: StudyFacts, endedBy: string | undefined): Judgement {
  const notAsked = (reason: string): Judgement => ({ matched: false, reason, seriesInstanceUids: [] });
  if (!rule.isEnabled) return notAsked('It is switched off.');
  if (endedBy !== undefined) return notAsked(`Not asked: "${endedBy}" matched and is the last.`);
  const { definition, problems } = parseRule(rule.definition);
  if (definition === undefined) return notAsked(`The rule cannot be used: ${problemsText(problems)}`);
  return { ...matchSeries(definition.when, definition.level, study), definition };
}

function apply(
  evaluation: Evaluation,
  rule: string,
  { gives, quietPeriodSeconds }: RuleDefinition,
  seriesInstanceUids: string[],
): void {
  const asked = { rules: [rule], seriesInstanceUids, schedule: gives.schedule };
  for (const { model, version } of gives.models) {
    const known = evaluation.orders.find((order) => order.model === model && order.version === version);
    if (known === undefined) evaluation.orders.push({ ...asked, model, version, priority: gives.priority });
    else joinOrders(known, { ...asked, priority: gives.priority });
  }
  for (const destination of gives.forward) {
    const known = evaluation.forwards.find((order) => order.destination === destination);
    if (known === undefined) evaluation.forwards.push({ ...asked, destination });
    else joinOrders(known, asked);
  }
  if (quietPeriodSeconds !== undefined && quietPeriodSeconds > (evaluation.quietPeriod?.seconds ?? -1)) {
    evaluation.quietPeriod = { seconds: quietPeriodSeconds, rule };
  }
  if (moreUrgent(evaluation.priority?.priority, gives.priority) !== evaluation.priority?.priority) {
    evaluation.priority = { priority: gives.priority!, rule };
  }
  if (gives.deadlineMinutes !== undefined) {
    evaluation.deadlineMinutes = Math.min(
      gives.deadlineMinutes,
      evaluation.deadlineMinutes ?? Number.POSITIVE_INFINITY,
    );
  }
}

/** Two orders for the same become one: the more urgent, the earlier, about all that either is about. */
export function joinOrders(
  order: AnyOrder & { priority?: Priority | undefined },
  other: AnyOrder & { priority?: Priority | undefined },
): void {
  order.rules = [...new Set([...order.rules, ...other.rules])];
  order.seriesInstanceUids = [...new Set([...order.seriesInstanceUids, ...other.seriesInstanceUids])];
  if (other.schedule === 'now') order.schedule = 'now';
  const priority = moreUrgent(order.priority, other.priority);
  if (priority !== undefined) order.priority = priority;
}

function moreUrgent(a: Priority | undefined, b: Priority | undefined): Priority | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return urgency[b] > urgency[a] ? b : a;
}
