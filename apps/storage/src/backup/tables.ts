import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type DataSource, query, type Transaction } from '#libs/database';

export interface TableDump {
  table: string;
  rows: number;
  /** Of the lines, one row each, uncompressed. */
  sha256: string;
}

const rowsMax = 500;
/** Of rows as text, in memory at once: a piece of a model has eight million characters, a study a thousand. */
const charactersMax = 16 * 1024 ** 2;
const jobsTable = 'jobs.job';
/** Jobs that have still to be done; the rest is history. */
const openJobs = `state in ('created', 'retry', 'active')`;

/** The tables of an archive, those before that others refer to. The queue's jobs come last. */
export async function listTables(db: DataSource | Transaction): Promise<string[]> {
  const tables = await query<{ name: string }>(
    db,
    `select c.relname as name from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'migrations'
      order by c.relname`,
  );
  const references = await query<{ from: string; to: string }>(
    db,
    `select conrelid::regclass::text as from, confrelid::regclass::text as to from pg_constraint
      where contype = 'f' and connamespace = 'public'::regnamespace and conrelid <> confrelid`,
  );
  const sorted: string[] = [];
  const left = new Set(tables.map(({ name }) => name));
  while (left.size > 0) {
    const free = [...left].filter((name) => !references.some(({ from, to }) => from === name && left.has(to)));
    if (free.length === 0) throw new Error(`The tables ${[...left].join(', ')} refer to each other in a circle`);
    for (const name of free) left.delete(name);
    sorted.push(...free);
  }
  return [...sorted, jobsTable];
}

export async function listMigrations(db: DataSource | Transaction): Promise<string[]> {
  const rows = await query<{ name: string }>(db, 'select name from migrations order by id');
  return rows.map(({ name }) => name);
}

/** Writes the rows of a table, a line of JSON each, compressed. @param tx sees the archive as of one moment */
export async function dumpTable(tx: Transaction, table: string, file: string): Promise<TableDump> {
  const hash = createHash('sha256');
  let rows = 0;
  const where = table === jobsTable ? `where ${openJobs}` : '';
  async function* lines(): AsyncGenerator<string> {
    await query(tx, `declare dumped no scroll cursor for select row_to_json(t)::text as line from ${table} t ${where}`);
    for (let wanted = 1; ;) {
      const page = await query<{ line: string }>(tx, `fetch ${wanted} from dumped`);
      if (page.length === 0) break;
      rows += page.length;
      const text = page.map(({ line }) => `${line}\n`).join('');
      hash.update(text);
      yield text;
      // As many as would be as long in all, were the next like these; not at once, for they may not be.
      const fitting = Math.floor((charactersMax * page.length) / text.length);
      wanted = Math.max(1, Math.min(rowsMax, fitting, 4 * wanted));
    }
    await query(tx, 'close dumped');
  }
  await pipeline(Readable.from(lines()), createGzip({ level: 4 }), createWriteStream(file, { flush: true }));
  return { table, rows, sha256: hash.digest('hex') };
}

/**
 * Reads the rows of a dump into an empty table, as they were: identity columns, too, and without what triggers would add.
 * @throws Error when they are not those that were dumped
 */
export async function loadTable(tx: Transaction, dump: TableDump, file: string): Promise<void> {
  const { table } = dump;
  const columns = await query<{ name: string; isIdentity: boolean }>(
    tx,
    `select quote_ident(attname) as name, attidentity <> '' as "isIdentity" from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [table],
  );
  const names = columns.map(({ name }) => name).join(', ');
  const isJobs = table === jobsTable;
  if (!isJobs) await query(tx, `alter table ${table} disable trigger user`);
  const hash = createHash('sha256');
  let rows = 0;
  const insert = async (lines: string[]) => {
    rows += lines.length;
    await query(
      tx,
      `insert into ${table} (${names}) overriding system value
       select ${names} from json_populate_recordset(null::${table}, $1::json)`,
      [`[${lines.join(',')}]`],
    );
  };
  let page: string[] = [];
  let characters = 0;
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()) })) {
    hash.update(`${line}\n`);
    page.push(isJobs ? line.replace('"state":"active"', '"state":"retry"') : line);
    characters += line.length;
    if (page.length < rowsMax && characters < charactersMax) continue;
    await insert(page.splice(0));
    characters = 0;
  }
  if (page.length > 0) await insert(page);
  if (rows !== dump.rows || hash.digest('hex') !== dump.sha256) {
    throw new Error(
      `The dump of ${table} is damaged: ${rows} rows of ${dump.rows} were read, or others than were written`,
    );
  }
  if (isJobs) return;
  await query(tx, `alter table ${table} enable trigger user`);
  for (const { name } of columns.filter(({ isIdentity }) => isIdentity)) {
    await query(
      tx,
      `select setval(pg_get_serial_sequence($1, $2), greatest((select coalesce(max(${name}), 0) from ${table}), 1))`,
      [table, name],
    );
  }
}
