import dcmjs from 'dcmjs';
import { type DicomJson, jsonText } from './dicom-json.js';
import { DicomError } from './errors.js';
import { implementationClassUid, implementationVersionName } from './implementation.js';
import { toDcmjsElements } from './to-dcmjs-elements.js';
import { transferSyntaxes } from './transfer-syntaxes.js';
import { isUid } from './uids.js';

// dcmjs complains on the console of VRs in its own dictionary (`ox`, `xs`), which are settled here.
dcmjs.log.getLogger('validation.dcmjs').setLevel('silent');

/** A dataset by keyword, as dcmjs naturalizes it. */
export type NaturalizedDataset = Record<string, unknown>;

/**
 * A Part 10 object (PS3.10 7) with preamble and File Meta, through dcmjs. Text is written as UTF-8, whatever character
 * set the dataset names.
 * @param dataset DICOM JSON (binary values as `InlineBinary`, or as `Value` of one `Uint8Array`), or by keyword.
 * Encapsulated Pixel Data has one `Value` (`Uint8Array`) a frame; each becomes one fragment, with a Basic Offset Table.
 * @param transferSyntaxUid any but deflated, big endian and video syntaxes
 * @throws DicomError 'missing-attribute' and 'invalid-value' for what cannot be written, 'unsupported-transfer-syntax'
 */
export function writePart10(dataset: DicomJson | NaturalizedDataset, transferSyntaxUid: string): Buffer {
  const syntax = Object.hasOwn(transferSyntaxes, transferSyntaxUid) ? transferSyntaxes[transferSyntaxUid] : undefined;
  if (syntax === undefined || syntax.deflated || syntax.bigEndian || syntax.mediaType.startsWith('video/')) {
    throw new DicomError('unsupported-transfer-syntax', `Nothing is written in transfer syntax ${transferSyntaxUid}`);
  }
  const json = isDicomJson(dataset) ? dataset : denaturalize(dataset, syntax.encapsulated);
  const sopClassUid = requiredUid(json, '00080016');
  const sopInstanceUid = requiredUid(json, '00080018');
  const dict = new dcmjs.data.DicomDict({
    '00020001': { vr: 'OB', Value: [new Uint8Array([0, 1]).buffer] },
    '00020002': { vr: 'UI', Value: [sopClassUid] },
    '00020003': { vr: 'UI', Value: [sopInstanceUid] },
    '00020010': { vr: 'UI', Value: [transferSyntaxUid] },
    '00020012': { vr: 'UI', Value: [implementationClassUid] },
    '00020013': { vr: 'SH', Value: [implementationVersionName] },
  });
  dict.dict = toDcmjsElements(inUtf8(json));
  try {
    return Buffer.from(dict.write({ allowInvalidVRLength: false, fragmentMultiframe: false }) as ArrayBuffer);
  } catch (error) {
    throw new DicomError(
      'invalid-value',
      `The dataset cannot be written: ${(error as Error).message}`,
      {},
      { cause: error },
    );
  }
}

function isDicomJson(dataset: DicomJson | NaturalizedDataset): dataset is DicomJson {
  return Object.keys(dataset).every((key) => /^[0-9A-F]{8}$/.test(key));
}

/** dcmjs hides what it adds (`_meta`, `_vrMap`) among the keywords; it belongs to no element. */
function denaturalize(dataset: NaturalizedDataset, isEncapsulated: boolean): DicomJson {
  // Pixel Data is OB when encapsulated and, unless the dataset says otherwise, OW when not (PS3.5 A.2, A.4).
  const _vrMap = { PixelData: isEncapsulated ? 'OB' : 'OW', ...(dataset['_vrMap'] as object | undefined) };
  const elements = dcmjs.data.DicomMetaDictionary.denaturalizeDataset({ ...dataset, _vrMap }) as DicomJson;
  return Object.fromEntries(Object.entries(elements).filter(([tag]) => /^[0-9A-F]{8}$/.test(tag)));
}

function requiredUid(dataset: DicomJson, tag: string): string {
  const uid = jsonText(dataset, tag);
  if (uid === undefined)
    throw new DicomError('missing-attribute', 'An object without this UID is not written', { tag });
  if (!isUid(uid)) throw new DicomError('invalid-value', `${JSON.stringify(uid.slice(0, 80))} is no UID`, { tag });
  return uid;
}

function inUtf8(dataset: DicomJson): DicomJson {
  return { ...dataset, '00080005': { vr: 'CS', Value: ['ISO_IR 192'] } };
}
