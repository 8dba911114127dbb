export type SearchLevel = 'study' | 'series' | 'instance';

/** An attribute that searches can match on. */
export interface SearchAttribute {
  /** GGGGEEEE, or sequence and element joined by a dot. */
  path: string;
  keyword: string;
  vr: 'AE' | 'CS' | 'DA' | 'IS' | 'LO' | 'PN' | 'SH' | 'TM' | 'UI' | 'US';
  /** Whose attribute it is. Searches at that level and below can match on it (relational queries). */
  level: SearchLevel;
  /** Code strings of which any may match; a comma cannot be part of a CS value, so it separates them. */
  isAnyOf?: true;
}

/** PS3.18 tables 10.6.1-5 (required matching attributes), and the columns that the index has besides. */
export const searchAttributes: readonly SearchAttribute[] = [
  { path: '00080020', keyword: 'StudyDate', vr: 'DA', level: 'study' },
  { path: '00080030', keyword: 'StudyTime', vr: 'TM', level: 'study' },
  { path: '00080050', keyword: 'AccessionNumber', vr: 'SH', level: 'study' },
  { path: '00080061', keyword: 'ModalitiesInStudy', vr: 'CS', level: 'study', isAnyOf: true },
  { path: '00080062', keyword: 'SOPClassesInStudy', vr: 'UI', level: 'study' },
  { path: '00080090', keyword: 'ReferringPhysicianName', vr: 'PN', level: 'study' },
  { path: '00081030', keyword: 'StudyDescription', vr: 'LO', level: 'study' },
  { path: '00100010', keyword: 'PatientName', vr: 'PN', level: 'study' },
  { path: '00100020', keyword: 'PatientID', vr: 'LO', level: 'study' },
  { path: '00100021', keyword: 'IssuerOfPatientID', vr: 'LO', level: 'study' },
  { path: '00100030', keyword: 'PatientBirthDate', vr: 'DA', level: 'study' },
  { path: '00100040', keyword: 'PatientSex', vr: 'CS', level: 'study' },
  { path: '0020000D', keyword: 'StudyInstanceUID', vr: 'UI', level: 'study' },
  { path: '00200010', keyword: 'StudyID', vr: 'SH', level: 'study' },

  { path: '00080060', keyword: 'Modality', vr: 'CS', level: 'series', isAnyOf: true },
  { path: '0008103E', keyword: 'SeriesDescription', vr: 'LO', level: 'series' },
  { path: '00180015', keyword: 'BodyPartExamined', vr: 'CS', level: 'series' },
  { path: '0020000E', keyword: 'SeriesInstanceUID', vr: 'UI', level: 'series' },
  { path: '00200011', keyword: 'SeriesNumber', vr: 'IS', level: 'series' },
  { path: '00400244', keyword: 'PerformedProcedureStepStartDate', vr: 'DA', level: 'series' },
  { path: '00400245', keyword: 'PerformedProcedureStepStartTime', vr: 'TM', level: 'series' },
  {
    path: '00400275.00400009',
    keyword: 'RequestAttributesSequence.ScheduledProcedureStepID',
    vr: 'SH',
    level: 'series',
  },
  { path: '00400275.00401001', keyword: 'RequestAttributesSequence.RequestedProcedureID', vr: 'SH', level: 'series' },

  { path: '00080016', keyword: 'SOPClassUID', vr: 'UI', level: 'instance' },
  { path: '00080018', keyword: 'SOPInstanceUID', vr: 'UI', level: 'instance' },
  { path: '00200013', keyword: 'InstanceNumber', vr: 'IS', level: 'instance' },
  { path: '00280008', keyword: 'NumberOfFrames', vr: 'IS', level: 'instance' },
  { path: '00280010', keyword: 'Rows', vr: 'US', level: 'instance' },
  { path: '00280011', keyword: 'Columns', vr: 'US', level: 'instance' },
  { path: '00280100', keyword: 'BitsAllocated', vr: 'US', level: 'instance' },
];

const byName = new Map<string, SearchAttribute>();
const tagOfKeyword = new Map<string, string>();
for (const attribute of searchAttributes) {
  const tags = attribute.path.split('.');
  attribute.keyword.split('.').forEach((keyword, at) => tagOfKeyword.set(keyword.toLowerCase(), tags[at]!));
  byName.set(attribute.path, attribute);
}

/**
 * Finds an attribute by how a query names it: keywords or tags in any case, or a mixture, e.g. `PatientName`, `0020000d`,
 * `RequestAttributesSequence.00400009`.
 * @returns undefined when searches at this level cannot match on it
 */
export function findSearchAttribute(name: string, level: SearchLevel): SearchAttribute | undefined {
  const path = name
    .split('.')
    .map((step) => tagOfKeyword.get(step.toLowerCase()) ?? step.toUpperCase())
    .join('.');
  const attribute = byName.get(path);
  return attribute !== undefined && depth[attribute.level] <= depth[level] ? attribute : undefined;
}

const depth: Record<SearchLevel, number> = { study: 0, series: 1, instance: 2 };
