import { dicomPeriod } from '#libs/workitems';

/**
 * Wildcard matching as QIDO-RS has it (PS3.4 C.2.2.2.4: `*` any text, `?` one character), without regard to case, the
 * whole value. Linear in practice and never worse than pattern times text; no regular expression is made of what comes
 * from a rule.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  const p = pattern.toLowerCase();
  const t = text.toLowerCase();
  let at = 0;
  let inText = 0;
  let star = -1;
  let resume = 0;
  while (inText < t.length) {
    if (p[at] === '*') {
      star = at++;
      resume = inText;
    } else if (at < p.length && (p[at] === '?' || p[at] === t[inText])) {
      at++;
      inText++;
    } else if (star >= 0) {
      at = star + 1;
      inText = ++resume;
    } else {
      return false;
    }
  }
  while (p[at] === '*') at++;
  return at === p.length;
}

export interface ValueCondition {
  /** Any of these, each with wildcards; of dates and times also ranges, `20260101-20260131` (PS3.4 C.2.2.2.5). */
  is?: readonly (string | number)[] | undefined;
  /** Range, both ends included: as numbers where both sides are numbers, else as text (dates, times). */
  atLeast?: string | number | undefined;
  atMost?: string | number | undefined;
}

/**
 * Whether one value of an attribute fulfils a condition, matched by its VR as QIDO-RS does (PS3.4 C.2.2.2): numbers as
 * numbers, ranges of dates and times, lists of UIDs, text with wildcards. Text in any case: who writes a rule means
 * "chest" and "CHEST" alike.
 * @param vr of the attribute; undefined: text
 */
export function matchesValue(condition: ValueCondition, value: string, vr?: string): boolean {
  const text = value.trim();
  if (condition.is !== undefined && !condition.is.some((pattern) => matchesOne(pattern, text, vr))) return false;
  if (condition.atLeast !== undefined && !(compare(text, condition.atLeast, vr) >= 0)) return false;
  if (condition.atMost !== undefined && !(compare(text, condition.atMost, vr) <= 0)) return false;
  return true;
}

const numeric = new Set(['DS', 'FD', 'FL', 'IS', 'SL', 'SS', 'SV', 'UL', 'US', 'UV']);

function matchesOne(pattern: string | number, text: string, vr: string | undefined): boolean {
  if (typeof pattern === 'number') return text !== '' && Number(text) === pattern;
  const hasWildcards = /[*?]/.test(pattern);
  if (!hasWildcards) {
    switch (vr) {
      case 'DA':
      case 'TM':
        return isInRange(pattern.replaceAll(':', ''), text.replaceAll(':', ''));
      case 'DT':
        return isInPeriod(pattern, text);
      case 'UI':
        return pattern.split('\\').includes(text);
      default:
        if (vr !== undefined && numeric.has(vr)) return text !== '' && Number(text) === Number(pattern);
    }
  }
  return matchesWildcard(pattern, text);
}

/** A single value stands for all it is the beginning of: `1530` for the whole minute. */
function isInRange(range: string, text: string): boolean {
  const [from = '', until = from] = range.split('-', 2);
  return text !== '' && text >= from && (until === '' || text <= `${until}~`);
}

function isInPeriod(pattern: string, text: string): boolean {
  const moment = dicomPeriod(text)?.start;
  if (moment === undefined) return false;
  const single = dicomPeriod(pattern);
  if (single !== undefined) return moment >= single.start && moment < single.end;
  const range = /^([\d.]+(?:[+-]\d{4})?)?-([\d.]+(?:[+-]\d{4})?)?$/.exec(pattern);
  const [from, until] = [range?.[1], range?.[2]].map((part) => (part === undefined ? undefined : dicomPeriod(part)));
  return (from === undefined || moment >= from.start) && (until === undefined || moment < until.end);
}

/** NaN when one side is a number and the other cannot be one: no order then, and no match. */
function compare(text: string, limit: string | number, vr: string | undefined): number {
  if (text === '') return Number.NaN;
  if (typeof limit === 'number' || (vr !== undefined && numeric.has(vr))) return Number(text) - Number(limit);
  return text < limit ? -1 : text > limit ? 1 : 0;
}
