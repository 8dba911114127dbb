import pg from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { types } from './data-source.js';
import { PreparedStatement } from './prepared-statement.js';

/** What a function that writes rows takes: everything done through it commits or rolls back together. */
export type Transaction = EntityManager;

/** Runs `work` in one transaction with durable commit: when the promise resolves, the rows are on disk. */
export function transaction<T>(dataSource: DataSource, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return dataSource.transaction(work);
}

/**
 * Runs one parameterised statement. Works on a data source (its own transaction) and inside a transaction alike.
 * @returns the rows, typed by the caller, who knows the statement's columns. bigint columns come as numbers (see
 * data-source.ts), bytea as Buffer, timestamptz as Date. For `update`/`delete` without `returning` use {@link execute}.
 */
export async function query<Row>(
  db: DataSource | Transaction,
  sql: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  const result: unknown = await db.query(sql, parameters);
  // TypeORM answers [rows, affected] for UPDATE and DELETE, rows for everything else.
  if (Array.isArray(result) && result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number') {
    return result[0] as Row[];
  }
  return result as Row[];
}

/**
 * Runs a statement that each connection parses and plans only once: for what is asked with every request. Outside of
 * transactions only. Goes past TypeORM to the connections it holds, which costs a third of the way through it.
 * @param name one for each text
 */
export async function queryPrepared<Row>(
  db: DataSource,
  name: string,
  sql: string,
  parameters: unknown[],
): Promise<Row[]> {
  const pool = (db.driver as unknown as { master: pg.Pool }).master;
  return new Promise((resolve, reject) => {
    pool.connect((failure, client, release) => {
      if (client === undefined) {
        reject(failure ?? new Error('The pool gave no connection'));
        return;
      }
      const done = (error: Error | undefined, rows: Row[]) => {
        // What the server refuses leaves the connection as good as it was.
        release(error instanceof pg.DatabaseError ? undefined : error);
        if (error === undefined) resolve(rows);
        else reject(error);
      };
      client.query(new PreparedStatement<Row>(name, sql, parameters, typeParser, done));
    });
  });
}

const typeParser = (oid: number) => types.getTypeParser(oid) as (text: string) => unknown;

/** {@link queryPrepared} inside of a transaction. */
export async function queryPreparedIn<Row>(
  tx: Transaction,
  name: string,
  sql: string,
  parameters: unknown[],
): Promise<Row[]> {
  const client = (await tx.queryRunner!.connect()) as pg.PoolClient;
  const { rows } = await client.query({ name, text: sql, values: parameters });
  return rows as Row[];
}

/** Runs an `update` or `delete` and returns how many rows it touched: the answer of a compare-and-set. */
export async function execute(db: DataSource | Transaction, sql: string, parameters: unknown[] = []): Promise<number> {
  const result = (await db.query(sql, parameters)) as unknown;
  if (Array.isArray(result) && result.length === 2 && typeof result[1] === 'number') return result[1];
  throw new Error('execute() takes UPDATE or DELETE statements; use query() for the rest');
}
