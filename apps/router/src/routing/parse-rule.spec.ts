import { describe, expect, it } from '@jest/globals';
import { parseRule } from './parse-rule.js';
import type { Matcher } from './rule.js';
import { seededRules } from './seeded-rules.js';

const rule = (when: unknown, gives: unknown = { models: [] }) => parseRule({ when, gives });
const problem = (when: unknown, gives?: unknown) => rule(when, gives).problems[0];
const isCt = { keyword: 'Modality', is: 'CT' };

describe('parseRule', () => {
  it('takes the rules a new installation starts with', () => {
    for (const { definition } of seededRules) expect(parseRule(definition)).toEqual({ definition, problems: [] });
  });

  it('fills in what is usual', () => {
    expect(rule(isCt, { models: [{ model: 'radiology/x' }] }).definition).toEqual({
      level: 'series',
      when: isCt,
      gives: { models: [{ model: 'radiology/x', version: 'current' }], forward: [], schedule: 'now', isLast: false },
    });
  });

  it.each([
    [
      'a word that is no keyword',
      { keyword: 'BodyPart', is: 'CHEST' },
      'when.keyword',
      '"BodyPart" is no DICOM keyword (PS3.6). Did you mean "BodyPartExamined"?',
    ],
    [
      'a keyword with a slip',
      { all: [isCt, { keyword: 'SeriesDescripton', is: 'x' }] },
      'when.all[1].keyword',
      'Did you mean "SeriesDescription"?',
    ],
    [
      'a path with one',
      { keyword: 'RequestAttributesSequence.Nonsense', is: 'x' },
      'when.keyword',
      '"Nonsense" is no DICOM keyword (PS3.6).',
    ],
    [
      'a path through what is no sequence',
      { keyword: 'Modality.CodeValue', is: 'x' },
      'when.keyword',
      'is no sequence',
    ],
    ['a sequence as if it had a value', { keyword: 'ProcedureCodeSequence', is: 'x' }, 'when.keyword', 'CodeValue'],
    ['items of what has none', { keyword: 'Modality', item: isCt }, 'when.item', 'is no sequence (its VR is CS)'],
    ['a condition that asks nothing', { keyword: 'Modality' }, 'when', 'A condition needs'],
    ['an absence that asks more', { keyword: 'Modality', exists: false, is: 'CT' }, 'when.exists', 'stands alone'],
    ['no number where numbers are', { keyword: 'SliceThickness', is: 'thin' }, 'when.is', '"thin" is none'],
    ['no date where dates are', { keyword: 'StudyDate', is: '2026-01-31' }, 'when.is', '20260101-20260131'],
    ['an empty list', { all: [] }, 'when', '"all" is a list of 1 to 100 matchers.'],
    ['an unknown part', { keyword: 'Modality', equals: 'CT' }, 'when', '"equals" is no part of a condition'],
    ['two kinds at once', { not: isCt, all: [isCt] }, 'when', '"all" stands alone, not with "not"'],
    ['nothing', {}, 'when', 'A condition names its attribute'],
    ['no matcher at all', undefined, 'when', 'a matcher is a condition such as'],
  ])('refuses %s, and says where and why', (_, when, at, says) => {
    const found = problem(when);
    expect(found?.at).toBe(at);
    expect(found?.message).toContain(says);
  });

  it('says all that is wrong at once', () => {
    const { problems } = parseRule({
      when: { any: [{ keyword: 'Modalty', is: 'CT' }, { keyword: 'Modality' }] },
      gives: { models: [{ model: '../etc' }], priority: 'STAT' },
    });
    expect(problems.map(({ at }) => at).sort()).toEqual([
      'gives.models[0].model',
      'gives.priority',
      'when.any[0].keyword',
      'when.any[1]',
    ]);
  });

  it('takes keywords as tags, paths into sequences, and what one item must be', () => {
    expect(rule({ keyword: '00081030', is: 'A*' }).definition?.when).toEqual({ keyword: 'StudyDescription', is: 'A*' });
    expect(rule({ keyword: 'RequestAttributesSequence.RequestedProcedureID', is: 'A*' }).problems).toEqual([]);
    const item = {
      all: [
        { keyword: 'CodeValue', is: 'X' },
        { keyword: 'CodingSchemeDesignator', is: 'L' },
      ],
    };
    expect(rule({ keyword: 'ProcedureCodeSequence', item }).problems).toEqual([]);
  });

  it('bounds nesting', () => {
    const nested = (levels: number): Matcher => (levels === 1 ? isCt : { not: nested(levels - 1) });
    expect(rule(nested(8)).problems).toEqual([]);
    expect(problem(nested(9))?.message).toContain('8 deep');
  });

  it('names a model as <specialty>/<name>', () => {
    expect(problem(isCt, { models: [{ model: '../etc' }] })?.message).toContain('<specialty>/<name>');
  });
});
