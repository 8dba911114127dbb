import { type DataSource, query } from '#libs/database';
import { matchConditions } from './match-conditions.js';
import type { Workitem } from './workitem.js';
import { getWorkitems } from './workitem-repository.js';
import type { WorkitemQuery } from './workitem-query.js';

/** Workitems that fit, in the order they were made. */
export async function searchWorkitems(db: DataSource, search: WorkitemQuery): Promise<Workitem[]> {
  const parameters: unknown[] = [search.limit, search.offset];
  const conditions = matchConditions(search.match, parameters);
  const rows = await query<{ workitem_uid: string }>(
    db,
    `select w.workitem_uid from workitem w left join study s using (study_key)
      ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
      order by w.workitem_key limit $1 offset $2`,
    parameters,
  );
  return getWorkitems(
    db,
    rows.map((row) => row.workitem_uid),
  );
}
