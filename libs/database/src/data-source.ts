import pg from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from './migrations/index.js';

const int8 = 20;

/** bigint columns as numbers: our keys, offsets and sizes stay far under 2^53; a value beyond it is refused, not rounded. */
export const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid !== int8) return pg.types.getTypeParser(oid, format as 'text');
    return (text: string) => {
      const value = Number(text);
      if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} from PostgreSQL is beyond 2^53`);
      return value;
    };
  },
};

/**
 * @param url postgresql://…
 * @param poolSize connections this data source may hold
 * @param statementSeconds what the server lets one statement take
 */
export function createDataSource(url: string, poolSize = 16, statementSeconds = 60): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    migrations,
    migrationsTransactionMode: 'each',
    poolSize,
    // synchronous_commit is a promise to senders: it is set for our sessions whatever the server's default says.
    extra: {
      types,
      options: `-c synchronous_commit=on -c timezone=UTC -c statement_timeout=${Math.ceil(statementSeconds * 1000)}`,
      application_name: 'isocenter',
    },
  });
}
