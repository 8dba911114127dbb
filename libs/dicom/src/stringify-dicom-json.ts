import type { DicomJson, DicomJsonElement } from './dicom-json.js';

/**
 * A dataset as JSON text with its attributes in ascending order (PS3.18 F.2.2). `JSON.stringify` alone cannot: to
 * JavaScript a key such as `54000100` is an array index, and comes before all the others.
 */
export function stringifyDicomJson(dataset: DicomJson): string {
  return joinMembers(stringifyMembers(dataset));
}

/** An attribute's tag, and its member of a JSON object: `"GGGGEEEE":{...}`. */
export type DicomJsonMember = readonly [tag: string, text: string];

/** The attributes one by one, in ascending order: for texts that share some. */
export function stringifyMembers(dataset: DicomJson): DicomJsonMember[] {
  return Object.keys(dataset)
    .sort()
    .map((tag) => [tag, `"${tag}":${stringifyElement(dataset[tag]!)}`]);
}

export function joinMembers(members: readonly DicomJsonMember[]): string {
  return `{${members.map(([, text]) => text).join(',')}}`;
}

function stringifyElement(element: DicomJsonElement): string {
  if (element.vr !== 'SQ' || element.Value === undefined) return JSON.stringify(element);
  const items = element.Value.map((item) => stringifyDicomJson((item ?? {}) as DicomJson));
  return `{"vr":"SQ","Value":[${items.join(',')}]}`;
}
