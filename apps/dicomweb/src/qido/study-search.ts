import type { DataSource } from '#libs/database';
import type { QidoQuery } from '../wire/parse-qido.js';
import { isAnythingCold, readAvailability } from './availability.js';
import { countMatches } from './count-matches.js';
import { Parameters } from './match-sql.js';
import { chooseAttributes, composeResult, element } from './result-attributes.js';
import { hasStablePlan, runSearch } from './run-search.js';
import type { Found, SearchPage } from './search-page.js';
import { type Members, splitMembers } from './split-members.js';
import { whereSql } from './where-sql.js';

export interface StudyRow {
  study_instance_uid: string;
  study_modalities: string[];
  study_sop_classes: string[];
  number_of_series: number;
  number_of_study_instances: number;
  study_attributes: string;
}

/** The columns of a {@link StudyRow}, for all three searches. */
export const studySelection = `st.study_instance_uid, st.modalities as study_modalities, st.sop_classes as study_sop_classes,
  st.number_of_series, st.number_of_instances as number_of_study_instances, st.attributes as study_attributes`;

/**
 * Search for Studies (PS3.18 10.6). Newest first; studies without a date come last. Attributes of series and instances are
 * matched on and not returned, whatever includefield says: a study has many values of them (10.6.3.3.1).
 */
export async function searchStudies(db: DataSource, query: QidoQuery, dicomwebUrl: string): Promise<SearchPage> {
  const parameters = new Parameters();
  const where = whereSql('study', query.matches, parameters);
  const matching = [...parameters.values];
  const limit = parameters.add(query.limit);
  const order = 'st.study_date desc nulls last, st.study_key desc';
  const selection = `select st.study_key as key, ${studySelection}, ${isAnythingCold}`;
  const isEverything = query.matches.length === 0;
  const page = `select st.study_key from study st where ${where} order by ${order} limit ${limit}::bigint + 1`;
  // What is passed over on the way is passed over in the index, without its rows; of everything, what is far is found by
  // counts of years, months and days: the last page is as near as the first.
  const keys =
    query.offset === 0
      ? page
      : isEverything && query.offset > walkedMax
        ? `select study_page(${parameters.add(query.offset)}::bigint, ${limit}::bigint + 1)`
        : `${page} offset ${parameters.add(query.offset)}::bigint`;
  const sql =
    query.offset === 0 && !isOfNames(query)
      ? `${selection} from study st where ${where} order by ${order} limit ${limit}::bigint + 1`
      : `with page (study_key) as materialized (${keys})
         ${selection} from page join study st using (study_key) order by ${order}`;
  const found = await runSearch<StudyRow & Found>(db, sql, parameters.values, hasStablePlan(query));
  const rows = found.slice(0, query.limit);
  const availability = await readAvailability(db, 'study_key', rows);
  const choose = chooseAttributes(query, ['study']);
  return {
    results: rows.map((row) =>
      composeResult(choose, ...studyAttributes(row), [
        ['00080056', element('CS', [availability(row.key)])],
        ['00081190', element('UR', [`${dicomwebUrl}/studies/${row.study_instance_uid}`])],
      ]),
    ),
    matches: await countMatches(db, query, found.length, isEverything ? countOfAll : countOf(where), matching),
  };
}

/** Entries of an index that are passed over in less time than counts take to be added up. */
const walkedMax = 2_000;

/** Whether a name is asked for, and nothing that the index of the order does not have. */
const isOfNames = ({ matches }: QidoQuery) =>
  matches.some(({ attribute }) => attribute.path === patientName) &&
  matches.every(({ attribute, time }) => orderedBy.has(attribute.path) && time === undefined);
const patientName = '00100010';
const orderedBy: ReadonlySet<string> = new Set(['00080020', patientName]);

const countOf = (where: string) => `select count(*) as total from study st where ${where}`;
const countOfAll = `select (coalesce((select sum(n.studies) from study_count n where n.level = 1), 0)
  + coalesce((select sum(d.studies) from study_count_change d), 0))::bigint as total`;

/** A study's own attributes, and what the archive counts. */
export function studyAttributes(row: StudyRow): Members[] {
  return [
    splitMembers(row.study_attributes),
    [
      ['00080061', element('CS', row.study_modalities)],
      ['00080062', element('UI', row.study_sop_classes)],
      ['0020000D', element('UI', [row.study_instance_uid])],
      ['00201206', element('IS', [row.number_of_series])],
      ['00201208', element('IS', [row.number_of_study_instances])],
    ],
  ];
}
