import {
  type DicomJson,
  type DicomJsonMember,
  joinMembers,
  jsonNumber,
  jsonPersonName,
  jsonText,
  stringifyMembers,
} from '#libs/dicom';
import { seriesAttributes, studyAttributes } from './level-attributes.js';

/**
 * The columns of `study`, `series` and `instance` that follow from a dataset, named as they are in the tables. Their texts
 * share the dataset's members, of which each is made once.
 */

export type StudyColumns = ReturnType<typeof studyColumns>;
export type SeriesColumns = ReturnType<typeof seriesColumns>;
export type InstanceColumns = ReturnType<typeof instanceColumns>;

export function studyColumns(dataset: DicomJson, members = stringifyMembers(dataset)) {
  return {
    study_date: text(dataset, '00080020'),
    study_time: text(dataset, '00080030'),
    accession_number: text(dataset, '00080050'),
    referring_physician_name: personName(dataset, '00080090'),
    study_description: text(dataset, '00081030'),
    study_id: text(dataset, '00200010'),
    patient_name: personName(dataset, '00100010'),
    patient_id: text(dataset, '00100020'),
    issuer_of_patient_id: text(dataset, '00100021'),
    patient_birth_date: text(dataset, '00100030'),
    patient_sex: text(dataset, '00100040'),
    attributes: textOf(members, studyAttributes),
  };
}

export function seriesColumns(dataset: DicomJson, members = stringifyMembers(dataset)) {
  return {
    modality: text(dataset, '00080060'),
    series_number: integer(dataset, '00200011'),
    series_description: text(dataset, '0008103E'),
    body_part_examined: text(dataset, '00180015'),
    performed_procedure_step_start_date: text(dataset, '00400244'),
    performed_procedure_step_start_time: text(dataset, '00400245'),
    attributes: textOf(members, seriesAttributes),
  };
}

export function instanceColumns(
  dataset: DicomJson,
  transferSyntaxUid: string,
  members = instanceMembers(dataset, transferSyntaxUid),
) {
  return {
    instance_number: integer(dataset, '00200013'),
    rows: integer(dataset, '00280010'),
    columns: integer(dataset, '00280011'),
    bits_allocated: integer(dataset, '00280100'),
    number_of_frames: integer(dataset, '00280008'),
    dicom_json: joinMembers(members),
  };
}

/** Group 2 is not part of metadata: Available Transfer Syntax UID (0008,3002) says it instead. */
export function instanceMembers(dataset: DicomJson, transferSyntaxUid: string): DicomJsonMember[] {
  return stringifyMembers({ ...dataset, '00083002': { vr: 'UI', Value: [transferSyntaxUid] } });
}

const textOf = (members: readonly DicomJsonMember[], tags: ReadonlySet<string>) =>
  joinMembers(members.filter(([tag]) => tags.has(tag)));

// An index entry has at most 2,704 bytes, and a character of UTF-8 up to 4. The standard's longest of these has 194.
const indexedCharactersMax = 512;

/** For the index only, which cannot hold a NUL nor what is very long; the metadata has it all. */
function indexable(value: string): string | null {
  const held = value.replaceAll('\0', '').slice(0, indexedCharactersMax).toWellFormed();
  return held === '' ? null : held;
}

function text(dataset: DicomJson, tag: string): string | null {
  return indexable(jsonText(dataset, tag) ?? '');
}

/** All component groups, as the dataset had them: searches match any. */
function personName(dataset: DicomJson, tag: string): string | null {
  const name = jsonPersonName(dataset, tag);
  if (name === undefined) return null;
  const groups = [name.Alphabetic, name.Ideographic, name.Phonetic].map((group) => group ?? '');
  return indexable(groups.join('=').replace(/=+$/, ''));
}

const int4Max = 2 ** 31 - 1;

/** Numbers beyond the column (they occur in broken headers) stay in the metadata and out of the index. */
function integer(dataset: DicomJson, tag: string): number | null {
  const value = jsonNumber(dataset, tag);
  return value !== undefined && Number.isInteger(value) && Math.abs(value) <= int4Max ? value : null;
}
