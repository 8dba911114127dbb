import type { Priority } from '#libs/workitems';
import { z } from 'zod';
import { type AttributeValues, seriesValues, studyValues } from './attribute-values.js';
import { matchesValue } from './match-value.js';
import { type Condition, type Matcher, type RoutingRule, type RuleDefinition, ruleDefinitionSchema } from './rule.js';
import type { StudyFacts } from './study-facts.js';

export interface RuleVerdict {
  ruleId: string;
  version: number;
  name: string;
  matched: boolean;
  /** A sentence for people: which attributes decided. */
  reason: string;
}

/** A model that matching rules ask for. */
export interface ModelOrder {
  /** `<specialty>/<name>`. */
  model: string;
  /** 'current' or a version. */
  version: string;
  /** The most urgent that a rule gives; undefined: the study's own. */
  priority: Priority | undefined;
  /** Names of the rules that ask for it. */
  rules: string[];
}

export interface Evaluation {
  /** Every rule, in order, also those that did not match or were not asked. */
  verdicts: RuleVerdict[];
  orders: ModelOrder[];
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
  const evaluation: Evaluation = { verdicts: [], orders: [], priority: undefined, deadlineMinutes: undefined };
  let endedBy: string | undefined;
  for (const rule of [...rules].sort((a, b) => a.position - b.position || (a.ruleId < b.ruleId ? -1 : 1))) {
    const { matched, reason, definition } = judge(rule, study, endedBy);
    evaluation.verdicts.push({ ruleId: rule.ruleId, version: rule.version, name: rule.name, matched, reason });
    if (!matched || definition === undefined) continue;
    apply(evaluation, rule.name, definition);
    if (mode === 'first' || definition.gives.isLast) endedBy = rule.name;
  }
  return evaluation;
}

interface Judgement {
  matched: boolean;
  reason: string;
  definition?: RuleDefinition;
}

function judge(rule: RoutingRule, study: StudyFacts, endedBy: string | undefined): Judgement {
  if (!rule.isEnabled) return { matched: false, reason: 'It is switched off.' };
  if (endedBy !== undefined) return { matched: false, reason: `Not asked: "${endedBy}" matched and is the last.` };
  const parsed = ruleDefinitionSchema.safeParse(rule.definition);
  if (!parsed.success) {
    return { matched: false, reason: `The rule cannot be used: ${z.prettifyError(parsed.error)}` };
  }
  const definition = parsed.data;
  return { ...matchStudy(definition, study), definition };
}

function matchStudy({ level, when }: RuleDefinition, study: StudyFacts): { matched: boolean; reason: string } {
  const sources = study.series.filter(({ isSource }) => isSource);
  if (sources.length === 0) {
    return {
      matched: false,
      reason: 'The study holds only reports, segmentations and the like, which are not routed.',
    };
  }
  if (level === 'study') {
    const answer = match(when, studyValues(study));
    return { matched: answer.matched, reason: `${capital(answer.why)}.` };
  }
  const answers = sources.map((series) => match(when, seriesValues(study, series)));
  const matching = answers.filter(({ matched }) => matched);
  if (matching.length > 0) {
    return { matched: true, reason: `${matching.length} of ${sources.length} series: ${matching[0]!.why}.` };
  }
  const whys = [...new Set(answers.map(({ why }) => why))];
  const named = whys.slice(0, 3).join('; or: ');
  return {
    matched: false,
    reason: `None of ${sources.length} series: ${named}${whys.length > 3 ? '; and so on' : ''}.`,
  };
}

interface Answer {
  matched: boolean;
  why: string;
}

function match(matcher: Matcher, values: AttributeValues): Answer {
  if ('all' in matcher) {
    const answers = matcher.all.map((part) => match(part, values));
    const failed = answers.find(({ matched }) => !matched);
    return failed ?? { matched: true, why: answers.map(({ why }) => why).join(', ') };
  }
  if ('any' in matcher) {
    const answers = matcher.any.map((part) => match(part, values));
    const passed = answers.find(({ matched }) => matched);
    return passed ?? { matched: false, why: answers.map(({ why }) => why).join(' and ') };
  }
  if ('not' in matcher) {
    const answer = match(matcher.not, values);
    return { matched: !answer.matched, why: answer.why };
  }
  return matchCondition(matcher, values(matcher.keyword));
}

function matchCondition(condition: Condition, values: string[]): Answer {
  const { keyword, exists } = condition;
  if (exists !== undefined) {
    return { matched: values.length > 0 === exists, why: `${keyword} is ${values.length > 0 ? 'there' : 'absent'}` };
  }
  const is = condition.is === undefined ? undefined : Array.isArray(condition.is) ? condition.is : [condition.is];
  const { atLeast, atMost } = condition;
  const found = values.find((value) => matchesValue({ is, atLeast, atMost }, value));
  if (found !== undefined) return { matched: true, why: `${keyword} is "${shorten(found)}"` };
  if (values.length === 0) return { matched: false, why: `${keyword} is absent` };
  const shown = values
    .slice(0, 3)
    .map((value) => `"${shorten(value)}"`)
    .join(', ');
  return { matched: false, why: `${keyword} is ${shown}${values.length > 3 ? ', …' : ''}, not ${wanted(condition)}` };
}

function wanted({ is, atLeast, atMost }: Condition): string {
  const parts: string[] = [];
  if (is !== undefined) parts.push((Array.isArray(is) ? is : [is]).join(' or '));
  if (atLeast !== undefined) parts.push(`at least ${atLeast}`);
  if (atMost !== undefined) parts.push(`at most ${atMost}`);
  return shorten(parts.join(' and '), 120);
}

function apply(evaluation: Evaluation, rule: string, { gives }: RuleDefinition): void {
  for (const { model, version } of gives.models) {
    const known = evaluation.orders.find((order) => order.model === model && order.version === version);
    if (known === undefined) {
      evaluation.orders.push({ model, version, priority: gives.priority, rules: [rule] });
    } else {
      known.rules.push(rule);
      known.priority = moreUrgent(known.priority, gives.priority);
    }
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

function moreUrgent(a: Priority | undefined, b: Priority | undefined): Priority | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return urgency[b] > urgency[a] ? b : a;
}

function shorten(text: string, charactersMax = 64): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
