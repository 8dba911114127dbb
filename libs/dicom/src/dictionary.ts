import { dictionary } from 'dcmjs/dictionary';

/** What a tag says of itself. */
export interface TagEntry {
  /** `GGGGEEEE`, upper-case hex. */
  tag: string;
  group: number;
  element: number;
  isPrivate: boolean;
  /** The VR of the dictionary as an implicit dataset needs it: `UN` when unknown, `xs` for US or SS. */
  vr: string;
}

interface StandardElement {
  vr: string;
  keyword: string;
}

/** Public elements by tag; those of repeating groups (50xx, 60xx) under their first group. */
const standardElements = new Map<string, StandardElement>();
const tagsByKeyword = new Map<string, string>();

for (const [key, { vr, name }] of Object.entries(dictionary)) {
  const match = /^\(([0-9A-F]{4})(?:-[0-9A-F]{4})?,([0-9A-F]{4})(?:-[0-9A-F]{4})?\)$/.exec(key);
  if (match === null || vr === undefined) continue;
  const tag = `${match[1]}${match[2]}`;
  // dcmjs marks what the standard has retired in the name; the keyword of the standard is without it.
  const keyword = name.replace(/^RETIRED_/, '');
  standardElements.set(tag, { vr, keyword });
  if (!tagsByKeyword.has(keyword) || keyword === name) tagsByKeyword.set(keyword, tag);
}

/** @param tag `GGGGEEEE` @returns the VR of PS3.6 as it would be in an explicit dataset; undefined for an unknown tag */
export function tagVr(tag: string): string | undefined {
  const { vr } = tagEntry(parseInt(tag, 16));
  if (vr === 'xs') return 'US';
  return vr === 'UN' ? undefined : vr;
}

/** @param keyword e.g. `PatientID` @returns `GGGGEEEE`, undefined for an unknown keyword */
export function keywordToTag(keyword: string): string | undefined {
  return tagsByKeyword.get(keyword);
}

/** All keywords of PS3.6, to find what somebody meant. */
export function standardKeywords(): Iterable<string> {
  return tagsByKeyword.keys();
}

/** @param tag `GGGGEEEE` @returns the keyword of PS3.6, undefined for private and unknown tags */
export function tagToKeyword(tag: string): string | undefined {
  return standardElement(tag.toUpperCase())?.keyword;
}

// Asked for every element of every instance: entries are kept, up to a number no honest archive reaches.
const entries = new Map<number, TagEntry>();
const entriesMax = 20_000;

/** @param number group and element as one 32-bit number */
export function tagEntry(number: number): TagEntry {
  const known = entries.get(number);
  if (known !== undefined) return known;
  const tag = number.toString(16).toUpperCase().padStart(8, '0');
  const group = number >>> 16;
  const element = number & 0xffff;
  const isPrivate = (group & 1) === 1;
  const entry = { tag, group, element, isPrivate, vr: implicitVr(tag, element, isPrivate) };
  if (entries.size < entriesMax) entries.set(number, entry);
  return entry;
}

function implicitVr(tag: string, element: number, isPrivate: boolean): string {
  if (element === 0) return 'UL';
  if (isPrivate) return element >= 0x10 && element <= 0xff ? 'LO' : 'UN';
  const vr = standardElement(tag)?.vr;
  switch (vr) {
    case 'ox': // OB or OW: OW in implicit syntaxes (PS3.5 A.1)
    case 'lt': // LUT Data: US or OW
      return 'OW';
    case 'up':
      return 'UL';
    default:
      return vr !== undefined && (vr === 'xs' || /^[A-Z]{2}$/.test(vr)) ? vr : 'UN';
  }
}

function standardElement(tag: string): StandardElement | undefined {
  const exact = standardElements.get(tag);
  if (exact !== undefined) return exact;
  const family = tag.slice(0, 2);
  return family === '50' || family === '60' ? standardElements.get(`${family}00${tag.slice(4)}`) : undefined;
}
