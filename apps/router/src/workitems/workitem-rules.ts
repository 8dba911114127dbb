import { type DicomJson, jsonItems, jsonText, tagToKeyword } from '#libs/dicom';
import { parseDicomDateTime, upsSopClassUid, type WorkitemKind } from '#libs/workitems';

/*
 * What a UPS must and may say (PS3.4 table CC.2.5-3). Each function gives problems in sentences, none when all is well.
 */

/** Type 1 of N-CREATE: without them there is no workitem. */
const required = ['00404005', '00404041', '00741000', '00741200', '00741204'];

/** Type 2 of N-CREATE: what a sender leaves out is put there without a value. */
const emptyWhenAbsent: [tag: string, vr: string][] = [
  ['00081080', 'LO'],
  ['00081084', 'SQ'],
  ['00100010', 'PN'],
  ['00100020', 'LO'],
  ['00100030', 'DA'],
  ['00100040', 'CS'],
  ['00101002', 'SQ'],
  ['0020000D', 'UI'],
  ['00380010', 'LO'],
  ['00380014', 'SQ'],
  ['00400400', 'LT'],
  ['00404018', 'SQ'],
  ['00404021', 'SQ'],
  ['00404025', 'SQ'],
  ['00404026', 'SQ'],
  ['00404027', 'SQ'],
  ['0040A370', 'SQ'],
  ['00741002', 'SQ'],
  ['00741210', 'SQ'],
  ['00741216', 'SQ'],
];

/** Code Sequences: each item names a code. */
const codeSequences = ['00081084', '00404018', '00404025', '00404026', '00404027'];

const enumerated: Record<string, string[]> = {
  '00404041': ['READY', 'INCOMPLETE', 'UNAVAILABLE'],
  '00741200': ['HIGH', 'MEDIUM', 'LOW'],
};
const dateTimes = ['00404005', '00404008', '00404011'];

/** Columns of the row, or kept by the server alone. */
const notInDataset = ['00080016', '00080018', '00081195', '00404010', '00404011', '00741000', '00741200'];

const progress = '00741002';
const performed = '00741216';

/** @returns what is wrong with a dataset that is to become a workitem */
export function problemsOfNew(dataset: DicomJson): string[] {
  const problems = required.filter((tag) => !hasValue(dataset, tag)).map((tag) => `${name(tag)} is missing.`);
  const state = jsonText(dataset, '00741000');
  if (state !== undefined && state !== 'SCHEDULED') {
    problems.push(`${name('00741000')} is SCHEDULED when a workitem is made, not "${state.slice(0, 16)}".`);
  }
  if (hasValue(dataset, '00081195')) {
    problems.push(`${name('00081195')} has no value until somebody claims the workitem.`);
  }
  const sopClass = jsonText(dataset, '00080016') ?? jsonText(dataset, '00000002');
  if (sopClass !== undefined && sopClass !== upsSopClassUid) {
    problems.push(
      `${name('00080016')} is ${upsSopClassUid} (Unified Procedure Step - Push), not "${sopClass.slice(0, 64)}".`,
    );
  }
  for (const tag of [progress, performed]) {
    if (hasValue(dataset, tag)) problems.push(`${name(tag)} has no items until somebody performs the workitem.`);
  }
  jsonItems(dataset, '0040A370').forEach((item, index) => {
    if (!hasValue(item, '0020000D'))
      problems.push(`Item ${index + 1} of ${name('0040A370')} lacks ${name('0020000D')}.`);
  });
  jsonItems(dataset, '00741224').forEach((item, index) => {
    for (const tag of ['00081150', '00081155']) {
      if (!hasValue(item, tag)) problems.push(`Item ${index + 1} of ${name('00741224')} lacks ${name(tag)}.`);
    }
  });
  return [...problems, ...problemsOfValues(dataset)];
}

/** As it is kept, and whether anything was put in that the sender did not say. @param worklist where it says none */
export function toNewDataset(dataset: DicomJson, worklist: string): { dataset: DicomJson; isModified: boolean } {
  const kept = toKept(dataset);
  let isModified = false;
  for (const [tag, vr] of emptyWhenAbsent) {
    if (kept[tag] !== undefined) continue;
    kept[tag] = { vr };
    isModified = true;
  }
  // Type 2 of the sender, type 1 of who keeps the worklist.
  if (!hasValue(kept, '00741202')) {
    kept['00741202'] = { vr: 'LO', Value: [worklist] };
    isModified = true;
  }
  return { dataset: kept, isModified };
}

/** Without what is no part of the dataset of a row. */
export function toKept(dataset: DicomJson): DicomJson {
  return Object.fromEntries(
    Object.entries(dataset).filter(([tag]) => !notInDataset.includes(tag) && !tag.startsWith('0000')),
  );
}

/** Never changed after creation: what the workitem is, whose it is, and why it is. */
const fixed = [
  '00080016',
  '00080018',
  '00081080',
  '00081084',
  '00100010',
  '00100020',
  '00100021',
  '00100024',
  '00100030',
  '00100040',
  '00380010',
  '00380014',
  '00404010',
  '0040A370',
  '00741000',
  '00741224',
];
/** Of tasks of the suite's own: kept by routing, which would write over them. */
const keptByRouting = ['0020000D', '00404018', '00404021', '00741200', '00741202', '00741204', '00741210'];
/** May be left alone, but not emptied. */
const notEmptied = ['00404005', '00404018', '00404041', '00741200', '00741202', '00741204'];

/** @returns why a dataset is no change to a workitem, and which attributes may not be changed */
export function problemsOfUpdate(dataset: DicomJson, kind: WorkitemKind): { problems: string[]; refused: string[] } {
  const given = Object.keys(dataset).filter((tag) => tag !== '00081195' && !tag.startsWith('0000'));
  const refused = given.filter((tag) => fixed.includes(tag) || (kind !== 'other' && keptByRouting.includes(tag)));
  const problems = refused.map((tag) =>
    fixed.includes(tag)
      ? `${name(tag)} cannot be changed.`
      : `${name(tag)} of a task that this server made itself cannot be changed.`,
  );
  for (const tag of notEmptied) {
    if (given.includes(tag) && !hasValue(dataset, tag)) problems.push(`${name(tag)} cannot be emptied.`);
  }
  if (given.length === 0) problems.push('The body names no attribute to change.');
  return { problems: [...problems, ...problemsOfValues(dataset)], refused };
}

/** Whether a dataset says what only a performer can. */
export function isPerformersWord(dataset: DicomJson): boolean {
  return hasValue(dataset, progress) || hasValue(dataset, performed);
}

/** @returns what a workitem lacks to be COMPLETED (Final State code P) */
export function problemsOfCompletion(dataset: DicomJson): string[] {
  const items = jsonItems(dataset, performed);
  if (items.length === 0) return [`${name(performed)} is missing.`];
  return items.flatMap((item, index) => {
    const lacking = ['00404019', '00404028', '00404050', '00404051'].filter((tag) => !hasValue(item, tag));
    if (item['00404033'] === undefined) lacking.push('00404033');
    return lacking.map((tag) => `Item ${index + 1} of ${name(performed)} lacks ${name(tag)}.`);
  });
}

/** Why its performer canceled a workitem, as it said in its progress. */
export function discontinuationReason(dataset: DicomJson): string | undefined {
  const said = jsonItems(dataset, progress)[0] ?? {};
  return jsonText(said, '00741238') ?? jsonText(jsonItems(said, '0074100E')[0] ?? {}, '00080104');
}

/** Every study the workitem speaks of. */
export function studiesOf(dataset: DicomJson): string[] {
  const items = [dataset, ...jsonItems(dataset, '0040A370'), ...jsonItems(dataset, '00404021')];
  return [...new Set(items.map((item) => jsonText(item, '0020000D')).filter((uid) => uid !== undefined))];
}

function problemsOfValues(dataset: DicomJson): string[] {
  const problems: string[] = [];
  for (const [tag, allowed] of Object.entries(enumerated)) {
    const value = jsonText(dataset, tag);
    if (value !== undefined && !allowed.includes(value)) {
      problems.push(`${name(tag)} is ${allowed.join(', ')}, not "${value.slice(0, 16)}".`);
    }
  }
  for (const tag of dateTimes) {
    const value = jsonText(dataset, tag);
    if (value !== undefined && parseDicomDateTime(value) === undefined) {
      problems.push(`${name(tag)} is a date and time such as 20260131153000+0100, not "${value.slice(0, 40)}".`);
    }
  }
  for (const tag of codeSequences) {
    jsonItems(dataset, tag).forEach((item, index) => {
      const hasCode = ['00080100', '00080119', '00080120'].some((code) => hasValue(item, code));
      if (!hasCode) problems.push(`Item ${index + 1} of ${name(tag)} lacks ${name('00080100')}.`);
      if (!hasValue(item, '00080104')) problems.push(`Item ${index + 1} of ${name(tag)} lacks ${name('00080104')}.`);
    });
  }
  return problems;
}

function hasValue(dataset: DicomJson, tag: string): boolean {
  const first = dataset[tag]?.Value?.[0];
  return first !== undefined && first !== null && first !== '';
}

/** `ProcedureStepState (0074,1000)`. */
function name(tag: string): string {
  return `${tagToKeyword(tag) ?? 'Private element'} (${tag.slice(0, 4)},${tag.slice(4)})`;
}
