import dcmjs from 'dcmjs';
import type { DicomJson } from './dicom-json.js';
import { transferSyntaxOf } from './transfer-syntaxes.js';
import { tagVr } from './dictionary.js';
import { DicomError } from './errors.js';
import { jsonText } from './dicom-json.js';

/** A dataset by keyword, as dcmjs naturalizes it. */
export type NaturalizedDataset = Record<string, unknown>;

/** Names this implementation in the File Meta of what it writes (PS3.10 7.1). */
const implementationClassUid = '2.25.302318478139275403116208463148216021037';
const implementationVersionName = 'ISOCENTER_0_1';

interface DcmjsElement {
  vr: string;
  Value: unknown[];
}

/**
 * A Part 10 object (PS3.10 7) with preamble and File Meta, through dcmjs.
 * @param dataset DICOM JSON, or by keyword; an encapsulated Pixel Data has one Value a fragment (ArrayBuffer, Buffer)
 * @throws DicomError 'missing-attribute' without SOP Class and Instance UID
 */
export function writePart10(dataset: DicomJson | NaturalizedDataset, transferSyntaxUid: string): Buffer {
  const json = isDicomJson(dataset)
    ? dataset
    : (dcmjs.data.DicomMetaDictionary.denaturalizeDataset(dataset) as DicomJson);
  const sopClassUid = required(json, '00080016');
  const sopInstanceUid = required(json, '00080018');
  const { DicomDict } = dcmjs.data;
  const dict = new DicomDict({
    '00020001': { vr: 'OB', Value: [new Uint8Array([0, 1]).buffer] },
    '00020002': { vr: 'UI', Value: [sopClassUid] },
    '00020003': { vr: 'UI', Value: [sopInstanceUid] },
    '00020010': { vr: 'UI', Value: [transferSyntaxUid] },
    '00020012': { vr: 'UI', Value: [implementationClassUid] },
    '00020013': { vr: 'SH', Value: [implementationVersionName] },
  });
  dict.dict = toDcmjs(json);
  const { encapsulated } = transferSyntaxOf(transferSyntaxUid);
  return Buffer.from(dict.write({ allowInvalidVRLength: false, fragmentMultiframe: encapsulated }) as ArrayBuffer);
}

function isDicomJson(dataset: DicomJson | NaturalizedDataset): dataset is DicomJson {
  return Object.keys(dataset).every((key) => /^[0-9A-F]{8}$/.test(key));
}

function required(dataset: DicomJson, tag: string): string {
  const uid = jsonText(dataset, tag);
  if (uid === undefined)
    throw new DicomError('missing-attribute', `Nothing to write without (${tag.slice(0, 4)},${tag.slice(4)})`, { tag });
  return uid;
}

/** dcmjs wants a Value for each element, in order of tags, binary as ArrayBuffers. */
function toDcmjs(dataset: DicomJson): Record<string, DcmjsElement> {
  const elements: Record<string, DcmjsElement> = {};
  for (const tag of Object.keys(dataset).sort()) {
    const element = dataset[tag]!;
    if (element.BulkDataURI !== undefined) {
      throw new DicomError('invalid-value', 'A dataset with a BulkDataURI has no bytes to write', { tag });
    }
    elements[tag] = { vr: element.vr || tagVr(tag) || 'UN', Value: valuesOf(element) };
  }
  return elements;
}

function valuesOf({ vr, Value, InlineBinary }: DicomJson[string]): unknown[] {
  if (InlineBinary !== undefined) return [arrayBuffer(Buffer.from(InlineBinary, 'base64'))];
  if (Value === undefined) return [];
  if (vr === 'SQ') return Value.map((item) => toDcmjs(item as DicomJson));
  return Value.map((value) => (ArrayBuffer.isView(value) ? arrayBuffer(value) : (value ?? '')));
}

function arrayBuffer(view: ArrayBufferView): ArrayBuffer {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength).slice().buffer;
}
