/** What a rule asks for, as a sentence; the definition may be of any shape, since a broken rule is shown too. */
export function describeMatcher(matcher: unknown, isInner = false): string {
  if (typeof matcher !== 'object' || matcher === null) return JSON.stringify(matcher) ?? 'nothing';
  const given = matcher as Record<string, unknown>;
  if (Array.isArray(given['all'])) return join(given['all'], ' and ', isInner);
  if (Array.isArray(given['any'])) return join(given['any'], ' or ', isInner);
  if ('not' in given) return `not (${describeMatcher(given['not'])})`;
  if (typeof given['keyword'] !== 'string') return JSON.stringify(matcher);
  return describeCondition(given['keyword'], given);
}

function join(parts: unknown[], word: string, isInner: boolean): string {
  const text = parts.map((part) => describeMatcher(part, true)).join(word);
  return isInner && parts.length > 1 ? `(${text})` : text;
}

function describeCondition(keyword: string, given: Record<string, unknown>): string {
  const words: string[] = [];
  if ('is' in given) words.push(`is ${[given['is']].flat().map(String).join(' or ')}`);
  if ('atLeast' in given) words.push(`at least ${String(given['atLeast'])}`);
  if ('atMost' in given) words.push(`at most ${String(given['atMost'])}`);
  if ('exists' in given) words.push(given['exists'] === false ? 'is absent' : 'is present');
  return `${keyword} ${words.join(' and ')}`.trim();
}
