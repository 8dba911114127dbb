import { describe, expect, it } from '@jest/globals';
import { parseWorklistQuery } from './parse-worklist-query.js';

describe('parseWorklistQuery', () => {
  it('asks for the open tasks when nothing is said', () => {
    expect(parseWorklistQuery({})).toEqual({
      filter: { specialty: undefined, modality: undefined, state: ['SCHEDULED', 'IN PROGRESS'], ai: undefined },
      limit: 100,
      offset: 0,
    });
  });

  it('reads lists, repeated and separated by commas, and forgives case and empty values', () => {
    const { filter } = parseWorklistQuery({
      specialty: 'Radiology,cardiology',
      modality: ['ct', 'mr,,us'],
      state: 'completed',
      ai: 'positive,failed',
    });
    expect(filter).toEqual({
      specialty: ['radiology', 'cardiology'],
      modality: ['CT', 'MR', 'US'],
      state: ['COMPLETED'],
      ai: ['positive', 'failed'],
    });
    expect(parseWorklistQuery({ specialty: '', ai: '', limit: '' })).toEqual(parseWorklistQuery({}));
  });

  it('gives every state for all', () => {
    expect(parseWorklistQuery({ state: 'all' }).filter.state).toBeUndefined();
  });

  it.each([
    [{ limit: '1' }, { limit: 1 }],
    [{ limit: '500' }, { limit: 500 }],
    [{ offset: '1000000' }, { offset: 1_000_000 }],
  ])('takes %j', (raw, expected) => {
    expect(parseWorklistQuery(raw)).toMatchObject(expected);
  });

  it.each([
    [{ limit: '0' }, '"limit" is a whole number from 1 to 500'],
    [{ limit: '501' }, '"limit"'],
    [{ limit: '-1' }, '"limit"'],
    [{ limit: '1e2' }, '"limit"'],
    [{ limit: ['1', '2'] }, '"limit"'],
    [{ offset: '1000001' }, '"offset"'],
    [{ state: 'OPEN' }, '"state" is one of SCHEDULED'],
    [{ ai: 'maybe' }, '"ai" is one of pending'],
    [{ patient: 'x' }, 'There is no parameter "patient"'],
    [{ modality: Array.from({ length: 51 }, (_, index) => `M${index}`).join() }, '51 values'],
  ])('refuses %j', (raw, says) => {
    expect(() => parseWorklistQuery(raw)).toThrow(says);
  });
});
