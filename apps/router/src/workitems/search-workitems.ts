import { type DataSource, query } from '#libs/database';
import { getWorkitems, type Workitem } from '#libs/workitems';
import type { WorkitemKey, WorkitemQuery } from './parse-workitem-query.js';

/** What each key is compared with. Fixed texts: nothing of a request becomes SQL. */
const expressions: Record<WorkitemKey, { sql: string; hasWildcards: boolean }> = {
  SOPInstanceUID: { sql: 'w.workitem_uid', hasWildcards: false },
  ProcedureStepState: { sql: 'w.state', hasWildcards: false },
  ScheduledProcedureStepPriority: { sql: 'w.priority', hasWildcards: false },
  ProcedureStepLabel: { sql: `w.dataset #>> '{00741204,Value,0}'`, hasWildcards: true },
  WorklistLabel: { sql: `w.dataset #>> '{00741202,Value,0}'`, hasWildcards: true },
  PatientID: { sql: `coalesce(s.patient_id, w.dataset #>> '{00100020,Value,0}')`, hasWildcards: true },
  StudyInstanceUID: { sql: 's.study_instance_uid', hasWildcards: false },
  'ScheduledWorkitemCodeSequence.CodeValue': {
    sql: `w.dataset #>> '{00404018,Value,0,00080100,Value,0}'`,
    hasWildcards: true,
  },
};

/** Workitems that fit, in the order they were made. */
export async function searchWorkitems(db: DataSource, search: WorkitemQuery): Promise<Workitem[]> {
  const parameters: unknown[] = [search.limit, search.offset];
  const conditions = search.match.map(({ key, values }) => {
    const { sql, hasWildcards } = expressions[key];
    parameters.push(hasWildcards ? values.map(toLike) : values);
    return `${sql} ${hasWildcards ? 'like' : '='} any($${parameters.length}::text[])`;
  });
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

/** DICOM's wildcards as LIKE's, everything else literally. */
function toLike(value: string): string {
  return value
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
}
