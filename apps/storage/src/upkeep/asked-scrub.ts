import { type DataSource, query, readSetting, type Transaction, writeSetting } from '#libs/database';

const setting = 'storage-scrub-asked';

/** That somebody wants digests compared now rather than in their turn. By the database's clock. */
export interface AskedScrub {
  at: string;
  /** Copies that were not compared since then are to be. */
  notSince: string;
}

/** @returns the last one, done or not */
export async function readAskedScrub(db: DataSource): Promise<AskedScrub | undefined> {
  return (await readSetting(db, setting)) as AskedScrub | undefined;
}

export async function askForScrub(tx: Transaction, olderThanDays: number): Promise<void> {
  // To the microsecond: what was compared in the one before is to be compared again.
  const [asked] = await query<AskedScrub>(
    tx,
    `select to_jsonb(now()) #>> '{}' as at, to_jsonb(now() - $1::float8 * interval '1 day') #>> '{}' as "notSince"`,
    [olderThanDays],
  );
  await writeSetting(tx, setting, asked);
}
