import dcmjs from 'dcmjs';

interface DictionaryEntry {
  tag: string;
  vr: string;
  name: string;
}

const { dictionary, nameMap } = dcmjs.data.DicomMetaDictionary as {
  dictionary: Record<string, DictionaryEntry | undefined>;
  nameMap: Record<string, DictionaryEntry | undefined>;
};

// The lookups below run for each element of each instance: dcmjs's dictionary is slow to ask (it is behind a proxy).
const vrs = new Map<string, string | undefined>();

/** @param tag GGGGEEEE in upper-case hex @returns the VR of the data dictionary (PS3.6), undefined when it has none */
export function tagVr(tag: string): string | undefined {
  if (vrs.has(tag)) return vrs.get(tag);
  const vr = lookUp(tag);
  if (vrs.size < 20_000) vrs.set(tag, vr);
  return vr;
}

/** @param keyword e.g. PatientID @returns GGGGEEEE in upper-case hex, undefined for an unknown keyword */
export function keywordToTag(keyword: string): string | undefined {
  if (!Object.hasOwn(nameMap, keyword)) return undefined;
  const entry = nameMap[keyword];
  const tag = entry?.tag.replace(/[(),]/g, '').toUpperCase();
  return tag !== undefined && /^[0-9A-F]{8}$/.test(tag) ? tag : undefined;
}

/** @param tag GGGGEEEE in upper-case hex */
export function tagToKeyword(tag: string): string | undefined {
  return dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`]?.name;
}

function lookUp(tag: string): string | undefined {
  const element = tag.slice(4);
  const isPrivate = (parseInt(tag[3]!, 16) & 1) === 1;
  if (isPrivate) return element >= '0010' && element <= '00FF' ? 'LO' : undefined;
  if (element === '0000') return 'UL';
  const vr = dictionary[`(${tag.slice(0, 4)},${element})`]?.vr ?? repeatingGroupVr(tag);
  switch (vr) {
    case 'xs':
    case 'US or SS':
      return 'xs'; // by Pixel Representation
    case 'ox':
    case 'OB or OW':
    case 'US or OW':
    case 'US or SS or OW':
    case 'lt':
      return 'OW';
    default:
      return vr !== undefined && /^[A-Z]{2}$/.test(vr) ? vr : undefined;
  }
}

/** Curves (50xx) and overlays (60xx) repeat under even groups; the dictionary knows the first. */
function repeatingGroupVr(tag: string): string | undefined {
  const family = tag.slice(0, 2);
  if (family !== '60' && family !== '50') return undefined;
  if (tag === `${tag.slice(0, 4)}3000`) return 'OW';
  return dictionary[`(${family}00,${tag.slice(4)})`]?.vr ?? dictionary[`(${family}xx,${tag.slice(4)})`]?.vr;
}
