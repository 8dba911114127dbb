import type { DataSource } from '#libs/database';
import { webTransferSyntax } from '#libs/dicom';
import type { QidoQuery } from '../wire/parse-qido.js';
import { isAnythingCold, readAvailability } from './availability.js';
import { countMatches } from './count-matches.js';
import { Parameters } from './match-sql.js';
import { chooseAttributes, composeResult, element, isLevelWanted } from './result-attributes.js';
import { hasStablePlan, runSearch } from './run-search.js';
import type { Found, SearchPage } from './search-page.js';
import { type Members, splitMembers } from './split-members.js';
import { studyAttributes, type StudyRow, studySelection } from './study-search.js';
import { whereSql } from './where-sql.js';

export interface SeriesRow {
  series_instance_uid: string;
  number_of_series_instances: number;
  transfer_syntaxes: string[];
  series_attributes: string;
}

/** The columns of a {@link SeriesRow}. */
export const seriesSelection = `se.series_instance_uid, se.number_of_instances as number_of_series_instances,
  se.transfer_syntaxes, se.attributes as series_attributes`;

/**
 * Search for Series (PS3.18 10.6), in one study or in all. In one study they come by series number. includefield brings
 * attributes of the study too, and none of instances (10.6.3.3.2).
 * @param isInStudy the URL names the study: its attributes come only when asked for (PS3.18 table 10.6.3-4)
 */
export async function searchSeries(
  db: DataSource,
  query: QidoQuery,
  dicomwebUrl: string,
  isInStudy: boolean,
): Promise<SearchPage> {
  const parameters = new Parameters();
  const where = whereSql('series', query.matches, parameters);
  const matching = [...parameters.values];
  const order = isInStudy ? 'se.series_number nulls last, se.series_key' : 'se.series_key';
  const everything = 'series se join study st using (study_key)';
  const page = `limit ${parameters.add(query.limit)}::bigint + 1 offset ${parameters.add(query.offset)}::bigint`;
  const levels = isInStudy ? (['series'] as const) : (['study', 'series'] as const);
  const isStudyWanted = isLevelWanted(query, levels, 'study');
  const selection = `select se.series_key as key, ${seriesSelection},
    ${isStudyWanted ? studySelection : 'st.study_instance_uid'}, ${isAnythingCold}`;
  // In one study there are few. Among all, what an offset leaves out is passed over without its study.
  const sql = isInStudy
    ? `${selection} from ${everything} where ${where} order by ${order} ${page}`
    : `with page as materialized (select se.series_key from ${everything} where ${where} order by ${order} ${page})
       ${selection} from page join series se using (series_key) join study st using (study_key) order by ${order}`;
  const found = await runSearch<SeriesRow & StudyRow & Found>(db, sql, parameters.values, hasStablePlan(query));
  const rows = found.slice(0, query.limit);
  const availability = await readAvailability(db, 'series_key', rows);
  const choose = chooseAttributes(query, levels);
  return {
    results: rows.map((row) => {
      const url = `${dicomwebUrl}/studies/${row.study_instance_uid}/series/${row.series_instance_uid}`;
      return composeResult(
        choose,
        ...(isStudyWanted ? studyAttributes(row) : [studyUid(row)]),
        ...seriesAttributes(row),
        [
          ['00080056', element('CS', [availability(row.key)])],
          ['00081190', element('UR', [url])],
        ],
      );
    }),
    matches: await countMatches(
      db,
      query,
      found.length,
      `select count(*) as total from ${everything} where ${where}`,
      matching,
    ),
  };
}

/** Every result says which study it is of. */
export const studyUid = (row: { study_instance_uid: string }): Members => [
  ['0020000D', element('UI', [row.study_instance_uid])],
];

/** A series' own attributes, and what the archive counts. */
export function seriesAttributes(row: SeriesRow): Members[] {
  return [
    splitMembers(row.series_attributes),
    [
      ['00083002', element('UI', [...new Set(row.transfer_syntaxes.map(webTransferSyntax))])],
      ['0020000E', element('UI', [row.series_instance_uid])],
      ['00201209', element('IS', [row.number_of_series_instances])],
    ],
  ];
}
