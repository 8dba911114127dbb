import { describe, expect, it } from '@jest/globals';
import { parseWorklistQuery, writePlace } from './parse-worklist-query.js';

describe('parseWorklistQuery', () => {
  it('asks for the open tasks when nothing is said', () => {
    expect(parseWorklistQuery({})).toEqual({
      filter: { specialty: undefined, modality: undefined, state: ['SCHEDULED', 'IN PROGRESS'], ai: undefined },
      isMine: false,
      limit: 100,
      after: undefined,
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
    [{ mine: 'true' }, { isMine: true }],
    [{ bodyPart: 'chest', priority: 'high' }, { filter: { bodyPart: ['CHEST'], priority: ['HIGH'] } }],
  ])('takes %j', (raw, expected) => {
    expect(parseWorklistQuery(raw)).toMatchObject(expected);
  });

  it.each([
    [{ limit: '0' }, '"limit" is a whole number from 1 to 500'],
    [{ limit: '501' }, '"limit"'],
    [{ limit: '-1' }, '"limit"'],
    [{ limit: '1e2' }, '"limit"'],
    [{ limit: ['1', '2'] }, '"limit"'],
    [{ after: 'x' }, '"after" is the "next"'],
    [{ after: Buffer.from('9 1 1').toString('base64url') }, '"after"'],
    [{ after: ['a', 'b'] }, '"after"'],
    [{ mine: 'yes' }, '"mine" is one of true'],
    [{ state: 'OPEN' }, '"state" is one of SCHEDULED'],
    [{ ai: 'maybe' }, '"ai" is one of pending'],
    [{ patient: 'x' }, 'There is no parameter "patient"'],
    [{ modality: Array.from({ length: 51 }, (_, index) => `M${index}`).join() }, '51 values'],
  ])('refuses %j', (raw, says) => {
    expect(() => parseWorklistQuery(raw)).toThrow(says);
  });

  it.each([
    { rank: 0, place: 1_795_000_000_123_456, workitemKey: 1 },
    { rank: 3, place: -1_795_000_000_123_456, workitemKey: 99_999_999 },
    { rank: 2, place: Number.MAX_SAFE_INTEGER, workitemKey: 7 },
  ])('takes the place that a page gave, %j', (place) => {
    expect(parseWorklistQuery({ after: writePlace(place) }).after).toEqual(place);
  });
});
