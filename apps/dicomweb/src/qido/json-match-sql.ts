import type { Condition } from '../wire/parse-match.js';
import type { Match } from '../wire/parse-qido.js';
import { conditionSql, dateTimeSql, type Parameters } from './match-sql.js';

/** The matches on one data set or one item of a sequence, by the first tag of their paths. */
interface Item {
  elements: { tag: string; match: Match }[];
  sequences: Map<string, Item>;
}

/**
 * Matches on DICOM JSON kept as text (PS3.18 F.2), as one SQL condition. Keys of one sequence must match in one and the
 * same item (PS3.4 C.2.2.2.6), to any depth.
 * @param document a column of DICOM JSON, not from a request
 */
export function itemSql(document: string, matches: readonly Match[], parameters: Parameters): string {
  const root = toItem(matches);
  // Looking for a tag in the text is much cheaper than parsing it, and most data sets have not what is asked for.
  const present = [
    ...root.elements.filter(({ match }) => match.condition.kind !== 'empty').map(({ tag }) => tag),
    ...root.sequences.keys(),
  ].map((tag) => `strpos(${document}, '"${checked(tag)}":') > 0`);
  const conditions = conditionsOf(root, 'd0.item', 'd0.item', 1, parameters);
  return [
    ...present,
    `exists (select from jsonb_path_query(dicom_jsonb(${document}), '$') d0(item) where ${conditions.join(' and ')})`,
  ].join(' and ');
}

function toItem(matches: readonly Match[]): Item {
  const root: Item = { elements: [], sequences: new Map() };
  for (const match of matches) {
    const tags = match.attribute.path.split('.');
    let item = root;
    for (const tag of tags.slice(0, -1)) {
      let next = item.sequences.get(tag);
      if (next === undefined) item.sequences.set(tag, (next = { elements: [], sequences: new Map() }));
      item = next;
    }
    item.elements.push({ tag: tags.at(-1)!, match });
  }
  return root;
}

function conditionsOf(item: Item, sql: string, root: string, level: number, parameters: Parameters): string[] {
  const ofElements = item.elements.map(({ tag, match }) => elementSql(sql, tag, match, root, level, parameters));
  const ofSequences = [...item.sequences].map(([tag, inner]) => {
    const alias = `d${level}`;
    const conditions = conditionsOf(inner, `${alias}.item`, root, level + 1, parameters);
    return `exists (select from ${membersOf(sql, tag)} ${alias}(item) where ${conditions.join(' and ')})`;
  });
  return [...ofElements, ...ofSequences];
}

function elementSql(
  item: string,
  tag: string,
  { condition, time }: Match,
  root: string,
  level: number,
  parameters: Parameters,
): string {
  if (time !== undefined) {
    if (condition.kind !== 'dates') throw new Error('Only a range of dates has times');
    const timeTag = time.attribute.path.split('.').at(-1)!;
    return dateTimeSql(firstOf(item, tag), firstOf(item, timeTag), condition, time, parameters);
  }
  // Each of several values must be there, and each may be another member.
  if (condition.kind === 'all-of') {
    return condition.conditions.map((one) => memberSql(item, tag, one, root, level, parameters)).join(' and ');
  }
  return memberSql(item, tag, condition, root, level, parameters);
}

function memberSql(
  item: string,
  tag: string,
  condition: Condition,
  root: string,
  level: number,
  parameters: Parameters,
): string {
  const member = `v${level}`;
  const members = `${membersOf(item, tag)} ${member}(value)`;
  if (condition.kind === 'empty') {
    // What is too large for JSON, or binary, is elsewhere but not nowhere.
    return `not (${item} @? '$."${checked(tag)}".BulkDataURI' or ${item} @? '$."${checked(tag)}".InlineBinary'
      or exists (select from ${members} where ${member}.value <> 'null'))`;
  }
  const operand = { kind: 'json' as const, sql: `${member}.value`, offset: firstOf(root, '00080201') };
  return `exists (select from ${members} where ${conditionSql(operand, condition, parameters)})`;
}

const membersOf = (item: string, tag: string) => `jsonb_path_query(${item}, '$."${checked(tag)}".Value[*]')`;
const firstOf = (item: string, tag: string) => `(${item} #>> '{${checked(tag)},Value,0}')`;

/** Tags are the one thing of a request that is written into the SQL. */
function checked(tag: string): string {
  if (!/^[0-9A-F]{8}$/.test(tag)) throw new Error(`${tag} is no tag`);
  return tag;
}
