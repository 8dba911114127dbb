import { type DataSource, query } from '#libs/database';

// Any number, the same everywhere.
const backupLock = 7_210_803;

/** Nothing is deleted while it is held: what a backup names must be there when it is copied. */
export async function withBackupLock<Result>(db: DataSource, work: () => Promise<Result>): Promise<Result> {
  const runner = db.createQueryRunner();
  try {
    const rows = (await runner.query('select pg_try_advisory_lock($1) as free', [backupLock])) as { free: boolean }[];
    if (rows[0]?.free !== true) throw new Error('Another backup of this archive is being made.');
    return await work();
  } finally {
    await runner.query('select pg_advisory_unlock($1)', [backupLock]).catch(() => undefined);
    await runner.release();
  }
}

export async function isBackedUpNow(db: DataSource): Promise<boolean> {
  const rows = await query(
    db,
    `select from pg_locks where locktype = 'advisory' and classid = 0 and objid = $1 and granted
        and database = (select oid from pg_database where datname = current_database())`,
    [backupLock],
  );
  return rows.length > 0;
}
