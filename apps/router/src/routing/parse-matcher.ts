import { keywordToTag, standardKeywords, tagToKeyword, tagVr } from '#libs/dicom';
import { derivedKeywords, type Matcher } from './rule.js';
import { suggestion } from './suggest.js';

/** What is wrong with a rule, and where: `when.all[1].keyword`. */
export interface RuleProblem {
  at: string;
  message: string;
}

const depthMax = 8;
const valuesMax = 100;
const charactersMax = 200;
const pathLengthMax = 8;

const kinds =
  'a matcher is a condition such as {"keyword": "Modality", "is": "CT"}, or {"all": […]}, {"any": […]}, {"not": …}';
const members = ['keyword', 'is', 'atLeast', 'atMost', 'exists', 'item'];
const numeric = ['DS', 'FD', 'FL', 'IS', 'SL', 'SS', 'SV', 'UL', 'US', 'UV'];

/**
 * Reads a matcher of a rule, and says all that is wrong with it in words that help.
 * @param at where it stands in the rule
 * @param problems gets what is wrong; the result may be used when nothing was added
 */
export function parseMatcher(given: unknown, at: string, problems: RuleProblem[], depth = 1): Matcher {
  const wrong = (message: string, where = at): Matcher => {
    problems.push({ at: where, message });
    return { all: [] };
  };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return wrong(`${kinds}.`);
  if (depth > depthMax) return wrong(`Conditions may be nested ${depthMax} deep.`);
  const matcher = given as Record<string, unknown>;
  const names = Object.keys(matcher);
  for (const list of ['all', 'any'] as const) {
    if (!(list in matcher)) continue;
    const parts = matcher[list];
    if (names.length > 1) return wrong(`"${list}" stands alone, not with ${others(names, list)}: ${kinds}.`);
    if (!Array.isArray(parts) || parts.length === 0 || parts.length > valuesMax) {
      return wrong(`"${list}" is a list of 1 to ${valuesMax} matchers.`);
    }
    const parsed = parts.map((part, index) => parseMatcher(part, `${at}.${list}[${index}]`, problems, depth + 1));
    return list === 'all' ? { all: parsed } : { any: parsed };
  }
  if ('not' in matcher) {
    if (names.length > 1) return wrong(`"not" stands alone, not with ${others(names, 'not')}: ${kinds}.`);
    return { not: parseMatcher(matcher['not'], `${at}.not`, problems, depth + 1) };
  }
  for (const name of names.filter((one) => !members.includes(one))) {
    wrong(`"${name.slice(0, 40)}" is no part of a condition: ${members.join(', ')} are.${suggestion(name, members)}`);
  }
  return parseCondition(matcher, at, problems, depth);
}

function parseCondition(given: Record<string, unknown>, at: string, problems: RuleProblem[], depth: number): Matcher {
  const wrong = (message: string, name = '') => problems.push({ at: name === '' ? at : `${at}.${name}`, message });
  const { keyword, is, atLeast, atMost, exists, item } = given;
  if (keyword === undefined) {
    wrong(`A condition names its attribute: ${kinds}.`);
    return { all: [] };
  }
  const path = typeof keyword === 'string' ? readPath(keyword) : `A keyword is a text such as "BodyPartExamined".`;
  if (typeof path === 'string') {
    wrong(path, 'keyword');
    return { all: [] };
  }
  const { vr } = path;
  const asksValue = [is, atLeast, atMost].some((part) => part !== undefined);
  if (exists !== undefined && typeof exists !== 'boolean') wrong('"exists" is true or false.', 'exists');
  if (exists !== undefined && (asksValue || item !== undefined)) wrong('"exists" stands alone.', 'exists');
  if (!asksValue && exists === undefined && item === undefined) {
    wrong('A condition needs is, atLeast, atMost, exists, or item for a sequence.');
  }
  if (vr === 'SQ' && asksValue) {
    wrong(
      `${path.keyword} is a sequence and has no value of its own: name an attribute in it, such as "${path.keyword}.CodeValue", or give "item" with what one item must be.`,
      'keyword',
    );
  }
  if (item !== undefined && vr !== 'SQ') {
    wrong(`${path.keyword} is no sequence (its VR is ${vr}): "is" asks for its value.`, 'item');
  }
  const texts = Array.isArray(is) ? is : is === undefined ? [] : [is];
  if (Array.isArray(is) && (is.length === 0 || is.length > valuesMax)) {
    wrong(`"is" has 1 to ${valuesMax} values.`, 'is');
  }
  for (const [name, value] of [...texts.map((text) => ['is', text]), ['atLeast', atLeast], ['atMost', atMost]] as [
    string,
    unknown,
  ][]) {
    const problem = value === undefined ? undefined : problemOfValue(value, vr, path.keyword, name === 'is');
    if (problem !== undefined) wrong(problem, name);
  }
  return {
    keyword: path.keyword,
    ...(is !== undefined && { is: is as string }),
    ...(atLeast !== undefined && { atLeast: atLeast as string }),
    ...(atMost !== undefined && { atMost: atMost as string }),
    ...(exists !== undefined && { exists: exists as boolean }),
    ...(item !== undefined && { item: parseMatcher(item, `${at}.item`, problems, depth + 1) }),
  };
}

/** By keyword or tag, each step. @returns what is wrong, as a sentence */
function readPath(text: string): { keyword: string; vr: string } | string {
  const steps = text.split('.');
  if (text.length > charactersMax || steps.length > pathLengthMax) {
    return `A path has at most ${pathLengthMax} steps and ${charactersMax} characters.`;
  }
  const keywords: string[] = [];
  let vr = 'UN';
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1;
    if ((derivedKeywords as readonly string[]).includes(step)) {
      vr = step.endsWith('UID') || step === 'SOPClassesInStudy' ? 'UI' : step.startsWith('Number') ? 'IS' : 'CS';
      keywords.push(step);
      continue;
    }
    const isTag = /^[0-9A-Fa-f]{8}$/.test(step);
    const tag = isTag ? step.toUpperCase() : keywordToTag(step);
    if (tag === undefined) {
      return `"${step.slice(0, 64)}" is no DICOM keyword (PS3.6).${suggestion(step, knownKeywords())}`;
    }
    vr = tagVr(tag) ?? 'UN';
    if (!isLast && vr !== 'SQ' && vr !== 'UN') {
      return `${tagToKeyword(tag) ?? step} is no sequence (its VR is ${vr}): nothing is inside it.`;
    }
    keywords.push(tagToKeyword(tag) ?? tag);
  }
  return { keyword: keywords.join('.'), vr };
}

function* knownKeywords(): Iterable<string> {
  yield* derivedKeywords;
  yield* standardKeywords();
}

function problemOfValue(value: unknown, vr: string, keyword: string, takesPattern: boolean): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'A number is finite.';
  if (typeof value !== 'string') return 'A value is a text or a number.';
  if (value.length > charactersMax) return `A value has at most ${charactersMax} characters.`;
  const isPattern = takesPattern && /[*?]/.test(value);
  if (numeric.includes(vr) && !isPattern && (value.trim() === '' || !Number.isFinite(Number(value)))) {
    return `${keyword} holds numbers (its VR is ${vr}), and "${value.slice(0, 40)}" is none.`;
  }
  const range = { DA: /^(\d{8})?(-(\d{8})?)?$/, TM: /^([\d.:]+)?(-([\d.:]+)?)?$/ }[vr];
  if (range !== undefined && !isPattern && (!range.test(value) || value === '' || value === '-')) {
    const example = vr === 'DA' ? ['20260131', '20260101-20260131'] : ['153000', '0700-1900'];
    return `${keyword} holds a ${vr === 'DA' ? 'date' : 'time'} (${vr}): "${example[0]}" or a range "${example[1]}", not "${value.slice(0, 40)}".`;
  }
  return undefined;
}

function others(names: string[], but: string): string {
  return names
    .filter((name) => name !== but)
    .map((name) => `"${name.slice(0, 40)}"`)
    .join(', ');
}
