import { describe, expect, it } from '@jest/globals';
import { type Matcher, ruleDefinitionSchema } from './rule.js';
import { seededRules } from './seeded-rules.js';

const rule = (when: unknown, gives: unknown = { models: [] }) => ruleDefinitionSchema.safeParse({ when, gives });
const problem = (when: unknown, gives?: unknown) => JSON.stringify(rule(when, gives).error?.issues);

describe('ruleDefinitionSchema', () => {
  it('takes the rules a new installation starts with', () => {
    for (const { definition } of seededRules) expect(ruleDefinitionSchema.parse(definition)).toEqual(definition);
  });

  it('fills in what is usual', () => {
    expect(rule({ keyword: 'Modality', is: 'CT' }, { models: [{ model: 'radiology/x' }] }).data).toEqual({
      level: 'series',
      when: { keyword: 'Modality', is: 'CT' },
      gives: { models: [{ model: 'radiology/x', version: 'current' }], isLast: false },
    });
  });

  it.each([
    ['a word that is no keyword', { keyword: 'BodyPart', is: 'CHEST' }, 'BodyPart'],
    ['a path with one', { keyword: 'RequestAttributesSequence.Nonsense', is: 'x' }, 'Nonsense'],
    ['a condition that asks nothing', { keyword: 'Modality' }, 'a condition needs'],
    ['an absence that asks more', { keyword: 'Modality', exists: false, is: 'CT' }, 'exists stands alone'],
  ])('refuses %s and says why', (_, when, says) => {
    expect(problem(when)).toContain(says);
  });

  it.each([
    ['an empty list', { all: [] }],
    ['an unknown key', { keyword: 'Modality', equals: 'CT' }],
    ['two kinds at once', { not: { keyword: 'Modality', is: 'CT' }, all: [{ keyword: 'Modality', is: 'CT' }] }],
    ['nothing', {}],
  ])('refuses %s', (_, when) => {
    expect(rule(when).success).toBe(false);
  });

  it('takes a path into a sequence', () => {
    expect(rule({ keyword: 'RequestAttributesSequence.RequestedProcedureID', is: 'A*' }).success).toBe(true);
  });

  it('bounds nesting', () => {
    const nested = (levels: number): Matcher =>
      levels === 1 ? { keyword: 'Modality', is: 'CT' } : { not: nested(levels - 1) };
    expect(rule(nested(8)).success).toBe(true);
    expect(problem(nested(9))).toContain('8 deep');
  });

  it('names a model as <specialty>/<name>', () => {
    expect(problem({ keyword: 'Modality', is: 'CT' }, { models: [{ model: '../etc' }] })).toContain(
      '<specialty>/<name>',
    );
  });
});
