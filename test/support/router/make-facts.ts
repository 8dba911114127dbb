import { type DicomJson, keywordToTag, tagVr } from '#libs/dicom';
import { isSource, type SeriesFacts, type StudyFacts } from '../../../apps/router/src/routing/study-facts.js';

/** DICOM JSON from keywords: `dataset({ BodyPartExamined: 'CHEST', ImageType: ['ORIGINAL', 'PRIMARY'] })`. */
export function dataset(attributes: Record<string, unknown>): DicomJson {
  return Object.fromEntries(
    Object.entries(attributes).map(([keyword, value]) => {
      const tag = keywordToTag(keyword);
      if (tag === undefined) throw new Error(`${keyword} is no DICOM keyword`);
      return [tag, { vr: tagVr(tag) ?? 'UN', Value: Array.isArray(value) ? value : [value] }];
    }),
  );
}

export const sopClass = {
  ct: '1.2.840.10008.5.1.4.1.1.2',
  mr: '1.2.840.10008.5.1.4.1.1.4',
  us: '1.2.840.10008.5.1.4.1.1.3.1',
  xa: '1.2.840.10008.5.1.4.1.1.12.1',
  secondaryCapture: '1.2.840.10008.5.1.4.1.1.7',
  ecg12: '1.2.840.10008.5.1.4.1.1.9.1.1',
  ecgGeneral: '1.2.840.10008.5.1.4.1.1.9.1.2',
  hemodynamic: '1.2.840.10008.5.1.4.1.1.9.2.1',
  wholeSlide: '1.2.840.10008.5.1.4.1.1.77.1.6',
  comprehensiveSr: '1.2.840.10008.5.1.4.1.1.88.33',
  comprehensive3dSr: '1.2.840.10008.5.1.4.1.1.88.34',
  keyObjects: '1.2.840.10008.5.1.4.1.1.88.59',
  segmentation: '1.2.840.10008.5.1.4.1.1.66.4',
  presentationState: '1.2.840.10008.5.1.4.1.1.11.1',
  pdf: '1.2.840.10008.5.1.4.1.1.104.1',
} as const;

export interface SeriesDescription {
  modality?: string;
  sopClasses?: string[];
  instances?: number;
  frames?: number;
  /** Series attributes, by keyword. */
  attributes?: Record<string, unknown>;
  /** Attributes of its first instance, by keyword. */
  sample?: Record<string, unknown>;
}

/** Facts of a study as if read from the index; one CT series when nothing is said. */
export function makeFacts(
  series: SeriesDescription[] = [{}],
  study: { attributes?: Record<string, unknown>; secondsSinceLastReceived?: number } = {},
): StudyFacts {
  return {
    studyKey: 1,
    studyInstanceUid: '1.2.3',
    arrivedAt: new Date('2026-01-31T10:00:00Z'),
    secondsSinceLastReceived: study.secondsSinceLastReceived ?? 0,
    inputDigest: '0'.repeat(64),
    attributes: dataset(study.attributes ?? {}),
    series: series.map(makeSeries),
  };
}

function makeSeries(description: SeriesDescription, index: number): SeriesFacts {
  const modality = description.modality ?? 'CT';
  const sopClasses = description.sopClasses ?? [sopClass.ct];
  const numberOfInstances = description.instances ?? 10;
  return {
    seriesInstanceUid: `1.2.3.${index + 1}`,
    modality,
    sopClasses,
    numberOfInstances,
    numberOfFrames: description.frames ?? numberOfInstances,
    attributes: dataset({ Modality: modality, SeriesNumber: index + 1, ...description.attributes }),
    sample: description.sample && dataset(description.sample),
    isSource: isSource(modality, sopClasses),
  };
}
