import { type DicomJson, type DicomJsonElement, stringifyDicomJson } from '#libs/dicom';
import type { QidoQuery } from '../wire/parse-qido.js';
import type { SearchLevel } from '../wire/search-attributes.js';
import type { Member, Members } from './split-members.js';

/** What every result has when it is known: PS3.18 tables 10.6.3-3 to 10.6.3-5, and what viewers read besides. */
const usualTags: Record<SearchLevel, readonly string[]> = {
  study: [
    '00080005',
    '00080020',
    '00080030',
    '00080050',
    '00080056',
    '00080061',
    '00080090',
    '00080201',
    '00081030',
    '00081190',
    '00100010',
    '00100020',
    '00100030',
    '00100040',
    '0020000D',
    '00200010',
    '00201206',
    '00201208',
  ],
  series: [
    '00080005',
    '00080056',
    '00080060',
    '00080201',
    '0008103E',
    '00081190',
    '00083002',
    // Of its study; OHIF has to mend answers without it.
    '0020000D',
    '0020000E',
    '00200011',
    '00201209',
    '00400244',
    '00400245',
    '00400275',
  ],
  instance: [
    '00080005',
    '00080016',
    '00080018',
    '00080056',
    '00080201',
    '00081190',
    '00083002',
    '0020000D',
    '0020000E',
    '00200013',
    '00280008',
    '00280010',
    '00280011',
    '00280100',
  ],
};

/** What of an element goes into a result: all of it, none, or of a sequence those elements in its items. */
type Wanted = true | undefined | Map<string, Wanted>;

/** Chooses what of a data set belongs into a result. Elements come and go as JSON text. */
export type Choice = (tag: string, element: string) => string | undefined;

/**
 * @param usualLevels whose usual attributes to give: the level searched, and those above it that the URL leaves open
 */
export function chooseAttributes(query: QidoQuery, usualLevels: readonly SearchLevel[]): Choice {
  if (query.isAllIncluded) return (_, element) => element;
  const key = `${usualLevels.join()} ${[...query.includeFields].join()}`;
  let choice = choices.get(key);
  if (choice === undefined) {
    choice = chooseOf(query.includeFields, usualLevels);
    if (choices.size >= choicesMax) choices.clear();
    choices.set(key, choice);
  }
  return choice;
}

/** Of searches that differ in their values alone. */
const choices = new Map<string, Choice>();
const choicesMax = 200;

function chooseOf(includeFields: ReadonlySet<string>, usualLevels: readonly SearchLevel[]): Choice {
  const wanted = new Map<string, Wanted>();
  for (const path of includeFields) want(wanted, path.split('.'));
  for (const tag of usualLevels.flatMap((level) => usualTags[level])) wanted.set(tag, true);
  return (tag, element) => {
    const part = wanted.get(tag);
    return part === undefined || part === true ? part && element : cutText(tag, element, part);
  };
}

/** @returns whether a result may hold anything that only the rows of this level above the one searched have */
export function isLevelWanted(query: QidoQuery, usualLevels: readonly SearchLevel[], level: SearchLevel): boolean {
  return query.isAllIncluded || query.includeFields.size > 0 || usualLevels.includes(level);
}

function want(wanted: Map<string, Wanted>, [tag, ...inner]: string[]): void {
  if (tag === undefined || wanted.get(tag) === true) return;
  if (inner.length === 0) return void wanted.set(tag, true);
  const items = wanted.get(tag) ?? new Map<string, Wanted>();
  wanted.set(tag, items);
  if (items !== true) want(items, inner);
}

/** Asked for elements of a sequence, a result has its items with those and no others (PS3.4 C.2.2.2.6). */
function cut(element: DicomJsonElement, wanted: Wanted): DicomJsonElement | undefined {
  if (wanted === undefined || wanted === true || element.vr !== 'SQ' || element.Value === undefined)
    return wanted === undefined ? undefined : element;
  const items = element.Value.map((item) => {
    const kept: DicomJson = {};
    for (const [tag, inner] of Object.entries((item ?? {}) as DicomJson)) {
      const part = cut(inner, wanted.get(tag));
      if (part !== undefined) kept[tag] = part;
    }
    return kept;
  });
  return { vr: 'SQ', Value: items };
}

function cutText(tag: string, element: string, wanted: Wanted): string | undefined {
  const part = cut(JSON.parse(element) as DicomJsonElement, wanted);
  return part && stringifyDicomJson({ [tag]: part }).slice('{"GGGGEEEE":'.length, -1);
}

/**
 * Puts a result together as JSON text, tags in ascending order (PS3.18 F.2.2). Later sources win: what we count ourselves
 * goes last. Elements with an undefined entry are left out.
 */
export function composeResult(choose: Choice, ...sources: Members[]): string {
  // Joined at once: a text that is added to piece by piece has to be put together again to be sent.
  const pieces: string[] = [];
  let before = '{"';
  for (const [tag, element] of sources.reduce(merge)) {
    const chosen = element === undefined ? undefined : choose(tag, element);
    if (chosen === undefined) continue;
    pieces.push(before, tag, '":', chosen);
    before = ',"';
  }
  return pieces.length === 0 ? '{}' : `${pieces.join('')}}`;
}

/** Both are in order, and so is what they make. */
function merge(first: Members, second: Members): Members {
  const merged: Member[] = [];
  let at = 0;
  for (const member of second) {
    while (at < first.length && first[at]![0] < member[0]) merged.push(first[at++]!);
    if (at < first.length && first[at]![0] === member[0]) at++;
    merged.push(member);
  }
  while (at < first.length) merged.push(first[at++]!);
  return merged;
}

/**
 * @returns an element as JSON text; undefined, so that it is left out, when there is nothing to say: OHIF trips over a
 * CS without Value
 */
export function element(vr: string, values: readonly (string | number | null)[]): string | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : `{"vr":"${vr}","Value":${JSON.stringify(known)}}`;
}
