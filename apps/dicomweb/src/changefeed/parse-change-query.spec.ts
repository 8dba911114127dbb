import { describe, expect, it } from '@jest/globals';
import { parseChangeQuery } from './parse-change-query.js';

const usual = { limit: 100, includesMetadata: true, waitSeconds: 0 };

describe('parseChangeQuery', () => {
  it.each([
    ['', usual],
    ['offset=0', { ...usual, after: 0 }],
    ['Offset=7&LIMIT=3&includemetadata=False', { after: 7, limit: 3, includesMetadata: false, waitSeconds: 0 }],
    ['after=7&wait=25&limit=&other=x', { ...usual, after: 7, waitSeconds: 25 }],
    [
      'startTime=2026-01-31T12:00:00Z&endTime=2026-02-01T12:00:00+01:00&offset=5',
      { ...usual, from: new Date('2026-01-31T12:00:00Z'), to: new Date('2026-02-01T11:00:00Z'), skip: 5 },
    ],
  ])('reads %j', (search, query) => {
    expect(parseChangeQuery(search)).toEqual(query);
  });

  it.each([
    ['offset=-1', /offset takes/],
    ['offset=x', /offset takes/],
    ['offset=99999999999999999', /offset takes/],
    ['limit=0', /limit takes a whole number from 1 to 1000/],
    ['limit=1001', /limit takes/],
    ['wait=26', /wait takes/],
    ['includemetadata=maybe', /includeMetadata takes true or false/],
    ['offset=1&after=1', /not both/],
    ['starttime=yesterday', /startTime takes/],
    ['endtime=2026-01-31T12:00:00', /endTime takes/],
    ['endtime=2026-13-31T12:00:00Z', /endTime takes/],
  ])('refuses %j and says what is right', (search, message) => {
    expect(() => parseChangeQuery(search)).toThrow(message);
  });
});
