import type { DataSource } from '#libs/database';
import { webTransferSyntax } from '#libs/dicom';
import type { QidoQuery } from '../wire/parse-qido.js';
import type { SearchLevel } from '../wire/search-attributes.js';
import { isAnythingCold, readAvailability } from './availability.js';
import { countMatches } from './count-matches.js';
import { isReadableJson, Parameters } from './match-sql.js';
import { chooseAttributes, composeResult, element, isLevelWanted } from './result-attributes.js';
import { hasStablePlan, runSearch } from './run-search.js';
import { findColumn } from './search-columns.js';
import type { Found, SearchPage } from './search-page.js';
import { seriesAttributes, type SeriesRow, seriesSelection, studyUid } from './series-search.js';
import { type Members, splitMembers } from './split-members.js';
import { studyAttributes, type StudyRow, studySelection } from './study-search.js';
import { whereSql } from './where-sql.js';

/** Whole data sets (includefield=all) may be megabytes each, for instance of slides: one answer holds so much of them. */
const dataSetBytesMax = 4 * 1024 * 1024;

interface InstanceRow {
  sop_instance_uid: string;
  sop_class_uid: string;
  instance_number: number | null;
  rows: number | null;
  columns: number | null;
  bits_allocated: number | null;
  number_of_frames: number | null;
  transfer_syntax_uid: string;
  /** Elements of the data set that no column has: those asked for, or all. */
  more_attributes: string | null;
}

/**
 * Search for Instances (PS3.18 10.6), in one series, one study, or all. In a series they come by instance number.
 * @param place what the URL names: usual attributes of the levels it leaves open come too (PS3.18 table 10.6.3-5)
 */
export async function searchInstances(
  db: DataSource,
  query: QidoQuery,
  dicomwebUrl: string,
  place: 'series' | 'study' | 'anywhere',
): Promise<SearchPage> {
  const parameters = new Parameters();
  const where = whereSql('instance', query.matches, parameters);
  const matching = [...parameters.values];
  const levels = usualLevels[place];
  const isStudyWanted = isLevelWanted(query, levels, 'study');
  const isSeriesWanted = isLevelWanted(query, levels, 'series');
  const selection = `select i.instance_key as key, i.sop_instance_uid, i.sop_class_uid, i.instance_number, i.rows, i.columns,
    i.bits_allocated, i.number_of_frames, i.transfer_syntax_uid, ${moreSql(query, parameters)} as more_attributes,
    ${isSeriesWanted ? seriesSelection : 'se.series_instance_uid'},
    ${isStudyWanted ? studySelection : 'st.study_instance_uid'}, ${isAnythingCold}`;
  const sql = pageSql(query, place, selection, where, parameters);
  type Row = InstanceRow & SeriesRow & StudyRow & Found & { page_rows?: number };
  const found = await runSearch<Row>(db, sql, parameters.values, hasStablePlan(query));
  const rows = found.slice(0, query.limit);
  const pageRows = found[0]?.page_rows ?? found.length;
  const isCut = rows.length < Math.min(pageRows, query.limit);
  const availability = await readAvailability(db, 'instance_key', rows);
  const choose = chooseAttributes(query, levels);
  const seriesUid = (row: SeriesRow): Members => [['0020000E', element('UI', [row.series_instance_uid])]];
  return {
    results: rows.map((row) =>
      composeResult(
        choose,
        ...(isStudyWanted ? studyAttributes(row) : [studyUid(row)]),
        ...(isSeriesWanted ? seriesAttributes(row) : [seriesUid(row)]),
        ...instanceAttributes(row, dicomwebUrl, availability(row.key)),
      ),
    ),
    matches: await countMatches(
      db,
      query,
      pageRows,
      `select count(*) as total from ${everything} where ${where}`,
      matching,
      isCut,
    ),
  };
}

/** The rows of a page, and one more where there are more: of whole data sets, as many as one answer holds. */
function pageSql(
  query: QidoQuery,
  place: keyof typeof orders,
  selection: string,
  where: string,
  parameters: Parameters,
): string {
  const order = orders[place];
  const page = `order by ${order} limit ${parameters.add(query.limit)}::bigint + 1 offset ${parameters.add(query.offset)}::bigint`;
  if (!query.isAllIncluded && place === 'series') return `${selection} from ${everything} where ${where} ${page}`;
  if (!query.isAllIncluded)
    return `with page as materialized (select i.instance_key from ${everything} where ${where} ${page})
      ${selection} from page join instance i using (instance_key) join series se using (series_key)
      join study st on st.study_key = i.study_key order by ${order}`;
  return `
    with page as materialized (select i.instance_key from ${everything} where ${where} ${page}),
    numbered as materialized (
      select i.instance_key, row_number() over in_order as position,
        sum(octet_length(i.dicom_json)) over in_order as bytes
      from page join instance i using (instance_key) join series se using (series_key)
      window in_order as (order by ${order})
    )
    ${selection}, (select count(*) from page) as page_rows
    from numbered n join instance i using (instance_key) join series se using (series_key)
    join study st on st.study_key = i.study_key
    where n.position = 1 or n.bytes <= ${parameters.add(dataSetBytesMax)}::bigint
    order by n.position`;
}

const everything = 'instance i join series se using (series_key) join study st on st.study_key = i.study_key';

/** Each ends in a unique key, so that pages neither repeat nor lose a result. The last follows the order of arrival. */
const orders = {
  series: 'i.instance_number nulls last, i.instance_key',
  study: 'se.series_number nulls last, se.series_key, i.instance_number nulls last, i.instance_key',
  anywhere: 'i.instance_key',
};

const usualLevels: Record<keyof typeof orders, readonly SearchLevel[]> = {
  series: ['instance'],
  study: ['series', 'instance'],
  anywhere: ['study', 'series', 'instance'],
};

/** What no column holds is taken out of the data set by PostgreSQL: only that travels, however large the data set is. */
function moreSql(query: QidoQuery, parameters: Parameters): string {
  if (query.isAllIncluded) return 'i.dicom_json';
  const tags = new Set([...query.includeFields].map((path) => path.slice(0, 8)));
  const more = [...tags].filter((tag) => findColumn(tag, 'instance') === undefined);
  if (more.length === 0) return 'null';
  // The whole of it for the rare text that PostgreSQL's JSON functions refuse: what is not wanted is dropped later.
  return `case when ${isReadableJson('i.dicom_json')} then (
      select json_object_agg(key, value)::text from json_each(i.dicom_json::json) where key = any(${parameters.add(more)}::text[])
    ) else i.dicom_json end`;
}

function instanceAttributes(
  row: InstanceRow & SeriesRow & StudyRow,
  dicomwebUrl: string,
  availability: string,
): Members[] {
  const url = `${dicomwebUrl}/studies/${row.study_instance_uid}/series/${row.series_instance_uid}/instances/${row.sop_instance_uid}`;
  return [
    row.more_attributes === null ? [] : splitMembers(row.more_attributes),
    [
      ['00080016', element('UI', [row.sop_class_uid])],
      ['00080018', element('UI', [row.sop_instance_uid])],
      ['00080056', element('CS', [availability])],
      ['00081190', element('UR', [url])],
      ['00083002', element('UI', [webTransferSyntax(row.transfer_syntax_uid)])],
      ['00200013', element('IS', [row.instance_number])],
      ['00280008', element('IS', [row.number_of_frames])],
      ['00280010', element('US', [row.rows])],
      ['00280011', element('US', [row.columns])],
      ['00280100', element('US', [row.bits_allocated])],
    ],
  ];
}
