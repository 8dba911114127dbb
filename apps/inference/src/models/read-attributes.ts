import { keywordToTag, type DicomJson } from '#libs/dicom';

/** All values of an attribute, as text; none when it is absent or empty. */
export function texts(dataset: DicomJson, keyword: string): string[] {
  return values(dataset, keyword)
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map((value) => String(value).trim())
    .filter((value) => value !== '');
}

/** All values of an attribute as numbers; a value that is none becomes NaN. */
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
  return values(dataset, keyword).filter((value): value is DicomJson => typeof value === 'object' && value !== null);
}

function values(dataset: DicomJson, keyword: string): unknown[] {
  const tag = keywordToTag(keyword);
  return (tag === undefined ? undefined : dataset[tag]?.Value) ?? [];
}
