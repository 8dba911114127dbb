/** One element of the DICOM JSON Model (PS3.18 Annex F), as it comes. */
export interface Element {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  BulkDataURI?: string;
}

export type Dataset = Record<string, Element>;

export function isDataset(value: unknown): value is Dataset {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((element) => typeof (element as Element | null)?.vr === 'string')
  );
}

export const firstValue = (dataset: Dataset, tag: string): unknown => dataset[tag]?.Value?.[0];

export const firstText = (dataset: Dataset, tag: string): string => String(firstValue(dataset, tag) ?? '');

export function itemsOf(dataset: Dataset, tag: string): Dataset[] {
  return (dataset[tag]?.Value ?? []) as Dataset[];
}

/** Every element with the place it has, those in sequences too. */
export function* elementsOf(dataset: Dataset, place = ''): Generator<{ place: string; tag: string; element: Element }> {
  for (const [tag, element] of Object.entries(dataset)) {
    yield { place: `${place}${tag}`, tag, element };
    if (element.vr !== 'SQ') continue;
    for (const [index, item] of (element.Value ?? []).entries()) {
      if (isDataset(item)) yield* elementsOf(item, `${place}${tag}[${index}].`);
    }
  }
}
