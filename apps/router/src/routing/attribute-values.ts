import { type DicomJson, keywordToTag } from '#libs/dicom';
import type { SeriesFacts, StudyFacts } from './study-facts.js';

/** Values an attribute has, as text. A rule's condition holds when any of them fulfils it. */
export type AttributeValues = (keyword: string) => string[];

/** One series: its own attributes, else its first instance's, else the study's. */
export function seriesValues(study: StudyFacts, series: SeriesFacts): AttributeValues {
  return (keyword) => {
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
    const counted = studyCount(study, keyword);
    if (counted !== undefined) return counted;
    const path = keyword.split('.');
    for (const dataset of [series.attributes, series.sample, study.attributes]) {
      const values = dataset === undefined ? [] : valuesAt(dataset, path);
      if (values.length > 0) return values;
    }
    return [];
  };
}

/** The whole study: what it says itself and what any of its source series says. */
export function studyValues(study: StudyFacts): AttributeValues {
  const ofSeries = study.series.filter(({ isSource }) => isSource).map((series) => seriesValues(study, series));
  return (keyword) => {
    const counted = studyCount(study, keyword);
    if (counted !== undefined) return counted;
    const own = valuesAt(study.attributes, keyword.split('.'));
    return [...new Set([...own, ...ofSeries.flatMap((values) => values(keyword))])];
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

function valuesAt(dataset: DicomJson, [keyword = '', ...rest]: string[]): string[] {
  const tag = keywordToTag(keyword);
  const values = (tag === undefined ? undefined : dataset[tag]?.Value) ?? [];
  if (rest.length > 0) {
    return values.flatMap((item) => (isObject(item) ? valuesAt(item as DicomJson, rest) : []));
  }
  return values.map(asText).filter((text) => text !== '');
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
