import type { DataSource } from 'typeorm';
import { query, type Transaction } from './transaction.js';

/** @returns the setting's value as JSON has it; undefined where it was never written */
export async function readSetting(db: DataSource | Transaction, name: string): Promise<unknown> {
  const [row] = await query<{ value: unknown }>(db, 'select value from setting where name = $1', [name]);
  return row?.value;
}

/** @param value what JSON can say */
export async function writeSetting(db: DataSource | Transaction, name: string, value: unknown): Promise<void> {
  await query(
    db,
    `insert into setting (name, value) values ($1, $2)
     on conflict on constraint pk_setting do update set value = excluded.value, updated_at = now()`,
    [name, JSON.stringify(value)],
  );
}
