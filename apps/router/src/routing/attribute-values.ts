import { type DicomJson, keywordToTag } from '#libs/dicom';
import type { SeriesFacts, StudyFacts } from './study-facts.js';

/** What rules are asked of: a series, a study, or an item of a sequence. */
export interface AttributeValues {
  /** Values an attribute has, as text. A rule's condition holds when any of them fulfils it. */
  valuesOf(keyword: string): string[];
  /** Items a sequence has. */
  itemsOf(keyword: string): DicomJson[];
}

/** One series: its own attributes, else its first instance's, else the study's. */
export function seriesValues(study: StudyFacts, series: SeriesFacts): AttributeValues {
  const datasets = [series.attributes, series.sample, study.attributes];
  return {
    valuesOf: (keyword) => {
      switch (keyword) {
        case 'SOPClassUID':
          return series.sopClasses;
        case 'Modality':
          return series.modality === '' ? [] : [series.modality];
        case 'NumberOfSeriesRelatedInstances':
          return [String(series.numberOfInstances)];
        case 'NumberOfFrames':
          return [String(series.numberOfFrames)];
      }
      return studyCount(study, keyword) ?? firstOf(datasets, keyword, textsAt);
    },
    itemsOf: (keyword) => firstOf(datasets, keyword, itemsAt),
  };
}

/** The whole study: what it says itself and what any of its source series says. */
export function studyValues(study: StudyFacts): AttributeValues {
  const ofSeries = study.series.filter(({ isSource }) => isSource).map((series) => seriesValues(study, series));
  return {
    valuesOf: (keyword) => {
      const counted = studyCount(study, keyword);
      if (counted !== undefined) return counted;
      const own = textsAt(study.attributes, keyword.split('.'));
      return [...new Set([...own, ...ofSeries.flatMap((values) => values.valuesOf(keyword))])];
    },
    itemsOf: (keyword) => [
      ...itemsAt(study.attributes, keyword.split('.')),
      ...ofSeries.flatMap((values) => values.itemsOf(keyword)),
    ],
  };
}

/** An item of a sequence, by what it says itself. */
export function itemValues(item: DicomJson): AttributeValues {
  return {
    valuesOf: (keyword) => textsAt(item, keyword.split('.')),
    itemsOf: (keyword) => itemsAt(item, keyword.split('.')),
  };
}

function studyCount(study: StudyFacts, keyword: string): string[] | undefined {
  const sources = study.series.filter(({ isSource }) => isSource);
  switch (keyword) {
    case 'ModalitiesInStudy':
      return [...new Set(sources.map(({ modality }) => modality).filter((modality) => modality !== ''))];
    case 'SOPClassesInStudy':
      return [...new Set(sources.flatMap(({ sopClasses }) => sopClasses))];
    case 'NumberOfStudyRelatedSeries':
      return [String(sources.length)];
    case 'NumberOfStudyRelatedInstances':
      return [String(sources.reduce((sum, { numberOfInstances }) => sum + numberOfInstances, 0))];
    default:
      return undefined;
  }
}

function firstOf<T>(
  datasets: readonly (DicomJson | undefined)[],
  keyword: string,
  read: (dataset: DicomJson, path: string[]) => T[],
): T[] {
  const path = keyword.split('.');
  for (const dataset of datasets) {
    const values = dataset === undefined ? [] : read(dataset, path);
    if (values.length > 0) return values;
  }
  return [];
}

function textsAt(dataset: DicomJson, path: string[]): string[] {
  return valuesAt(dataset, path)
    .map(asText)
    .filter((text) => text !== '');
}

function itemsAt(dataset: DicomJson, path: string[]): DicomJson[] {
  return valuesAt(dataset, path).filter(isObject) as DicomJson[];
}

function valuesAt(dataset: DicomJson, [keyword = '', ...rest]: string[]): unknown[] {
  const values = dataset[keywordToTag(keyword) ?? keyword]?.Value ?? [];
  if (rest.length === 0) return values;
  return values.flatMap((item) => (isObject(item) ? valuesAt(item as DicomJson, rest) : []));
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  // A person's name (PS3.18 F.2.2); sequences have no text.
  if (isObject(value) && 'Alphabetic' in value) return String(value.Alphabetic);
  return '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
