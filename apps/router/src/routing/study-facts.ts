import type { DicomJson } from '#libs/dicom';

/** What routing knows of a series: what the index keeps and the metadata of one of its instances. */
export interface SeriesFacts {
  seriesInstanceUid: string;
  modality: string;
  sopClasses: string[];
  numberOfInstances: number;
  /** Frames over all instances; an instance without frames counts as one. */
  numberOfFrames: number;
  /** Series attributes as QIDO-RS gives them. */
  attributes: DicomJson;
  /** Metadata of the series' first instance; undefined where it is too large to be worth reading. */
  sample: DicomJson | undefined;
  /** false: a statement about images rather than images (see {@link isSource}); it triggers no model. */
  isSource: boolean;
}

export interface StudyFacts {
  studyKey: number;
  studyInstanceUid: string;
  /** When its first instance was stored. */
  arrivedAt: Date;
  /** Since the last source instance was stored, by the database's clock. */
  secondsSinceLastReceived: number;
  /** Over the SHA-256 of the source instances, sorted: another set of instances is another digest. */
  inputDigest: string;
  /** Study attributes as QIDO-RS gives them. */
  attributes: DicomJson;
  series: SeriesFacts[];
}

/** Modalities whose instances speak of other instances. */
const derivedModalities = new Set(['SR', 'SEG', 'KO', 'PR', 'DOC']);

/** Storage classes of the same kind, whatever Modality says: SR, KO and CAD documents; segmentations; presentation states; encapsulated documents. */
const derivedSopClasses = [
  '1.2.840.10008.5.1.4.1.1.88.',
  '1.2.840.10008.5.1.4.1.1.66.4',
  '1.2.840.10008.5.1.4.1.1.66.5',
  '1.2.840.10008.5.1.4.1.1.66.7',
  '1.2.840.10008.5.1.4.1.1.11.',
  '1.2.840.10008.5.1.4.1.1.104.',
];

/**
 * Whether models may look at a series. Reports, segmentations, key objects and presentation states never trigger one:
 * these are what we and others make of a study, and routing them would go in circles.
 */
export function isSource(modality: string, sopClasses: readonly string[]): boolean {
  if (derivedModalities.has(modality.trim().toUpperCase())) return false;
  if (sopClasses.length === 0) return true;
  return sopClasses.some((uid) => !derivedSopClasses.some((derived) => isWithin(uid, derived)));
}

/** A family ends in a dot; anything else names one class. */
function isWithin(uid: string, family: string): boolean {
  return family.endsWith('.') ? uid.startsWith(family) : uid === family;
}
