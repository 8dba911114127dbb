import { describe, expect, it } from '@jest/globals';
import type { ModelOrder } from './evaluate-rules.js';
import { type RegisteredModel, resolveModels } from './resolve-models.js';

const model = (version: string, isCurrent: boolean): RegisteredModel => ({
  modelId: 'radiology/x',
  version,
  specialty: 'radiology',
  sha256: `sha of ${version}`,
  isCurrent,
});
const order = (version: string, rule = 'r'): ModelOrder => ({
  model: 'radiology/x',
  version,
  priority: undefined,
  rules: [rule],
  seriesInstanceUids: ['1.2'],
  schedule: 'now',
});
const registered = [model('1.0.0', false), model('2.0.0', true)];
const versions = (...asked: string[]) =>
  resolveModels(
    asked.map((version) => order(version)),
    registered,
  ).map((resolved) => resolved.model?.version);

describe('resolveModels', () => {
  it('finds the current version, or the one asked for', () => {
    expect(versions('current')).toEqual(['2.0.0']);
    expect(versions('1.0.0')).toEqual(['1.0.0']);
  });

  it('keeps an order for a model nobody offers, to be seen and filled later', () => {
    expect(versions('3.0.0')).toEqual([undefined]);
    expect(resolveModels([order('current')], [])[0]?.model).toBeUndefined();
    expect(resolveModels([order('current')], [model('1.0.0', false)])[0]?.model).toBeUndefined();
  });

  it('makes one of two orders for the same bytes', () => {
    const resolved = resolveModels([order('current', 'a'), order('2.0.0', 'b'), order('1.0.0', 'c')], registered);
    expect(resolved.map(({ order: { rules } }) => rules)).toEqual([['a', 'b'], ['c']]);
  });
});
