/** The DICOM JSON model (PS3.18 F.2), as far as the pages read it. */
export type DicomJson = Record<string, { vr?: string; Value?: unknown[]; InlineBinary?: string; BulkDataURI?: string }>;

/** One value as trimmed text; person names by their alphabetic (else first) group. */
export function textOf(dataset: DicomJson | undefined, tag: string, index = 0): string | undefined {
  const value = dataset?.[tag]?.Value?.[index];
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'object') {
    const name = value as { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
    return name.Alphabetic ?? name.Ideographic ?? name.Phonetic;
  }
  const text = String(value).trim();
  return text === '' ? undefined : text;
}

/** One value as a finite number. Decimal and integer strings may come as JSON strings (PS3.18 F.2.3). */
export function numberOf(dataset: DicomJson | undefined, tag: string, index = 0): number | undefined {
  const text = textOf(dataset, tag, index);
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** All values as numbers; undefined unless there are at least `count` and every one is finite. */
export function numbersOf(dataset: DicomJson | undefined, tag: string, count: number): number[] | undefined {
  const values = Array.from({ length: count }, (_, index) => numberOf(dataset, tag, index));
  return values.every((value) => value !== undefined) ? (values as number[]) : undefined;
}

/** All values as text. */
export function textsOf(dataset: DicomJson | undefined, tag: string): string[] {
  const count = dataset?.[tag]?.Value?.length ?? 0;
  return Array.from({ length: count }, (_, index) => textOf(dataset, tag, index)).filter(
    (text): text is string => text !== undefined,
  );
}

/** The items of a sequence. */
export function itemsOf(dataset: DicomJson | undefined, tag: string): DicomJson[] {
  return (dataset?.[tag]?.Value ?? []).filter(
    (item): item is DicomJson => typeof item === 'object' && item !== null && !Array.isArray(item),
  );
}

/** The first item of a sequence. */
export function itemOf(dataset: DicomJson | undefined, tag: string): DicomJson | undefined {
  return itemsOf(dataset, tag)[0];
}

/** A functional group of a frame: its own, else the one all frames share (PS3.3 C.7.6.16). `frame` counts from 0. */
export function functionalGroup(dataset: DicomJson, groupTag: string, frame: number): DicomJson | undefined {
  const own = dataset['52009230']?.Value?.[frame] as DicomJson | undefined;
  return itemOf(own, groupTag) ?? itemOf(itemOf(dataset, '52009229'), groupTag);
}
