import { keywordToTag, tagToKeyword, tagVr } from '#libs/dicom';
import { dicomPeriod } from './dicom-date-time.js';

/** One matching key: an attribute, or one of a sequence's items, with values of which one must fit. */
export interface WorkitemMatch {
  /** Keywords separated by dots, e.g. `ScheduledWorkitemCodeSequence.CodeValue`. */
  key: string;
  /** Texts with `*` and `?` as wildcards; of dates and times single values and ranges (PS3.4 C.2.2.2). */
  values: string[];
}

/** What workitems are searched by (PS3.18 11.9, PS3.4 CC.2.8). */
export interface WorkitemQuery {
  match: WorkitemMatch[];
  includesInput: boolean;
  limit: number;
  offset: number;
}

export class WorkitemQueryError extends Error {
  readonly code = 'invalid-workitem-query';
}

export const workitemLimits = { limitDefault: 100, limitMax: 1_000, offsetMax: 1_000_000, valuesMax: 100 } as const;
/** Sequences in sequences: no key of the UPS needs more. */
const pathLengthMax = 4;

/** All places a study stands in (the request it answers, its input) are the one study of the workitem. */
const aliases: Record<string, string> = {
  'ReferencedRequestSequence.StudyInstanceUID': 'StudyInstanceUID',
  'InputInformationSequence.StudyInstanceUID': 'StudyInstanceUID',
};

/** @throws WorkitemQueryError naming the parameter and what would be right */
export function parseWorkitemQuery(raw: Record<string, unknown>): WorkitemQuery {
  const parsed: WorkitemQuery = {
    match: [],
    includesInput: false,
    limit: whole(raw, 'limit', workitemLimits.limitDefault, 1, workitemLimits.limitMax),
    offset: whole(raw, 'offset', 0, 0, workitemLimits.offsetMax),
  };
  for (const [name, given] of Object.entries(raw)) {
    if (['limit', 'offset', 'fuzzymatching', 'accept', 'charset'].includes(name)) continue;
    const texts = (Array.isArray(given) ? given : [given]).filter((text) => typeof text === 'string');
    if (name === 'includefield') {
      parsed.includesInput = texts
        .flatMap((text) => text.split(','))
        .some((field) => ['all', 'InputInformationSequence', '00404021'].includes(field.trim()));
      continue;
    }
    const match = parseWorkitemMatch(name, texts);
    // An empty value matches everything (universal matching).
    if (match.values.length > 0) parsed.match.push(match);
  }
  return parsed;
}

/** @throws WorkitemQueryError when workitems cannot be matched by that */
export function parseWorkitemMatch(name: string, texts: string[]): WorkitemMatch {
  const key = keyOf(name);
  // UIDs in a list may be separated by backslashes too (PS3.4 C.2.2.2.2).
  const values = texts
    .flatMap((text) => text.split(/[,\\]/))
    .map((value) => value.trim())
    .filter((value) => value !== '');
  if (values.length > workitemLimits.valuesMax) {
    throw new WorkitemQueryError(`"${key}" has ${values.length} values; ${workitemLimits.valuesMax} are allowed.`);
  }
  if (vrOf(key) === 'DT') for (const value of values) periodOf(key, value);
  return { key, values };
}

/** The VR of the attribute that is compared. */
export function vrOf(key: string): string {
  return tagVr(tagsOf(key).at(-1)!) ?? 'UN';
}

/** `GGGGEEEE` of each step. */
export function tagsOf(key: string): string[] {
  return key.split('.').map((keyword) => keywordToTag(keyword) ?? '');
}

/**
 * A DT value or range as the time it covers (PS3.4 C.2.2.2.5).
 * @throws WorkitemQueryError
 */
export function periodOf(key: string, value: string): { from: Date | null; until: Date | null } {
  const single = dicomPeriod(value);
  if (single !== undefined) return { from: single.start, until: single.end };
  const range = /^([\d.]+(?:[+-]\d{4})?)?-([\d.]+(?:[+-]\d{4})?)?$/.exec(value);
  const [from, until] = [range?.[1], range?.[2]].map((text) => (text === undefined ? null : dicomPeriod(text)));
  if (range === null || from === undefined || until === undefined || (from === null && until === null)) {
    throw new WorkitemQueryError(
      `"${key}" is a date and time such as 20260131 or 202601311530+0100, or a range such as 20260101-20260131, not "${value.slice(0, 40)}".`,
    );
  }
  return { from: from?.start ?? null, until: until?.end ?? null };
}

/** `00741000`, `ProcedureStepState`, `00404018.00080100` and `ScheduledWorkitemCodeSequence.CodeValue` alike. */
function keyOf(name: string): string {
  const keywords = name
    .split('.')
    .map((part) => (/^[0-9A-Fa-f]{8}$/.test(part) ? (tagToKeyword(part.toUpperCase()) ?? '') : part));
  const tags = keywords.map((keyword) => keywordToTag(keyword));
  const path = keywords.join('.');
  const isKnown = tags.length <= pathLengthMax && tags.every((tag) => tag !== undefined && !tag.startsWith('0000'));
  const vrs = tags.map((tag) => (tag === undefined ? undefined : tagVr(tag)));
  const isAttribute = vrs.at(-1) !== 'SQ' && vrs.slice(0, -1).every((vr) => vr === 'SQ');
  // The Transaction UID is the key to a workitem: nobody finds it by trying.
  if (!isKnown || !isAttribute || keywords.includes('TransactionUID')) {
    throw new WorkitemQueryError(
      `Workitems cannot be searched by "${name.slice(0, 80)}": name an attribute of the UPS by keyword or tag, one inside a sequence as Sequence.Attribute.`,
    );
  }
  return aliases[path] ?? path;
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
