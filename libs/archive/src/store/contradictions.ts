import type { StudyColumns } from './index-rows.js';
import type { ReceivedInstance } from './receive-part.js';

/** Columns of `study` by which instances show that they do not belong together. */
export const identity = [
  'patient_id',
  'issuer_of_patient_id',
  'patient_name',
  'patient_birth_date',
  'patient_sex',
  'accession_number',
  'study_id',
] as const satisfies (keyof StudyColumns)[];

/**
 * What an instance leaves out contradicts nothing: reports and measurements often say less.
 * @param rows of the instances' studies
 * @returns SOP Instance UIDs of those that say something else than their study's row
 */
export function contradictions(
  instances: readonly ReceivedInstance[],
  rows: readonly (Pick<StudyColumns, (typeof identity)[number]> & { study_instance_uid: string })[],
): Set<string> {
  const kept = new Map(rows.map((row) => [row.study_instance_uid, row]));
  const contradicting = instances.filter(({ study, studyInstanceUid }) =>
    identity.some((column) => study[column] !== null && study[column] !== kept.get(studyInstanceUid)?.[column]),
  );
  return new Set(contradicting.map((instance) => instance.sopInstanceUid));
}
