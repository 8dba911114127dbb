import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query, type Transaction, transaction } from '#libs/database';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { dumpTable, loadTable } from './tables.js';

/** Of an uploaded model's file, as an upload cuts it: four megabytes, twice as many characters in a dump. */
const pieceBytes = 4 * 1024 ** 2;
const pieces = 7;
/** What the pages are kept to, and the row that goes beyond it. */
const charactersMax = 16 * 1024 ** 2 + 2 * pieceBytes + 1000;

/** A transaction that remembers how much text went through it in one statement. */
function watched(tx: Transaction): { tx: Transaction; most: () => number } {
  let most = 0;
  const measured = new Proxy(tx, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name) as unknown;
      return async (sql: string, parameters: unknown[] = []) => {
        const answer: unknown = await target.query(sql, parameters);
        const lines = Array.isArray(answer) ? (answer as { line?: string }[]) : [];
        const read = lines.reduce((sum, { line }) => sum + (line?.length ?? 0), 0);
        const written = parameters.reduce<number>((sum, one) => sum + (typeof one === 'string' ? one.length : 0), 0);
        most = Math.max(most, read, written);
        return answer;
      };
    },
  });
  return { tx: measured, most: () => most };
}

describe('tables of a backup', () => {
  let from: TestDatabase;
  let to: TestDatabase;
  let folder: string;
  beforeAll(async () => {
    [from, to] = [await createTestDatabase(), await createTestDatabase()];
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-tables-'));
    for (const { dataSource } of [from, to])
      await query(
        dataSource,
        `insert into model (model_id, version, specialty, sha256, manifest, source, is_current)
         values ('test/large', '1.0.0', 'radiology', 'x', '{}', 'upload', false)`,
      );
    await query(
      from.dataSource,
      `insert into model_file (model_id, version, name, position, bytes)
       select 'test/large', '1.0.0', 'model.onnx', n, decode(md5(n::text) || repeat('ab', $2::integer - 16), 'hex')
         from generate_series(1, $1::integer) n`,
      [pieces, pieceBytes],
    );
  });
  afterAll(async () => {
    await from.drop();
    await to.drop();
    await rm(folder, { recursive: true, force: true });
  });

  // A model of 280 MB was longer in one page than a string can be; fewer pieces show the size of pages as well.
  it('go by in pages of bounded size, whatever the size of their rows', async () => {
    const text = `select count(*) as n, md5(string_agg(md5(bytes), '' order by position)) as digest from model_file`;
    const file = path.join(folder, 'model_file');
    const dump = await transaction(from.dataSource, async (tx) => {
      const reading = watched(tx);
      const made = await dumpTable(reading.tx, 'model_file', file);
      expect(reading.most()).toBeGreaterThan(2 * pieceBytes);
      expect(reading.most()).toBeLessThan(charactersMax);
      return made;
    });
    await transaction(to.dataSource, async (tx) => {
      const writing = watched(tx);
      await loadTable(writing.tx, dump, file);
      expect(writing.most()).toBeGreaterThan(2 * pieceBytes);
      expect(writing.most()).toBeLessThan(charactersMax);
    });
    const uploaded = await query(from.dataSource, text);
    expect(uploaded).toMatchObject([{ n: pieces }]);
    expect(await query(to.dataSource, text)).toEqual(uploaded);
  });
});
