import type { DataSource } from '#libs/database';
import { runSearch } from './run-search.js';

/**
 * To select with every row of a search. While nothing at all is on the cold tier, which one look into an index tells, no
 * instance is looked at.
 */
export const isAnythingCold = `exists (select from location l where l.tier = 'cold' and l.state = 'ready') as is_anything_cold`;

/**
 * Instance Availability (0008,0056) of the results: NEARLINE when an instance has no copy on the hot or warm tier, else
 * ONLINE. A statement of its own, because most of the time it is not needed and planning it costs more than a search.
 */
export async function readAvailability(
  db: DataSource,
  level: 'study_key' | 'series_key' | 'instance_key',
  rows: readonly { key: number; is_anything_cold: boolean }[],
): Promise<(key: number) => 'NEARLINE' | 'ONLINE'> {
  if (!rows.some((row) => row.is_anything_cold)) return () => 'ONLINE';
  const nearline = await runSearch<{ key: number }>(
    db,
    `select distinct i.${level} as key from instance i where i.${level} = any($1::bigint[])
       and exists (select from location l where l.pack_id = i.pack_id and l.tier = 'cold' and l.state = 'ready')
       and not exists (select from location l where l.pack_id = i.pack_id and l.tier <> 'cold' and l.state = 'ready')`,
    [rows.map(({ key }) => key)],
  );
  const keys = new Set(nearline.map(({ key }) => key));
  return (key) => (keys.has(key) ? 'NEARLINE' : 'ONLINE');
}
