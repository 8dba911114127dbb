import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { query, queryPrepared } from './index.js';

describe('queryPrepared', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db.drop());

  const ask = <Row>(name: string, sql: string, values: unknown[] = []) =>
    queryPrepared<Row>(db.dataSource, name, sql, values);

  it('gives values as unprepared statements do, the first time and again', async () => {
    const sql = `select $1::bigint as whole, $2::text as text, null as nothing, array['a', 'b "c"'] as list,
      '\\x01ff'::bytea as bytes, '{"a": 1}'::json as json, now() as moment where $3::bytea is not null`;
    const values = ['9007199254740991', 'Zoë', Buffer.from([0, 255])];
    const unprepared = await query<{ moment: Date }>(db.dataSource, sql, values);
    for (const name of ['every-type', 'every-type', '', '']) {
      const [row] = await ask<{ moment: Date }>(name, sql, values);
      expect(row!.moment).toBeInstanceOf(Date);
      expect({ ...row, moment: 0 }).toEqual({ ...unprepared[0], moment: 0 });
    }
  });

  it('knows statements without rows, and without columns', async () => {
    expect(await ask('no-rows', 'select 1 as one where false')).toEqual([]);
    expect(await ask('no-rows', 'select 1 as one where false')).toEqual([]);
    expect(await ask('no-columns', `update setting set value = '1' where name = 'nobody'`)).toEqual([]);
  });

  it('rejects with what the server says, and the connections go on', async () => {
    const divide = (by: number) => ask<{ it: number }>('divide', 'select 6 / $1::int as it', [by]);
    for (let round = 0; round < 40; round++) {
      await expect(divide(0)).rejects.toMatchObject({ code: '22012' });
      await expect(ask('', 'select nonsense')).rejects.toMatchObject({ code: '42703' });
    }
    expect(await Promise.all([1, 2, 3].map(divide))).toEqual([[{ it: 6 }], [{ it: 3 }], [{ it: 2 }]]);
  });

  it('parses on each connection, however many are asked at once', async () => {
    const asked = Array.from({ length: 50 }, (_, n) => ask<{ n: number }>('many', 'select $1::int as n', [n]));
    expect((await Promise.all(asked)).map(([row]) => row!.n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('refuses a number that JavaScript would round', async () => {
    await expect(ask('large', 'select 9007199254740993::bigint as n')).rejects.toThrow('beyond 2^53');
    await expect(ask('large', 'select 9007199254740993::bigint as n')).rejects.toThrow('beyond 2^53');
    expect(await ask('small', 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('never takes values for those of other columns, when a statement means others now', async () => {
    await query(db.dataSource, 'create table changing (a integer, b integer)');
    await query(db.dataSource, 'insert into changing values (1, 2)');
    expect(await ask('', 'select * from changing')).toEqual([{ a: 1, b: 2 }]);
    await query(db.dataSource, 'alter table changing drop column a');
    await expect(ask('', 'select * from changing')).rejects.toThrow('ask again');
    expect(await ask('', 'select * from changing')).toEqual([{ b: 2 }]);
  });
});
