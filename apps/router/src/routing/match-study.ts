import { keywordToTag, tagVr } from '#libs/dicom';
import { type AttributeValues, itemValues, seriesValues, studyValues } from './attribute-values.js';
import { matchesValue } from './match-value.js';
import type { Condition, Matcher, MatchLevel } from './rule.js';
import type { StudyFacts } from './study-facts.js';

export interface Answer {
  matched: boolean;
  /** A sentence for people: which attributes decided. */
  reason: string;
  /** The source series that matched; all of them where the study was asked as a whole. */
  seriesInstanceUids: string[];
}

/** Asks a matcher of a study's source series, each for itself or all together. Pure. */
export function matchSeries(when: Matcher, level: MatchLevel, study: StudyFacts): Answer {
  const sources = study.series.filter(({ isSource }) => isSource);
  if (sources.length === 0) {
    return {
      matched: false,
      reason: 'The study holds only reports, segmentations and the like, which are not routed.',
      seriesInstanceUids: [],
    };
  }
  if (level === 'study') {
    const { matched, why } = match(when, studyValues(study));
    const seriesInstanceUids = matched ? sources.map((series) => series.seriesInstanceUid) : [];
    return { matched, reason: `${capital(why)}.`, seriesInstanceUids };
  }
  const answers = sources.map((series) => ({
    uid: series.seriesInstanceUid,
    ...match(when, seriesValues(study, series)),
  }));
  const matching = answers.filter(({ matched }) => matched);
  if (matching.length > 0) {
    return {
      matched: true,
      reason: `${matching.length} of ${sources.length} series: ${matching[0]!.why}.`,
      seriesInstanceUids: matching.map(({ uid }) => uid),
    };
  }
  const whys = [...new Set(answers.map(({ why }) => why))];
  const named = whys.slice(0, 3).join('; or: ');
  return {
    matched: false,
    reason: `None of ${sources.length} series: ${named}${whys.length > 3 ? '; and so on' : ''}.`,
    seriesInstanceUids: [],
  };
}

/** Each part of a matcher with what it came to: what {@link matchSeries} sums up in a sentence, whole. */
export interface MatchTrace {
  /** `keyword …`, `all`, `any` or `not`. */
  asks: string;
  matched: boolean;
  /** Of a condition: what was there. */
  why?: string;
  parts?: MatchTrace[];
}

export interface SeriesTrace {
  /** undefined: the study was asked as a whole. */
  seriesInstanceUid: string | undefined;
  modality: string | undefined;
  trace: MatchTrace;
}

/** At most `seriesMax` series, those that match first. */
export function traceStudy(when: Matcher, level: MatchLevel, study: StudyFacts, seriesMax: number): SeriesTrace[] {
  if (level === 'study') {
    return [{ seriesInstanceUid: undefined, modality: undefined, trace: trace(when, studyValues(study)) }];
  }
  return study.series
    .filter(({ isSource }) => isSource)
    .map((series) => ({
      seriesInstanceUid: series.seriesInstanceUid,
      modality: series.modality,
      trace: trace(when, seriesValues(study, series)),
    }))
    .sort((a, b) => Number(b.trace.matched) - Number(a.trace.matched))
    .slice(0, seriesMax);
}

interface Matched {
  matched: boolean;
  why: string;
}

function match(matcher: Matcher, values: AttributeValues): Matched {
  if ('all' in matcher) {
    const answers = matcher.all.map((part) => match(part, values));
    const failed = answers.find(({ matched }) => !matched);
    return failed ?? { matched: true, why: answers.map(({ why }) => why).join(', ') };
  }
  if ('any' in matcher) {
    const answers = matcher.any.map((part) => match(part, values));
    const passed = answers.find(({ matched }) => matched);
    return passed ?? { matched: false, why: answers.map(({ why }) => why).join(' and ') };
  }
  if ('not' in matcher) {
    const answer = match(matcher.not, values);
    return { matched: !answer.matched, why: answer.why };
  }
  return matchCondition(matcher, values);
}

function matchCondition(condition: Condition, { valuesOf, itemsOf }: AttributeValues): Matched {
  const { keyword, exists, item, atLeast, atMost } = condition;
  if (item !== undefined) return matchItems(keyword, itemsOf(keyword).map(itemValues), item);
  const values = valuesOf(keyword);
  if (exists !== undefined) {
    const isThere = values.length > 0 || itemsOf(keyword).length > 0;
    return { matched: isThere === exists, why: `${keyword} is ${isThere ? 'there' : 'absent'}` };
  }
  const is = condition.is === undefined ? undefined : Array.isArray(condition.is) ? condition.is : [condition.is];
  const vr = vrOf(keyword);
  const found = values.find((value) => matchesValue({ is, atLeast, atMost }, value, vr));
  if (found !== undefined) return { matched: true, why: `${keyword} is "${shorten(found)}"` };
  if (values.length === 0) return { matched: false, why: `${keyword} is absent` };
  const shown = values
    .slice(0, 3)
    .map((value) => `"${shorten(value)}"`)
    .join(', ');
  return { matched: false, why: `${keyword} is ${shown}${values.length > 3 ? ', …' : ''}, not ${wanted(condition)}` };
}

function matchItems(keyword: string, items: AttributeValues[], matcher: Matcher): Matched {
  if (items.length === 0) return { matched: false, why: `${keyword} is absent` };
  const answers = items.map((item) => match(matcher, item));
  const passed = answers.find(({ matched }) => matched);
  if (passed !== undefined) return { matched: true, why: `an item of ${keyword} has ${passed.why}` };
  const whys = [...new Set(answers.map(({ why }) => why))].slice(0, 3).join('; or: ');
  return { matched: false, why: `no item of ${keyword} fits: ${whys}` };
}

function trace(matcher: Matcher, values: AttributeValues): MatchTrace {
  const { matched, why } = match(matcher, values);
  if ('all' in matcher) return { asks: 'all', matched, parts: matcher.all.map((part) => trace(part, values)) };
  if ('any' in matcher) return { asks: 'any', matched, parts: matcher.any.map((part) => trace(part, values)) };
  if ('not' in matcher) return { asks: 'not', matched, parts: [trace(matcher.not, values)] };
  return { asks: asked(matcher), matched, why };
}

function asked(condition: Condition): string {
  const { keyword, exists, item } = condition;
  if (item !== undefined) return `an item of ${keyword}`;
  if (exists !== undefined) return `${keyword} is ${exists ? 'there' : 'absent'}`;
  return `${keyword} is ${wanted(condition)}`;
}

function wanted({ is, atLeast, atMost }: Condition): string {
  const parts: string[] = [];
  if (is !== undefined) parts.push((Array.isArray(is) ? is : [is]).join(' or '));
  if (atLeast !== undefined) parts.push(`at least ${atLeast}`);
  if (atMost !== undefined) parts.push(`at most ${atMost}`);
  return shorten(parts.join(' and '), 120);
}

const vrs = new Map<string, string | undefined>();

/** Of the attribute at the end of a path. */
function vrOf(path: string): string | undefined {
  if (!vrs.has(path)) {
    const last = path.slice(path.lastIndexOf('.') + 1);
    const isCounted = last.startsWith('NumberOf');
    const isUids = last === 'SOPClassesInStudy';
    vrs.set(path, isCounted ? 'IS' : isUids ? 'UI' : tagVr(keywordToTag(last) ?? last));
  }
  return vrs.get(path);
}

function shorten(text: string, charactersMax = 64): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
