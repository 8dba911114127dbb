import type { DicomJson } from '#libs/dicom';

// Patient and General Study modules: type 2 attributes are there even when the source has none.
const carriedOver: [tag: string, vr: string][] = [
  ['00080020', 'DA'],
  ['00080030', 'TM'],
  ['00080050', 'SH'],
  ['00080090', 'PN'],
  ['00100010', 'PN'],
  ['00100020', 'LO'],
  ['00100030', 'DA'],
  ['00100040', 'CS'],
  ['00200010', 'SH'],
];
const carriedOverIfPresent = ['00081030', '00100021', '00101010'];

/** What an object says of its patient and study, as the instance says it that it is about. */
export function patientAndStudy(source: DicomJson): DicomJson {
  const copied: DicomJson = {};
  for (const [tag, vr] of carriedOver) copied[tag] = source[tag] ?? { vr };
  for (const tag of carriedOverIfPresent) if (source[tag] !== undefined) copied[tag] = source[tag];
  return copied;
}
