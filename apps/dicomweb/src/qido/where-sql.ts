import { levelOfAttribute } from '#libs/archive';
import type { Match } from '../wire/parse-qido.js';
import type { SearchLevel } from '../wire/search-attributes.js';
import { itemSql } from './json-match-sql.js';
import { conditionSql, dateTimeSql, type Parameters } from './match-sql.js';
import { findColumn, rollUps } from './search-columns.js';

/**
 * The matches of a search as one SQL condition on its tables `st`, `se` and `i`, as far as the level has them. What
 * belongs to a lower level must hold for one thing there: a study matches `Modality=CT&Rows=512` when one of its series
 * is CT and one of that series' instances has 512 rows (relational queries, PS3.4 C.4.1.3.2.2).
 * @returns `true` when there is nothing to match
 */
export function whereSql(level: SearchLevel, matches: readonly Match[], parameters: Parameters): string {
  const placed = matches.map((match) => ({ match, level: levelOf(match, level) }));
  const own = placed.filter((one) => depth[one.level] <= depth[level]);
  const lower = placed.filter((one) => depth[one.level] > depth[level]);
  const conditions = (['study', 'series', 'instance'] as const).flatMap((one) => levelSql(one, level, own, parameters));
  if (lower.length === 1) {
    const rolledUp = rollUpSql(level, lower[0]!.match, parameters);
    if (rolledUp !== undefined) return [...conditions, rolledUp].join(' and ');
  }
  if (lower.length > 0) conditions.push(lowerSql(level, lower, parameters));
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}

interface Placed {
  match: Match;
  level: SearchLevel;
}

const depth: Record<SearchLevel, number> = { study: 0, series: 1, instance: 2 };
const documents: Record<SearchLevel, string> = {
  study: 'st.attributes',
  series: 'se.attributes',
  instance: 'i.dicom_json',
};

/** Attributes that no index and no column holds: matching them means reading the data sets. */
export function isReadFromDataSets({ attribute }: Match, level: SearchLevel): boolean {
  return findColumn(attribute.path, level) === undefined && levelOfPath(attribute.path) === 'instance';
}

function levelOf({ attribute }: Match, level: SearchLevel): SearchLevel {
  return findColumn(attribute.path, level)?.level ?? levelOfPath(attribute.path);
}

const levelOfPath = (path: string): SearchLevel => levelOfAttribute(path.slice(0, 8));

/** The conditions on one table: on its columns, and on its DICOM JSON what has no column. */
function levelSql(one: SearchLevel, level: SearchLevel, placed: readonly Placed[], parameters: Parameters): string[] {
  const matches = placed.filter((match) => match.level === one).map(({ match }) => match);
  const conditions: string[] = [];
  const inJson: Match[] = [];
  for (const match of matches) {
    const column = findColumn(match.attribute.path, level)?.column;
    if (column === undefined) inJson.push(match);
    else if (match.time === undefined) conditions.push(conditionSql(column, match.condition, parameters));
    else conditions.push(dateTimeOfColumnsSql(column.sql, match, one, level, parameters));
  }
  if (inJson.length > 0) conditions.push(itemSql(documents[one], inJson, parameters));
  return conditions;
}

function dateTimeOfColumnsSql(
  date: string,
  { condition, time }: Match,
  one: SearchLevel,
  level: SearchLevel,
  parameters: Parameters,
): string {
  if (condition.kind !== 'dates' || time === undefined) throw new Error('Only a range of dates has times');
  const column = findColumn(time.attribute.path, level)?.column;
  const timeText = column?.sql ?? `(dicom_jsonb(${documents[one]}) #>> '{${time.attribute.path},Value,0}')`;
  return dateTimeSql(date, timeText, condition, time, parameters);
}

function rollUpSql(level: SearchLevel, { attribute, condition }: Match, parameters: Parameters): string | undefined {
  const column = rollUps[level][attribute.path];
  // One thing below that has no value, or two, is not what all of them have together.
  if (column === undefined || condition.kind === 'empty' || condition.kind === 'all-of') return undefined;
  return conditionSql(column, condition, parameters);
}

function lowerSql(level: SearchLevel, placed: readonly Placed[], parameters: Parameters): string {
  const parent = level === 'study' ? 'st.study_key' : 'se.series_key';
  const ofSeries = level === 'study' ? levelSql('series', level, placed, parameters) : [];
  const ofInstances = levelSql('instance', level, placed, parameters);
  const key = level === 'series' || ofSeries.length > 0 ? 'series_key' : 'study_key';
  const owner = ofSeries.length > 0 ? 'se.series_key' : parent;
  const instances = `exists (select from instance i where ${[`i.${key} = ${owner}`, ...ofInstances].join(' and ')})`;
  if (ofSeries.length === 0) return instances;
  const series = [`se.study_key = ${parent}`, ...ofSeries, ...(ofInstances.length > 0 ? [instances] : [])];
  return `exists (select from series se where ${series.join(' and ')})`;
}
