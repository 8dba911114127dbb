import type { DicomJson, DicomJsonElement } from './dicom-json.js';

/**
 * A dataset as JSON text with its attributes in ascending order (PS3.18 F.2.2). `JSON.stringify` alone cannot: to
 * JavaScript a key such as `54000100` is an array index, and comes before all the others.
 */
export function stringifyDicomJson(dataset: DicomJson): string {
  const members = Object.keys(dataset)
    .sort()
    .map((tag) => `"${tag}":${stringifyElement(dataset[tag]!)}`);
  return `{${members.join(',')}}`;
}

function stringifyElement(element: DicomJsonElement): string {
  if (element.vr !== 'SQ' || element.Value === undefined) return JSON.stringify(element);
  const items = element.Value.map((item) => stringifyDicomJson((item ?? {}) as DicomJson));
  return `{"vr":"SQ","Value":[${items.join(',')}]}`;
}
