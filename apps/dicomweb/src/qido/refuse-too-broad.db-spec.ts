import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Config } from '#libs/config';
import { HttpProblem } from '#libs/server';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { parseQido } from '../wire/parse-qido.js';
import { refuseTooBroad } from './refuse-too-broad.js';
import { SearchDatabase } from './search-database.js';
import { searchStudies } from './study-search.js';

jest.setTimeout(120_000);

let database: TestDatabase;
let searches: SearchDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  searches = new SearchDatabase(database.url, { searchSeconds: 0.2 } as Config);
  await searches.onModuleInit();
});

afterAll(async () => {
  await searches?.onModuleDestroy();
  await database?.drop();
});

async function failureOf(search: string): Promise<unknown> {
  const query = parseQido('study', search, 10);
  const runner = database.dataSource.createQueryRunner();
  await runner.startTransaction();
  try {
    // Whatever the machine's speed: no search ends while somebody holds the table.
    await runner.query('lock table study in access exclusive mode');
    return await searchStudies(searches.dataSource, query, 'u').then(
      () => undefined,
      (error: unknown) => refuseTooBroad(error, query, 0.2),
    );
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
}

describe('a search that takes too long', () => {
  it('is stopped, and refused with 413 that says how to narrow it', async () => {
    const problem = (await failureOf('PatientID=1')) as HttpProblem;
    expect(problem).toBeInstanceOf(HttpProblem);
    expect(problem.getStatus()).toBe(413);
    expect(problem.detail).toContain('stopped after 0.2 s. Narrow it');
    expect(problem.detail).toContain('StudyDate');
  });

  it('names the keys that no index holds', async () => {
    const problem = (await failureOf('PatientID=1&Modality=CT&SliceThickness=2&00091001=x')) as HttpProblem;
    expect(problem.detail).toContain('No index holds SliceThickness, 00091001:');
  });

  it('leaves the connection good, and every other failure what it is', async () => {
    await failureOf('PatientID=1');
    expect(await searchStudies(searches.dataSource, parseQido('study', '', 10), 'u')).toEqual({
      results: [],
      matches: 0,
    });
    const other = Object.assign(new Error('connection lost'), { code: '08006' });
    expect(refuseTooBroad(other, parseQido('study', '', 10), 1)).toBe(other);
  });
});
