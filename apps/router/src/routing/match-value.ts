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
  /** Any of these, each with wildcards. */
  is?: readonly (string | number)[] | undefined;
  /** Range, both ends included: as numbers where both sides are numbers, else as text (dates, times). */
  atLeast?: string | number | undefined;
  atMost?: string | number | undefined;
}

/** Whether one value of an attribute fulfils a condition. */
export function matchesValue(condition: ValueCondition, value: string): boolean {
  const text = value.trim();
  if (condition.is !== undefined && !condition.is.some((pattern) => matchesOne(pattern, text))) return false;
  if (condition.atLeast !== undefined && !(compare(text, condition.atLeast) >= 0)) return false;
  if (condition.atMost !== undefined && !(compare(text, condition.atMost) <= 0)) return false;
  return true;
}

function matchesOne(pattern: string | number, text: string): boolean {
  return typeof pattern === 'number' ? text !== '' && Number(text) === pattern : matchesWildcard(pattern, text);
}

/** NaN when one side is a number and the other cannot be one: no order then, and no match. */
function compare(text: string, limit: string | number): number {
  if (typeof limit === 'number') return text === '' ? Number.NaN : Number(text) - limit;
  if (text === '') return Number.NaN;
  return text < limit ? -1 : text > limit ? 1 : 0;
}
