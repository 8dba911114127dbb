import type { DataSource } from 'typeorm';
import { query } from './transaction.js';

// Any number, the same in every process: one of them migrates, the others wait.
const migrationLock = 7_210_802;

/**
 * Brings the schema up to date, ours first and then what `alsoUnderLock` does (pg-boss's own), under one advisory lock
 * so that many processes may start at once.
 */
export async function migrate(
  dataSource: DataSource,
  alsoUnderLock: () => Promise<void> = async () => {},
): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('select pg_advisory_lock($1)', [migrationLock]);
    await dataSource.runMigrations();
    await alsoUnderLock();
  } finally {
    await runner.query('select pg_advisory_unlock($1)', [migrationLock]);
    await runner.release();
  }
}

/** @throws when the server would acknowledge what a power cut can take back */
export async function refuseUnsafeSettings(dataSource: DataSource): Promise<void> {
  const rows = await query<{ name: string; setting: string }>(
    dataSource,
    `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'`,
  );
  if (rows.length > 0) {
    const settings = rows.map((row) => `${row.name}=off`).join(', ');
    throw new Error(
      `PostgreSQL runs with ${settings}: what we acknowledge could be lost in a power cut. Turn it on, or accept the loss with ISOCENTER_ACCEPT_DATA_LOSS=on.`,
    );
  }
}
