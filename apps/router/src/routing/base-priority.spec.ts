import { describe, expect, it } from '@jest/globals';
import { makeFacts } from '../../../../test/support/router/make-facts.js';
import { basePriority } from './base-priority.js';

const ordered = (RequestedProcedurePriority: string) => makeFacts([{ sample: { RequestedProcedurePriority } }]);

describe('basePriority', () => {
  it.each([
    ['STAT', 'HIGH'],
    ['stat ', 'HIGH'],
    ['ROUTINE', 'MEDIUM'],
    ['LOW', 'LOW'],
    ['whenever', 'MEDIUM'],
  ])('an order that says %j is %s', (term, priority) => {
    expect(basePriority(ordered(term)).priority).toBe(priority);
  });

  it('is MEDIUM without an order', () => {
    expect(basePriority(makeFacts())).toEqual({ priority: 'MEDIUM', reason: 'The order names no priority.' });
  });

  it('takes the most urgent of several', () => {
    const study = makeFacts([
      { sample: { RequestedProcedurePriority: 'LOW' } },
      { sample: { RequestedProcedurePriority: 'HIGH' } },
    ]);
    expect(basePriority(study)).toEqual({ priority: 'HIGH', reason: 'The order says HIGH.' });
  });

  it('is raised by a rule, never lowered', () => {
    expect(basePriority(makeFacts(), { priority: 'HIGH', rule: 'Stroke' })).toEqual({
      priority: 'HIGH',
      reason: 'The rule "Stroke" gives HIGH.',
    });
    expect(basePriority(ordered('STAT'), { priority: 'LOW', rule: 'Screening' }).priority).toBe('HIGH');
    expect(basePriority(ordered('LOW'), { priority: 'MEDIUM', rule: 'r' }).priority).toBe('MEDIUM');
  });
});
