import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeToken } from './bench-study.js';
import { loadIndex } from './load-index.js';

const usage = `npm run bench -- load --data-dir DIR [--studies 1000] [--series 4] [--instances 25] [--seed 1]

Fills the database of a data folder of its own with rows of made-up studies, without any stored object, and says how much
room each table and index takes. Start a suite on the folder afterwards to measure searches:
npm run bench -- search --server name=URL --studies 1000 (the same numbers).`;

/** @returns the exit status */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'data-dir': { type: 'string' },
      studies: { type: 'string', default: '1000' },
      series: { type: 'string', default: '4' },
      instances: { type: 'string', default: '25' },
      seed: { type: 'string', default: '1' },
    },
  });
  if (values['data-dir'] === undefined) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const { createDataSource, EmbeddedPostgres, migrate } = await import('#libs/database');
  // What a power cut takes is made again: the suite that starts on the folder afterwards has its own settings.
  const settings = { fsync: 'off', wal_level: 'minimal', max_wal_senders: '0', maintenance_work_mem: '512MB' };
  const postgres = await EmbeddedPostgres.start({ dataDir: path.resolve(values['data-dir']), settings });
  const db = createDataSource(postgres.url, 2, 3600);
  try {
    await db.initialize();
    await migrate(db);
    const started = Date.now();
    await loadIndex(db, {
      token: makeToken(Number(values.seed)),
      studies: Number(values.studies),
      seriesPerStudy: Number(values.series),
      instancesPerSeries: Number(values.instances),
      report: (text) => process.stderr.write(`${((Date.now() - started) / 1000).toFixed(0)} s: ${text}\n`),
    });
    process.stdout.write(await sizes(db));
  } finally {
    await db.destroy();
    await postgres.stop();
  }
  return 0;
}

/** Bytes a row, of every table and index that grows with the archive. */
async function sizes(db: { query(sql: string): Promise<unknown> }): Promise<string> {
  const rows = (await db.query(`
    select t.relname as table, c.relname as name, c.relkind = 'i' as is_index, t.reltuples::bigint as rows,
      pg_relation_size(c.oid) + case when c.relkind = 'r' and c.reltoastrelid <> 0
        then pg_total_relation_size(c.reltoastrelid) else 0 end as bytes
    from pg_class t
    left join pg_index i on i.indrelid = t.oid
    join pg_class c on c.oid = t.oid or c.oid = i.indexrelid
    where t.relkind = 'r' and t.relname in ('study', 'series', 'instance', 'pack', 'location')
    group by t.relname, t.reltuples, c.oid, c.relname, c.relkind, c.reltoastrelid
    order by t.relname, is_index, c.relname`)) as {
    table: string;
    name: string;
    is_index: boolean;
    rows: number;
    bytes: number;
  }[];
  const lines = rows.map(
    ({ table, name, is_index, rows: count, bytes }) =>
      `${is_index ? '  ' : ''}${name}`.padEnd(40) +
      `${count} rows`.padStart(16) +
      `${(bytes / 2 ** 20).toFixed(1)} MiB`.padStart(14) +
      `${(bytes / Math.max(1, count)).toFixed(0)} B/${table}`.padStart(16),
  );
  return `${lines.join('\n')}\n`;
}
