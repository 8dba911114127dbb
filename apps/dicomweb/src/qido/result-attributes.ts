import type { DicomJson } from '#libs/dicom';
import type { QidoQuery } from '../wire/parse-qido.js';
import type { SearchLevel } from '../wire/search-attributes.js';

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

/**
 * @param usualLevels whose usual attributes to give: the level searched, and those above it that the URL leaves open
 * @returns a test for the tags that belong into a result
 */
export function wantedTags(query: QidoQuery, usualLevels: readonly SearchLevel[]): (tag: string) => boolean {
  if (query.isAllIncluded) return () => true;
  const tags = new Set([...query.includeFields, ...usualLevels.flatMap((level) => usualTags[level])]);
  return (tag) => tags.has(tag);
}

/**
 * Puts a result together, tags in ascending order (PS3.18 F.2.2). Later sources win: what we count ourselves goes last.
 * Elements with an undefined entry are left out.
 */
export function composeResult(
  isWanted: (tag: string) => boolean,
  ...sources: Record<string, DicomJson[string] | undefined>[]
): DicomJson {
  const merged: Record<string, DicomJson[string] | undefined> = Object.assign({}, ...sources);
  const result: DicomJson = {};
  for (const tag of Object.keys(merged).sort()) {
    const element = merged[tag];
    if (element !== undefined && isWanted(tag)) result[tag] = element;
  }
  return result;
}

/** @returns undefined, so that the element is left out, when there is nothing to say: OHIF trips over a CS without Value */
export function element(vr: string, values: readonly (string | number | null)[]): DicomJson[string] | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : { vr, Value: known };
}
