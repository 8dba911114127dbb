import { keywordToTag, tagToKeyword } from '#libs/dicom';

/** What workitems can be searched by (PS3.18 11.9, PS3.4 CC.2.8): our keys, by keyword. */
export const workitemKeys = [
  'SOPInstanceUID',
  'ProcedureStepState',
  'ScheduledProcedureStepPriority',
  'ProcedureStepLabel',
  'WorklistLabel',
  'PatientID',
  'StudyInstanceUID',
  'ScheduledWorkitemCodeSequence.CodeValue',
] as const;
export type WorkitemKey = (typeof workitemKeys)[number];

export interface WorkitemQuery {
  /** Each key with values of which one must fit; `*` and `?` are wildcards in texts. */
  match: { key: WorkitemKey; values: string[] }[];
  includesInput: boolean;
  limit: number;
  offset: number;
}

export class WorkitemQueryError extends Error {
  readonly code = 'invalid-workitem-query';
}

export const workitemLimits = { limitDefault: 100, limitMax: 1_000, offsetMax: 1_000_000, valuesMax: 100 } as const;

/** Both places a study stands in (the request it answers, its input) are the one study of the workitem. */
const aliases: Record<string, WorkitemKey> = {
  'ReferencedRequestSequence.StudyInstanceUID': 'StudyInstanceUID',
  'InputInformationSequence.StudyInstanceUID': 'StudyInstanceUID',
};

/** @throws WorkitemQueryError naming the parameter and what there is */
export function parseWorkitemQuery(raw: Record<string, unknown>): WorkitemQuery {
  const parsed: WorkitemQuery = {
    match: [],
    includesInput: false,
    limit: whole(raw, 'limit', workitemLimits.limitDefault, 1, workitemLimits.limitMax),
    offset: whole(raw, 'offset', 0, 0, workitemLimits.offsetMax),
  };
  for (const [name, given] of Object.entries(raw)) {
    if (['limit', 'offset', 'fuzzymatching'].includes(name)) continue;
    const texts = (Array.isArray(given) ? given : [given]).filter((text) => typeof text === 'string');
    if (name === 'includefield') {
      parsed.includesInput = texts
        .flatMap((text) => text.split(','))
        .some((field) => ['all', 'InputInformationSequence', '00404021'].includes(field.trim()));
      continue;
    }
    const key = keyOf(name);
    // UIDs in a list may be separated by backslashes too (PS3.4 C.2.2.2.2).
    const values = texts
      .flatMap((text) => text.split(/[,\\]/))
      .map((value) => value.trim())
      .filter((value) => value !== '');
    if (values.length > workitemLimits.valuesMax) {
      throw new WorkitemQueryError(`"${key}" has ${values.length} values; ${workitemLimits.valuesMax} are allowed.`);
    }
    // An empty value matches everything (universal matching).
    if (values.length > 0) parsed.match.push({ key, values });
  }
  return parsed;
}

/** `00741000`, `ProcedureStepState`, `00404018.00080100` and `ScheduledWorkitemCodeSequence.CodeValue` alike. */
function keyOf(name: string): WorkitemKey {
  const path = name
    .split('.')
    .map((part) => (/^[0-9A-Fa-f]{8}$/.test(part) ? (tagToKeyword(part.toUpperCase()) ?? part) : part))
    .map((part) => (keywordToTag(part) === undefined ? '?' : part))
    .join('.');
  const key = workitemKeys.find((known) => known === path) ?? aliases[path];
  if (key === undefined) {
    throw new WorkitemQueryError(
      `Workitems cannot be searched by "${name.slice(0, 80)}", only by ${workitemKeys.join(', ')}.`,
    );
  }
  return key;
}

function whole(raw: Record<string, unknown>, name: string, fallback: number, least: number, most: number): number {
  const text = raw[name];
  if (text === undefined || text === '') return fallback;
  const value = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new WorkitemQueryError(`"${name}" is a whole number from ${least} to ${most}.`);
  }
  return value;
}
