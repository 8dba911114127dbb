import { z } from 'zod';
import { parseMatcher, type RuleProblem } from './parse-matcher.js';
import type { RuleDefinition } from './rule.js';

const modelName = /^[a-z0-9-]+\/[a-z0-9-]+$/;
export const destinationName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** All of a rule but its matcher, which says more of its problems than a schema can. */
const schema = z.strictObject({
  description: z.string().max(500).optional(),
  level: z.enum(['series', 'study']).default('series'),
  when: z.unknown(),
  quietPeriodSeconds: z.number().min(0).max(86_400).optional(),
  gives: z.strictObject({
    models: z
      .array(
        z.strictObject({
          model: z.string().regex(modelName, 'a model is called <specialty>/<name>'),
          version: z.string().min(1).max(64).default('current'),
        }),
      )
      .max(20)
      .default([]),
    forward: z.array(z.string().regex(destinationName, 'a destination is named by a-z, 0-9 and -')).max(20).default([]),
    priority: z.enum(['HIGH', 'MEDIUM', 'LOW']).optional(),
    deadlineMinutes: z.number().positive().max(525_600).optional(),
    schedule: z.enum(['now', 'off-peak']).default('now'),
    isLast: z.boolean().default(false),
  }),
});

export type ParsedRule = { definition: RuleDefinition; problems: [] } | { definition?: never; problems: RuleProblem[] };

const parsed = new WeakMap<object, ParsedRule>();

/** Reads `definition` of a rule, once for each object. */
export function parseRule(given: unknown): ParsedRule {
  if (typeof given !== 'object' || given === null) {
    return { problems: [{ at: '', message: 'A rule is an object with "when" and "gives".' }] };
  }
  const known = parsed.get(given);
  if (known !== undefined) return known;
  const rule = read(given);
  parsed.set(given, rule);
  return rule;
}

/** In one line, for where there is room for one. */
export function problemsText(problems: readonly RuleProblem[]): string {
  return problems.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`)).join(' ');
}

function read(given: object): ParsedRule {
  const result = schema.safeParse(given);
  const problems: RuleProblem[] = (result.error?.issues ?? []).map((issue) => ({
    at: pathText(issue.path),
    message: `${issue.message}.`,
  }));
  const { when } = given as { when?: unknown };
  const matcher = parseMatcher(when, 'when', problems);
  if (!result.success || problems.length > 0) return { problems };
  return { definition: { ...result.data, when: matcher } as RuleDefinition, problems: [] };
}

function pathText(path: PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}
