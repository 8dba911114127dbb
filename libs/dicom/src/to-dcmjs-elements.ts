import type { DicomJson, DicomJsonElement } from './dicom-json.js';
import { tagVr } from './dictionary.js';
import { DicomError } from './errors.js';
import { isBinaryVr } from './element-value.js';

/** An element as dcmjs writes it: always a Value, binary as ArrayBuffer, numbers as numbers. */
export interface DcmjsElement {
  vr: string;
  Value: unknown[];
}

/** VRs that dcmjs does not know; it writes them as UN, and so do we, without its complaint. */
const unknownToDcmjs = new Set(['OL', 'OV', 'SV']);

/** @throws DicomError 'invalid-value' for a value that has no place in a Part 10 object */
export function toDcmjsElements(dataset: DicomJson): Record<string, DcmjsElement> {
  const elements: Record<string, DcmjsElement> = {};
  for (const [tag, element] of Object.entries(dataset)) {
    const vr = definiteVr(tag, element.vr, dataset);
    const written = unknownToDcmjs.has(vr) ? 'UN' : vr;
    elements[tag] = { vr: written, Value: dcmjsValues(tag, vr, element) };
  }
  return elements;
}

/** dcmjs names some VRs of its dictionary `ox` and `xs`: what they are depends on the rest of the dataset. */
function definiteVr(tag: string, vr: string, dataset: DicomJson): string {
  if (/^[A-Z]{2}$/.test(vr)) return vr;
  if (vr === 'xs' && Number(dataset['00280103']?.Value?.[0] ?? 0) === 1) return 'SS';
  return tagVr(tag) ?? 'UN';
}

function dcmjsValues(tag: string, vr: string, { Value, InlineBinary, BulkDataURI }: DicomJsonElement): unknown[] {
  if (BulkDataURI !== undefined) {
    throw new DicomError('invalid-value', 'A value by BulkDataURI has no bytes to write: give it as Uint8Array', {
      tag,
    });
  }
  if (InlineBinary !== undefined) return [arrayBufferOf(Buffer.from(InlineBinary, 'base64'))];
  if (Value === undefined) return isBinaryVr(vr) ? [new ArrayBuffer(0)] : [];
  if (isBinaryVr(vr)) return Value.map((value) => binary(tag, value));
  switch (vr) {
    case 'SQ':
      return Value.map((item) => toDcmjsElements((item ?? {}) as DicomJson));
    case 'AT':
      return Value.map((value) => (typeof value === 'string' ? parseInt(value, 16) : value));
    case 'SV':
      return [arrayBufferOf(int64s(tag, Value))];
    case 'UV':
      return Value.map((value) => bigint(tag, value));
    case 'FL':
    case 'FD':
    case 'SL':
    case 'SS':
    case 'UL':
    case 'US':
      return Value.map((value) => number(tag, value));
    case 'PN':
      return Value.map((value) => value ?? {});
    default:
      return Value.map((value) => value ?? '');
  }
}

function binary(tag: string, value: unknown): ArrayBuffer {
  if (value instanceof ArrayBuffer) return value;
  if (ArrayBuffer.isView(value)) return arrayBufferOf(value);
  throw new DicomError('invalid-value', 'A binary value is given as Uint8Array, ArrayBuffer or InlineBinary', { tag });
}

/** NaN and the infinities, which JSON has no numbers for, are text in DICOM JSON. */
function number(tag: string, value: unknown): number {
  const result = typeof value === 'string' && value !== '' ? Number(value) : value;
  const isNumber =
    typeof result === 'number' && (value === 'NaN' || typeof value === 'number' || !Number.isNaN(result));
  if (!isNumber) throw new DicomError('invalid-value', `${String(value)} is no number`, { tag });
  return result;
}

function bigint(tag: string, value: unknown): bigint {
  try {
    return BigInt(value as string | number | bigint);
  } catch (error) {
    throw new DicomError('invalid-value', `${String(value)} is no whole number`, { tag }, { cause: error });
  }
}

function int64s(tag: string, values: unknown[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries())
    bytes.writeBigInt64LE(BigInt.asIntN(64, bigint(tag, value)), index * 8);
  return bytes;
}

/** dcmjs takes the whole of an ArrayBuffer, so a view of a part is copied. */
function arrayBufferOf(view: ArrayBufferView): ArrayBuffer {
  const isWhole = view.byteOffset === 0 && view.byteLength === view.buffer.byteLength;
  if (isWhole && view.buffer instanceof ArrayBuffer) return view.buffer;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer as ArrayBuffer;
}
