import { describe, expect, it } from '@jest/globals';
import type { Priority } from '#libs/workitems';
import { prioritise } from './prioritise.js';

const base = (priority: Priority) => ({ priority, reason: 'The order says so.' });
const result = (priority: Priority, modelId = 'radiology/x') => ({
  modelId,
  modelVersion: '1.0.0',
  priority,
  summary: 'Something found',
});

describe('prioritise', () => {
  it.each<[Priority, Priority[], Priority]>([
    ['MEDIUM', [], 'MEDIUM'],
    ['MEDIUM', ['HIGH'], 'HIGH'],
    ['LOW', ['MEDIUM'], 'MEDIUM'],
    ['LOW', ['LOW', 'HIGH', 'MEDIUM'], 'HIGH'],
    // Never below what the order says, whatever every model says.
    ['HIGH', ['LOW'], 'HIGH'],
    ['HIGH', ['LOW', 'MEDIUM', 'LOW'], 'HIGH'],
    ['MEDIUM', ['LOW'], 'MEDIUM'],
  ])('an order of %s with results %j is %s', (order, results, expected) => {
    expect(
      prioritise(
        base(order),
        results.map((priority) => result(priority)),
      ).priority,
    ).toBe(expected);
  });

  it('names the model that raised it, and keeps the reason of the order otherwise', () => {
    expect(prioritise(base('MEDIUM'), [result('LOW', 'a/a'), result('HIGH', 'b/b')]).reason).toBe(
      'b/b 1.0.0: Something found',
    );
    expect(prioritise(base('HIGH'), [result('HIGH')]).reason).toBe('The order says so.');
  });

  it('does not depend on the order of the results', () => {
    const results = [result('HIGH', 'b/b'), result('HIGH', 'a/a'), result('LOW', 'c/c')];
    expect(prioritise(base('LOW'), results)).toEqual(prioritise(base('LOW'), [...results].reverse()));
  });
});
