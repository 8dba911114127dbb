import { jsonItems, jsonTexts, keywordToTag, type DicomJson } from '#libs/dicom';

// DICOM JSON by keyword, as model.json and the standard's tables name attributes.

/** All values of an attribute, as text; none when it is absent or empty. */
export function texts(dataset: DicomJson, keyword: string): string[] {
  return jsonTexts(dataset, tagOf(keyword))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** All values of an attribute as numbers; a value that is none becomes NaN, so that the others keep their places. */
export function numbers(dataset: DicomJson, keyword: string): number[] {
  return texts(dataset, keyword).map(Number);
}

/** The first value as a number, where there is one. */
export function number(dataset: DicomJson, keyword: string): number | undefined {
  const value = numbers(dataset, keyword)[0];
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

export function text(dataset: DicomJson, keyword: string): string | undefined {
  return texts(dataset, keyword)[0];
}

/** The items of a sequence. */
export function items(dataset: DicomJson, keyword: string): DicomJson[] {
  return jsonItems(dataset, tagOf(keyword));
}

const tags = new Map<string, string>();

function tagOf(keyword: string): string {
  const tag = tags.get(keyword) ?? keywordToTag(keyword);
  if (tag === undefined) throw new Error(`${keyword} is no keyword of the DICOM data dictionary.`);
  tags.set(keyword, tag);
  return tag;
}
