import type { DicomJson } from '#libs/dicom';
import { ImageError } from './image-error.js';

/** The number at `index` of an element; DS and IS may stand in DICOM JSON as number or as text (PS3.18 F.2.3). */
export function numberOf(dataset: DicomJson, tag: string, index = 0): number | undefined {
  return asNumber(dataset[tag]?.Value?.[index], tag);
}

/** All numbers of an element, empty values left out. */
export function numbersOf(dataset: DicomJson, tag: string): number[] {
  const values = dataset[tag]?.Value ?? [];
  return values.map((value) => asNumber(value, tag)).filter((value) => value !== undefined);
}

export function textOf(dataset: DicomJson, tag: string, index = 0): string | undefined {
  const value = dataset[tag]?.Value?.[index];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** The items of a sequence; none when it is absent or empty. */
export function itemsOf(dataset: DicomJson | undefined, tag: string): DicomJson[] {
  return (dataset?.[tag]?.Value ?? []) as DicomJson[];
}

/** The number an element must have. */
export function requiredNumber(dataset: DicomJson, tag: string, name: string): number {
  const value = numberOf(dataset, tag);
  if (value === undefined) throw new ImageError('missing-attribute', `${name} (${tag}) is missing.`);
  return value;
}

function asNumber(value: unknown, tag: string): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const number = typeof value === 'number' ? value : Number(value);
  if (!Number.isFinite(number))
    throw new ImageError('invalid-value', `Element ${tag} holds something that is not a number.`);
  return number;
}
