import { type Encoding, hasLongLength } from './element-header.js';

// Elements in the encoding of the object they are put into (PS3.5 7.1, 7.5): of known length, never with delimiters.

export function tagBytes(tag: string, encoding: Encoding): Buffer {
  const bytes = Buffer.from(tag, 'hex');
  return encoding.bigEndian ? bytes : bytes.swap16();
}

export function uint32(value: number, { bigEndian }: Encoding): Buffer {
  const bytes = Buffer.alloc(4);
  if (bigEndian) bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}

export const readUint32 = (bytes: Buffer, { bigEndian }: Encoding) =>
  bigEndian ? bytes.readUInt32BE() : bytes.readUInt32LE();

export function writeElement(tag: string, vr: string, value: Buffer, encoding: Encoding): Buffer {
  const name = tagBytes(tag, encoding);
  if (encoding.implicit) return Buffer.concat([name, uint32(value.length, encoding), value]);
  const letters = Buffer.from(vr, 'latin1');
  if (hasLongLength(vr)) {
    return Buffer.concat([name, letters, Buffer.alloc(2), uint32(value.length, encoding), value]);
  }
  const length = Buffer.alloc(2);
  if (encoding.bigEndian) length.writeUInt16BE(value.length);
  else length.writeUInt16LE(value.length);
  return Buffer.concat([name, letters, length, value]);
}

export function writeItem(elements: Buffer, encoding: Encoding): Buffer {
  return Buffer.concat([tagBytes('FFFEE000', encoding), uint32(elements.length, encoding), elements]);
}
