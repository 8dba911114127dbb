import type { DicomJson } from '#libs/dicom';
import { tagToKeyword } from '#libs/dicom';

/** A dataset in the Native DICOM Model (PS3.19 A.1), for clients that read XML. No binary values: responses have none. */
export function toDicomXml(dataset: DicomJson): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">${attributes(dataset)}</NativeDicomModel>`;
}

function attributes(dataset: DicomJson): string {
  return Object.entries(dataset)
    .map(([tag, { vr, Value = [] }]) => {
      const keyword = tagToKeyword(tag);
      const name = keyword === undefined ? '' : ` keyword="${keyword}"`;
      const isPrivate = Number.parseInt(tag[3] ?? '0', 16) % 2 === 1;
      const creator = isPrivate && !tag.endsWith('0010') ? ' privateCreator="ISOCENTER"' : '';
      const values = Value.map((value, index) => {
        if (vr === 'SQ') return `<Item number="${index + 1}">${attributes(value as DicomJson)}</Item>`;
        return `<Value number="${index + 1}">${escape(String(value))}</Value>`;
      });
      return `<DicomAttribute tag="${tag}" vr="${vr}"${name}${creator}>${values.join('')}</DicomAttribute>`;
    })
    .join('');
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text: string): string {
  // XML 1.0 has no way to write most control characters.
  return text.replace(/[&<>"]/g, (character) => entities[character]!).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, ' ');
}
