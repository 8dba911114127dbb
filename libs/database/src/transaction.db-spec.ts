import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { DataSource, execute, Listener, migrate, notify, query, refuseUnsafeSettings, transaction } from './index.js';

describe('the database library', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db.drop());

  it('takes back every row when the work throws', async () => {
    const work = transaction(db.dataSource, async (tx) => {
      await query(tx, `insert into setting (name, value) values ('a', '1')`);
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    expect(await query(db.dataSource, `select 1 from setting where name = 'a'`)).toEqual([]);
  });

  it('gives bigints as numbers, bytes as buffers, and says how many rows an update touched', async () => {
    const [row] = await query<{ n: number; b: Buffer }>(
      db.dataSource,
      `select 9007199254740991::bigint as n, '\\x01ff'::bytea as b`,
    );
    expect(row).toEqual({ n: 9007199254740991, b: Buffer.from([1, 255]) });
    await query(db.dataSource, `insert into setting (name, value) values ('b', '1'), ('c', '1')`);
    expect(await execute(db.dataSource, `update setting set value = '2' where name in ('b', 'c')`)).toBe(2);
    expect(await execute(db.dataSource, `delete from setting where name = 'nobody'`)).toBe(0);
  });

  it('refuses a bigint that a number cannot hold', async () => {
    await expect(query(db.dataSource, `select 9007199254740993::bigint as n`)).rejects.toThrow('beyond 2^53');
  });

  it('notifies at commit and not at rollback', async () => {
    const heard: string[] = [];
    let tell: () => void = () => undefined;
    const told = new Promise<void>((done) => (tell = done));
    const listener = new Listener(db.url, 'worklist', (payload) => {
      heard.push(payload);
      if (payload === 'last') tell();
    });
    await listener.start();
    await expect(
      transaction(db.dataSource, async (tx) => {
        await notify(tx, 'worklist', 'undone');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await transaction(db.dataSource, (tx) => notify(tx, 'worklist', 'first'));
    await transaction(db.dataSource, (tx) => notify(tx, 'worklist', 'last'));
    await told;
    await listener.close();
    expect(heard).toEqual(['first', 'last']);
  });

  it('migrates once however many processes start together', async () => {
    const others = await Promise.all([1, 2, 3].map(() => new DataSource({ ...db.dataSource.options }).initialize()));
    await Promise.all(others.map((other) => migrate(other)));
    const applied = await query<{ name: string }>(db.dataSource, 'select name from migrations');
    expect(new Set(applied.map((row) => row.name)).size).toBe(applied.length);
    await Promise.all(others.map((other) => other.destroy()));
  });

  it('refuses a server that acknowledges what a power cut takes back', async () => {
    // The test server runs with fsync off, on purpose: exactly what must be noticed.
    await expect(refuseUnsafeSettings(db.dataSource)).rejects.toThrow('fsync=off');
  });
});
