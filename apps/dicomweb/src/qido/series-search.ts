import { type DataSource, query as runQuery } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import type { QidoQuery } from '../wire/parse-qido.js';
import { availability } from './availability.js';
import { Parameters } from './match-sql.js';
import { chooseAttributes, composeResult, element } from './result-attributes.js';
import type { SearchPage } from './search-page.js';
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
  const limit = parameters.add(query.limit);
  const order = isInStudy ? 'se.series_number nulls last, se.series_key' : 'se.series_key';
  const sql = `
    with page as materialized (
      select se.series_key from series se join study st using (study_key) where ${where}
      order by ${order}
      limit ${limit}::bigint + 1 offset ${parameters.add(query.offset)}::bigint
    )
    select ${seriesSelection}, ${studySelection},
      ${availability('i.series_key = se.series_key')} as availability,
      case when ${query.isServerLimit} and (select count(*) from page) > ${limit}::bigint
        then (select count(*) from series se join study st using (study_key) where ${where}) end as total
    from page join series se using (series_key) join study st using (study_key)
    order by ${order}
    limit ${limit}::bigint`;
  type Row = SeriesRow & StudyRow & { availability: string; total: number | null };
  const rows = await runQuery<Row>(db, sql, parameters.values);
  const choose = chooseAttributes(query, isInStudy ? ['series'] : ['study', 'series']);
  return {
    results: rows.map((row) =>
      composeResult(choose, studyAttributes(row), seriesAttributes(row), {
        '00080056': element('CS', [row.availability]),
        '00081190': element('UR', [
          `${dicomwebUrl}/studies/${row.study_instance_uid}/series/${row.series_instance_uid}`,
        ]),
      }),
    ),
    matches: rows[0]?.total ?? query.offset + rows.length,
  };
}

/** A series' own attributes, and what the archive counts. */
export function seriesAttributes(row: SeriesRow): Record<string, DicomJson[string] | undefined> {
  return {
    ...(JSON.parse(row.series_attributes) as DicomJson),
    '00083002': element('UI', row.transfer_syntaxes),
    '0020000E': element('UI', [row.series_instance_uid]),
    '00201209': element('IS', [row.number_of_series_instances]),
  };
}
