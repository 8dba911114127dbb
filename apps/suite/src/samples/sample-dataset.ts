import { type DicomJson, keywordToTag, tagVr, uidFromHash } from '#libs/dicom';

/** By DICOM keyword: a value, several, or items of a sequence; an empty list writes the attribute without a value. */
export type Attributes = { [keyword: string]: Value | readonly Value[] };
export type Value = string | number | Uint8Array | Attributes;

/**
 * DICOM JSON from attributes by keyword; the dictionary gives tags and value representations.
 *
 * @throws Error when a keyword is not in the dictionary
 */
export function toDicomJson(attributes: Attributes): DicomJson {
  const dataset: DicomJson = {};
  for (const [keyword, value] of Object.entries(attributes)) {
    const tag = keywordToTag(keyword);
    const vr = tag === undefined ? undefined : tagVr(tag);
    if (tag === undefined || vr === undefined) throw new Error(`No DICOM attribute has the keyword ${keyword}`);
    const values = Array.isArray(value) ? (value as readonly Value[]) : [value as Value];
    dataset[tag] = { vr: vrOf(vr, values), Value: values.map((one) => toValue(one, vr)) };
  }
  return dataset;
}

/** Where the dictionary leaves a choice ("US or SS", "OB or OW"), what the value is decides. */
function vrOf(vr: string, values: readonly Value[]): string {
  if (vr.length === 2 && vr !== 'ox' && vr !== 'xs') return vr;
  if (values.some((value) => value instanceof Uint8Array)) return 'OW';
  return values.some((value) => typeof value === 'number' && value < 0) ? 'SS' : 'US';
}

function toValue(value: Value, vr: string): unknown {
  if (vr === 'PN') return { Alphabetic: value };
  return typeof value === 'object' && !(value instanceof Uint8Array) ? toDicomJson(value) : value;
}

/** A code as a sequence item (PS3.3 8.8). */
export function code(value: string, scheme: string, meaning: string): Attributes {
  return { CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning };
}

export const syntheticComment = 'Synthetic phantom, not a patient';

export interface SampleDescription {
  /** 1, 2, 3: the patient is ISOCENTER-SAMPLE-n. */
  number: number;
  /** The part after `Sample^` in the patient's name. */
  name: string;
  modality: string;
  /** Follows "SAMPLE " in the study's description. */
  description: string;
  seriesDescription: string;
  /** Years. */
  age: number;
  sex: 'F' | 'M';
  /** HHMMSS on the day all samples were acquired. */
  time: string;
}

/** All samples bear one fixed day: sent twice, they are the same bytes. */
export const sampleDate = '20250115';

/** A UID of a sample's, the same each time it is made. */
export function sampleUid(sample: SampleDescription, what: string): string {
  return uidFromHash(`isocenter sample ${sample.number} ${what}`);
}

/** What all instances of a sample share: patient, study, series, equipment (PS3.3 C.7.1 to C.7.5). */
export function sampleAttributes(sample: SampleDescription): Attributes {
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    InstanceCreationDate: sampleDate,
    InstanceCreationTime: sample.time,
    StudyDate: sampleDate,
    SeriesDate: sampleDate,
    ContentDate: sampleDate,
    StudyTime: sample.time,
    SeriesTime: sample.time,
    ContentTime: sample.time,
    AccessionNumber: `SAMPLE-${sample.number}`,
    Modality: sample.modality,
    Manufacturer: 'Isocenter',
    InstitutionName: 'Isocenter samples',
    ReferringPhysicianName: [],
    StudyDescription: `SAMPLE ${sample.description}`,
    SeriesDescription: sample.seriesDescription,
    ManufacturerModelName: 'Phantom generator',
    PatientName: `Sample^${sample.name}`,
    PatientID: `ISOCENTER-SAMPLE-${sample.number}`,
    PatientBirthDate: `${Number(sampleDate.slice(0, 4)) - sample.age}0101`,
    PatientSex: sample.sex,
    PatientAge: `${String(sample.age).padStart(3, '0')}Y`,
    PatientComments: syntheticComment,
    DeviceSerialNumber: 'PHANTOM-1',
    SoftwareVersions: '1',
    StudyInstanceUID: sampleUid(sample, 'study'),
    SeriesInstanceUID: sampleUid(sample, 'series'),
    StudyID: `SAMPLE-${sample.number}`,
    SeriesNumber: 1,
  };
}
