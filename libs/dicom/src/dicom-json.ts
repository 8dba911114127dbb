/** One attribute in the DICOM JSON model (PS3.18 F.2.2). Empty attributes have neither member but `vr`. */
export interface DicomJsonElement {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  BulkDataURI?: string;
}

/** A dataset in the DICOM JSON model (PS3.18 F.2): keys are `GGGGEEEE`, upper-case hex. */
export type DicomJson = Record<string, DicomJsonElement>;

/** A person name in the DICOM JSON model (PS3.18 F.2.2): only the component groups that are not empty. */
export interface PersonName {
  Alphabetic?: string;
  Ideographic?: string;
  Phonetic?: string;
}

/** The value at `index` as text, whatever its JSON type; undefined when absent, empty or not text-like. */
export function jsonText(dataset: DicomJson, tag: string, index = 0): string | undefined {
  const value = dataset[tag]?.Value?.[index];
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number') return String(value);
  return undefined;
}

/** The value at `index` as a finite number; DS, IS, SV and UV held as text are converted. */
export function jsonNumber(dataset: DicomJson, tag: string, index = 0): number | undefined {
  const value = dataset[tag]?.Value?.[index];
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Every value of the attribute as text (empty members left out). */
export function jsonTexts(dataset: DicomJson, tag: string): string[] {
  const values = dataset[tag]?.Value ?? [];
  return values.map((_, index) => jsonText(dataset, tag, index)).filter((text) => text !== undefined);
}

/** Every value of the attribute as a finite number (empty and unreadable members left out). */
export function jsonNumbers(dataset: DicomJson, tag: string): number[] {
  const values = dataset[tag]?.Value ?? [];
  return values.map((_, index) => jsonNumber(dataset, tag, index)).filter((number) => number !== undefined);
}

/** The person name at `index`; undefined when absent or empty. */
export function jsonPersonName(dataset: DicomJson, tag: string, index = 0): PersonName | undefined {
  const value = dataset[tag]?.Value?.[index];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as PersonName) : undefined;
}

/** The items of a sequence; none when the sequence is absent or empty. */
export function jsonItems(dataset: DicomJson, tag: string): DicomJson[] {
  const element = dataset[tag];
  if (element?.vr !== 'SQ' || element.Value === undefined) return [];
  return element.Value.filter((item): item is DicomJson => typeof item === 'object' && item !== null);
}
