import type { DicomJson, DicomJsonElement, PersonName } from './dicom-json.js';
import { tagToKeyword } from './dictionary.js';
import { isPrivateTag } from './tags.js';

/**
 * A dataset in the Native DICOM Model (PS3.19 A.1), for clients that read XML. Values stand as in the DICOM JSON; binary
 * ones as `InlineBinary`, those by reference as `BulkData`.
 * @param dataset DICOM JSON (PS3.18 F.2)
 */
export function toNativeDicomXml(dataset: DicomJson): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">${attributes(dataset)}</NativeDicomModel>`;
}

function attributes(dataset: DicomJson): string {
  let text = '';
  for (const tag of Object.keys(dataset).sort()) {
    const element = dataset[tag]!;
    const creator = privateCreator(dataset, tag);
    const keyword = tagToKeyword(tag);
    text += `<DicomAttribute tag="${tag}" vr="${element.vr}"`;
    if (keyword !== undefined) text += ` keyword="${keyword}"`;
    if (creator !== undefined) text += ` privateCreator="${escape(creator)}"`;
    text += `>${content(element)}</DicomAttribute>`;
  }
  return text;
}

function content({ vr, Value, InlineBinary, BulkDataURI }: DicomJsonElement): string {
  if (BulkDataURI !== undefined) return `<BulkData uri="${escape(BulkDataURI)}"/>`;
  if (InlineBinary !== undefined) return `<InlineBinary>${InlineBinary}</InlineBinary>`;
  return (Value ?? []).map((value, index) => member(vr, value, index + 1)).join('');
}

/** An empty member keeps its number and has no text, so that those behind it keep theirs. */
function member(vr: string, value: unknown, number: number): string {
  if (vr === 'SQ') return `<Item number="${number}">${attributes((value ?? {}) as DicomJson)}</Item>`;
  if (vr === 'PN') return `<PersonName number="${number}">${personName((value ?? {}) as PersonName)}</PersonName>`;
  return `<Value number="${number}">${escape(String(value ?? ''))}</Value>`;
}

const groups = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;
const components = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'] as const;

function personName(name: PersonName): string {
  return groups
    .filter((group) => name[group] !== undefined)
    .map((group) => `<${group}>${nameComponents(name[group]!)}</${group}>`)
    .join('');
}

function nameComponents(group: string): string {
  return group
    .split('^', components.length)
    .map((text, index) => (text === '' ? '' : `<${components[index]}>${escape(text)}</${components[index]}>`))
    .join('');
}

/** Who a private element belongs to (PS3.5 7.8.1): element (gggg,00bb) names the owner of (gggg,bbxx). */
function privateCreator(dataset: DicomJson, tag: string): string | undefined {
  if (!isPrivateTag(tag) || tag.startsWith('00', 4)) return undefined;
  const creator = dataset[`${tag.slice(0, 4)}00${tag.slice(4, 6)}`]?.Value?.[0];
  return typeof creator === 'string' ? creator : undefined;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };

function escape(text: string): string {
  // XML 1.0 has no way to write most control characters, nor half of a surrogate pair.
  return text
    .toWellFormed()
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ' ')
    .replace(/[&<>"\r]/g, (character) => entities[character]!);
}
