import { periodOf, tagsOf, vrOf, type WorkitemMatch } from './workitem-query.js';

/** Keys whose value is a column of `workitem w` or `study s`, not part of the dataset. */
const columns: Record<string, { sql: string; hasWildcards: boolean }> = {
  SOPInstanceUID: { sql: 'w.workitem_uid', hasWildcards: false },
  ProcedureStepState: { sql: 'w.state', hasWildcards: false },
  ScheduledProcedureStepPriority: { sql: 'w.priority', hasWildcards: false },
  PatientID: { sql: `coalesce(s.patient_id, w.dataset #>> '{00100020,Value,0}')`, hasWildcards: true },
};
const timeColumns: Record<string, string> = {
  ScheduledProcedureStepModificationDateTime: 'w.updated_at',
  ExpectedCompletionDateTime: 'w.deadline',
};

/**
 * Conditions on `workitem w left join study s`: one for each key, but keys of one sequence together, which one item must
 * fulfil (PS3.4 C.2.2.2.6). Of a request only tags that are in the dictionary become SQL, as eight hexadecimal digits;
 * its values are parameters.
 * @param parameters gets the values, behind what is in it
 */
export function matchConditions(match: readonly WorkitemMatch[], parameters: unknown[]): string[] {
  const parameter = (value: unknown, type: string): string => `$${parameters.push(value)}::${type}`;
  const [inSequences, plain] = [match.filter(isInSequence), match.filter((one) => !isInSequence(one))];
  const sequences = Map.groupBy(inSequences, ({ key }) => tagsOf(key)[0]!);
  return [
    ...plain.map((one) => plainCondition(one, parameter)),
    ...[...sequences].map(([tag, keys]) => {
      const conditions = keys.map(({ key, values }) =>
        valueCondition({ dataset: 'item', tags: tagsOf(key).slice(1) }, key, values, parameter),
      );
      return `exists (select from jsonb_path_query(w.dataset, '$."${tag}"."Value"[*]') as item
        where ${conditions.join(' and ')})`;
    }),
  ];
}

type Parameter = (value: unknown, type: string) => string;

function isInSequence({ key }: WorkitemMatch): boolean {
  return key.includes('.');
}

function plainCondition({ key, values }: WorkitemMatch, parameter: Parameter): string {
  if (key === 'StudyInstanceUID') return studyCondition(parameter(values, 'text[]'));
  const column = columns[key];
  if (column !== undefined) {
    return column.hasWildcards
      ? `${column.sql} like any(${parameter(values.map(toLike), 'text[]')})`
      : `${column.sql} = any(${parameter(values, 'text[]')})`;
  }
  const time = timeColumns[key];
  if (time !== undefined) return `${time} is not null and ${periodCondition(time, key, values, parameter)}`;
  return valueCondition({ dataset: 'w.dataset', tags: tagsOf(key) }, key, values, parameter);
}

/** @param place a dataset in SQL, and the attribute in it */
function valueCondition(place: Place, key: string, values: string[], parameter: Parameter): string {
  const vr = vrOf(key);
  if (vr === 'DT') {
    const moment = `dicom_date_time(v #>> '{}')`;
    // What is no date and time fits no period, not even one without an end.
    return someValue(place, `${moment} is not null and ${periodCondition(moment, key, values, parameter)}`);
  }
  if (vr === 'DA' || vr === 'TM') return someValue(place, rangeCondition(values, parameter));
  if (vr === 'UI') return someValue(place, `v #>> '{}' = any(${parameter(values, 'text[]')})`);
  const patterns = parameter(values.map(toLike), 'text[]');
  if (vr !== 'PN') return someValue(place, `v #>> '{}' like any(${patterns})`);
  const groups = ['Alphabetic', 'Ideographic', 'Phonetic'].map((group) => `v ->> '${group}' ilike any(${patterns})`);
  return someValue(place, groups.join(' or '));
}

function periodCondition(moment: string, key: string, values: string[], parameter: Parameter): string {
  const periods = values.map((value) => periodOf(key, value));
  const from = parameter(
    periods.map((period) => period.from),
    'timestamptz[]',
  );
  const until = parameter(
    periods.map((period) => period.until),
    'timestamptz[]',
  );
  return `exists (select from unnest(${from}, ${until}) as p (a, b)
    where (p.a is null or ${moment} >= p.a) and (p.b is null or ${moment} < p.b))`;
}

function studyCondition(uids: string): string {
  const inDataset = [`{0020000D,Value,0}`, `{0040A370,Value,0,0020000D,Value,0}`, `{00404021,Value,0,0020000D,Value,0}`]
    .map((path) => `w.dataset #>> '${path}' = any(${uids})`)
    .join(' or ');
  return `(w.study_key in (select study_key from study where study_instance_uid = any(${uids}))
           or (w.study_key is null and (${inDataset})))`;
}

interface Place {
  dataset: 'w.dataset' | 'item';
  tags: string[];
}

function someValue({ dataset, tags }: Place, condition: string): string {
  const path = tags.map((tag) => `."${tag}"."Value"[*]`).join('');
  return `exists (select from jsonb_path_query(${dataset}, '$${path}') as v where ${condition})`;
}

/** Dates and times of day, as texts: `20260101`, `20260101-`, `-20260131`, `20260101-20260131`. */
function rangeCondition(values: readonly string[], parameter: Parameter): string {
  const ranges = values.map((value) => {
    const [from = '', until = from] = value.split('-', 2);
    return { from, until: until === '' ? '~' : `${until}~` };
  });
  const from = parameter(
    ranges.map((range) => range.from),
    'text[]',
  );
  const until = parameter(
    ranges.map((range) => range.until),
    'text[]',
  );
  return `exists (select from unnest(${from}, ${until}) as p (a, b)
    where v #>> '{}' collate "C" >= p.a and v #>> '{}' collate "C" <= p.b)`;
}

/** DICOM's wildcards as LIKE's, everything else literally. */
function toLike(value: string): string {
  return value
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
}
