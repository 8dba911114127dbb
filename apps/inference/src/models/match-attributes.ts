import type { DicomJson } from '#libs/dicom';
import type { Matcher } from './manifest.js';
import { texts } from './read-attributes.js';

/** Why `dataset` does not fulfil `matcher`, in words; undefined when it does. */
export function mismatch(dataset: DicomJson, matcher: Matcher): string | undefined {
  const values = texts(dataset, matcher.keyword);
  if (values.length === 0) return matcher.whenAbsent === 'accept' ? undefined : `${matcher.keyword} is absent`;

  const says = `${matcher.keyword} is ${values.join('\\')}`;
  const upper = values.map((value) => value.toUpperCase());
  const holds = (listed: string[]) => listed.some((one) => upper.includes(one.toUpperCase()));
  if (matcher.oneOf && !holds(matcher.oneOf)) return `${says}, not one of ${matcher.oneOf.join(', ')}`;
  if (matcher.noneOf && holds(matcher.noneOf)) return says;

  const numbers = values.map(Number);
  if (matcher.atLeast !== undefined && !numbers.every((value) => value >= matcher.atLeast!))
    return `${says}, at least ${matcher.atLeast} is needed`;
  if (matcher.atMost !== undefined && !numbers.every((value) => value <= matcher.atMost!))
    return `${says}, at most ${matcher.atMost} is allowed`;
  return undefined;
}

/** The first reason among several matchers; undefined when all hold. */
export function firstMismatch(dataset: DicomJson, matchers: Matcher[]): string | undefined {
  for (const matcher of matchers) {
    const reason = mismatch(dataset, matcher);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** How far up the list of preferences a dataset is: 0 is the first one fulfilled; the list's length when none is. */
export function preferenceRank(dataset: DicomJson, matchers: Matcher[]): number {
  const rank = matchers.findIndex((matcher) => mismatch(dataset, matcher) === undefined);
  return rank === -1 ? matchers.length : rank;
}
