import { isPrivateTag, keywordToTag, tagToKeyword, tagVr } from '#libs/dicom';

export type SearchLevel = 'study' | 'series' | 'instance';

/** An attribute that a search names, to match on it or to have it returned. */
export interface SearchAttribute {
  /** `GGGGEEEE`, or the tags of sequences and the element in their items, joined by dots. */
  path: string;
  /** For people: the keyword where there is one, else the tag; joined by dots too. */
  keyword: string;
  /** By PS3.6; undefined for private elements and those the dictionary does not know. */
  vr: string | undefined;
}

/** The standard has keywords in one spelling (PS3.6); these, which everybody types, are taken in any case. */
const usualKeywords = new Map(
  [
    ['AccessionNumber', 'BodyPartExamined', 'InstanceNumber', 'Modality', 'ModalitiesInStudy', 'NumberOfFrames'],
    ['PatientBirthDate', 'PatientID', 'PatientName', 'PatientSex', 'IssuerOfPatientID', 'ReferringPhysicianName'],
    ['PerformedProcedureStepStartDate', 'PerformedProcedureStepStartTime', 'SOPClassesInStudy', 'SOPClassUID'],
    ['RequestAttributesSequence', 'RequestedProcedureID', 'ScheduledProcedureStepID', 'SOPInstanceUID'],
    ['SeriesDate', 'SeriesDescription', 'SeriesInstanceUID', 'SeriesNumber', 'SeriesTime'],
    ['StudyDate', 'StudyDescription', 'StudyID', 'StudyInstanceUID', 'StudyTime'],
  ]
    .flat()
    .map((keyword) => [keyword.toLowerCase(), keyword]),
);

/** Sequences in sequences, at most: deeper ones occur in no SOP class. */
const depthMax = 16;

/**
 * Finds an attribute by how a query names it (PS3.18 8.3.4.1): keywords or tags in any case, or a mixture, those of
 * sequences before a dot, e.g. `PatientName`, `0020000d`, `RequestAttributesSequence.00400009`, `00091001`.
 * @returns undefined when one of the names is no tag and no keyword of PS3.6
 */
export function findSearchAttribute(name: string): SearchAttribute | undefined {
  const tags: string[] = [];
  for (const step of name.split('.')) {
    const tag = findTag(step);
    if (tag === undefined || tags.length === depthMax) return undefined;
    tags.push(tag);
  }
  return {
    path: tags.join('.'),
    keyword: tags.map((tag) => tagToKeyword(tag) ?? tag).join('.'),
    vr: tagVr(tags.at(-1)!),
  };
}

function findTag(name: string): string | undefined {
  if (/^[0-9a-f]{8}$/i.test(name)) return name.toUpperCase();
  return keywordToTag(usualKeywords.get(name.toLowerCase()) ?? name);
}

/**
 * The element that says whose a private element is (PS3.5 7.8.1).
 * @param tag `GGGGEEEE`
 * @returns undefined for a public element, and for one that is a private creator itself
 */
export function privateCreatorOf(tag: string): string | undefined {
  const isPrivate = isPrivateTag(tag);
  return isPrivate && !tag.startsWith('00', 4) ? `${tag.slice(0, 4)}00${tag.slice(4, 6)}` : undefined;
}

/** A date and the time that goes with it: ranges of both are one range (PS3.4 C.2.2.2.5). */
export const timeOfDate: ReadonlyMap<string, string> = new Map([
  ['00080012', '00080013'],
  ['00080020', '00080030'],
  ['00080021', '00080031'],
  ['00080022', '00080032'],
  ['00080023', '00080033'],
  ['00100030', '00100032'],
  ['00400002', '00400003'],
  ['00400004', '00400005'],
  ['00400244', '00400245'],
  ['00400250', '00400251'],
]);
