import type { DicomJsonElement, PersonName } from './dicom-json.js';
import { isBinaryVr } from './element-value.js';
import { DicomError } from './errors.js';
import { numberBytes } from './read-numbers.js';

/**
 * The value's field of an element of the DICOM JSON model, little endian, text in UTF-8, padded to even length (PS3.5
 * 6.2). Not for sequences, nor for values by BulkDataURI.
 * @throws DicomError 'invalid-value' for a value that its VR cannot hold
 */
export function elementBytes(tag: string, vr: string, { Value, InlineBinary }: DicomJsonElement): Buffer {
  if (InlineBinary !== undefined) return padded(fromBase64(tag, InlineBinary), vr);
  if (Value === undefined) return Buffer.alloc(0);
  if (!Array.isArray(Value)) throw invalid(tag, 'Value is no array');
  if (isBinaryVr(vr)) throw invalid(tag, `a value of VR ${vr} is InlineBinary or BulkDataURI, and Value is there`);
  const size = numberBytes(vr);
  if (size !== undefined) return numbers(tag, vr, size, Value);
  const texts = Value.map((value) => text(tag, vr, value).toWellFormed());
  return padded(Buffer.from(texts.join('\\'), 'utf8'), vr);
}

/** With a NUL for UIDs and bytes, with a space for text (PS3.5 6.2). */
function padded(bytes: Buffer, vr: string): Buffer {
  if (bytes.length % 2 === 0) return bytes;
  const isText = !isBinaryVr(vr) && vr !== 'UI' && numberBytes(vr) === undefined;
  return Buffer.concat([bytes, Buffer.from([isText ? 0x20 : 0])]);
}

function fromBase64(tag: string, value: unknown): Buffer {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/\s]*[=\s]*$/.test(value)) {
    throw invalid(tag, 'InlineBinary is no base64');
  }
  return Buffer.from(value, 'base64');
}

function text(tag: string, vr: string, value: unknown): string {
  if (value === null) return '';
  if (vr === 'PN') return personName(tag, value);
  if (typeof value === 'number') return vr === 'DS' ? decimalString(value) : String(value);
  if (typeof value === 'string') return value;
  throw invalid(tag, `a value of VR ${vr} is text or a number, and ${describe(value)} is there`);
}

function personName(tag: string, value: unknown): string {
  // No name of the JSON model is a plain text; some senders write it, and nothing else can be meant.
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(
      tag,
      `a name is an object with Alphabetic, Ideographic and Phonetic, and ${describe(value)} is there`,
    );
  }
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as PersonName;
  const groups = [Alphabetic, Ideographic, Phonetic];
  if (groups.some((group) => typeof group !== 'string')) throw invalid(tag, 'a component group of a name is no text');
  return groups.join('=').replace(/=+$/, '');
}

const decimalStringMax = 16;

/** In at most 16 characters (PS3.5 6.2): with as many digits as there is room for. */
function decimalString(value: number): string {
  for (let digits = 17; digits > 1; digits -= 1) {
    const written = digits === 17 ? String(value) : String(Number(value.toPrecision(digits)));
    if (written.length <= decimalStringMax) return written;
  }
  return value.toExponential(0);
}

const integerRanges: Readonly<Record<string, [number, number]>> = {
  US: [0, 2 ** 16 - 1],
  SS: [-(2 ** 15), 2 ** 15 - 1],
  UL: [0, 2 ** 32 - 1],
  SL: [-(2 ** 31), 2 ** 31 - 1],
};

function numbers(tag: string, vr: string, size: number, values: unknown[]): Buffer {
  const bytes = Buffer.alloc(values.length * size);
  for (const [index, value] of values.entries()) writeNumber(tag, vr, bytes, index * size, value);
  return bytes;
}

function writeNumber(tag: string, vr: string, bytes: Buffer, at: number, value: unknown): void {
  switch (vr) {
    case 'AT': {
      if (typeof value !== 'string' || !/^[0-9A-Fa-f]{8}$/.test(value)) {
        throw invalid(tag, `a value of VR AT is 8 hexadecimal digits, and ${describe(value)} is there`);
      }
      bytes.writeUInt16LE(parseInt(value.slice(0, 4), 16), at);
      bytes.writeUInt16LE(parseInt(value.slice(4), 16), at + 2);
      return;
    }
    case 'FL':
      bytes.writeFloatLE(floating(tag, vr, value), at);
      return;
    case 'FD':
      bytes.writeDoubleLE(floating(tag, vr, value), at);
      return;
    case 'SV':
    case 'UV': {
      const whole = bigInteger(tag, vr, value);
      if (vr === 'SV') bytes.writeBigInt64LE(whole, at);
      else bytes.writeBigUInt64LE(whole, at);
      return;
    }
    default:
      writeInteger(tag, vr, bytes, at, value);
  }
}

function writeInteger(tag: string, vr: string, bytes: Buffer, at: number, value: unknown): void {
  const [least, most] = integerRanges[vr]!;
  const whole = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof whole !== 'number' || !Number.isInteger(whole) || whole < least || whole > most) {
    throw invalid(tag, `a value of VR ${vr} is a whole number of ${least} to ${most}, and ${describe(value)} is there`);
  }
  const size = numberBytes(vr)!;
  if (least < 0) bytes.writeIntLE(whole, at, size);
  else bytes.writeUIntLE(whole, at, size);
}

/** NaN and the infinities, which JSON has no numbers for, are text. */
function floating(tag: string, vr: string, value: unknown): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && (!Number.isNaN(number) || value === 'NaN')) return number;
  throw invalid(tag, `a value of VR ${vr} is a number, and ${describe(value)} is there`);
}

function bigInteger(tag: string, vr: string, value: unknown): bigint {
  const isWhole = Number.isInteger(value) || (typeof value === 'string' && /^-?\d{1,20}$/.test(value));
  const whole = isWhole ? BigInt(value as string | number) : undefined;
  const isHeld = whole !== undefined && whole === (vr === 'SV' ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole));
  if (!isHeld) throw invalid(tag, `a value of VR ${vr} is a whole number of 64 bits, and ${describe(value)} is there`);
  return whole;
}

const describe = (value: unknown) => JSON.stringify(value)?.slice(0, 60) ?? 'nothing';

function invalid(tag: string, what: string): DicomError {
  return new DicomError('invalid-value', `The element cannot be written: ${what}`, { tag });
}
