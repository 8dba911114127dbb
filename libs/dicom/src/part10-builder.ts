import { deflateRawSync } from 'node:zlib';
import { writeFileMeta } from './write-file-meta.js';

// Makes DICOM byte by byte for the tests of this library. Knows nothing of the reader: what it writes is what the test says.

export interface Syntax {
  implicit?: boolean;
  bigEndian?: boolean;
}

type Bytes = Uint8Array | string;

/** Writes elements as a test describes them; lengths can be made to lie. */
export class DatasetBytes {
  constructor(private readonly syntax: Syntax = {}) {}

  /** @param value text in Latin 1, padded to even length with a space (NUL for UI and binary), or bytes as they are */
  element(tag: string, vr: string, value: Bytes = '', length?: number): Buffer {
    const bytes = typeof value === 'string' ? Buffer.from(pad(value, vr), 'latin1') : Buffer.from(value);
    return Buffer.concat([this.header(tag, vr, length ?? bytes.length), bytes]);
  }

  us(tag: string, ...values: number[]): Buffer {
    return this.element(tag, 'US', this.numbers(2, values));
  }

  numbers(size: 2 | 4, values: number[]): Buffer {
    const bytes = Buffer.alloc(values.length * size);
    for (const [index, value] of values.entries()) {
      if (this.syntax.bigEndian === true) bytes.writeUIntBE(value, index * size, size);
      else bytes.writeUIntLE(value, index * size, size);
    }
    return bytes;
  }

  /** A sequence with delimiters, or with lengths. */
  sequence(tag: string, items: Buffer[], { defined = false, vr = 'SQ' } = {}): Buffer {
    const bodies = items.map((item) => (defined ? this.item(item) : this.delimited(item)));
    const body = Buffer.concat(bodies);
    if (defined) return Buffer.concat([this.header(tag, vr, body.length), body]);
    return Buffer.concat([this.header(tag, vr, 0xffffffff), body, this.itemHeader(0xe0dd, 0)]);
  }

  item(content: Uint8Array): Buffer {
    return Buffer.concat([this.itemHeader(0xe000, content.length), content]);
  }

  delimited(content: Uint8Array): Buffer {
    return Buffer.concat([this.itemHeader(0xe000, 0xffffffff), content, this.itemHeader(0xe00d, 0)]);
  }

  /** Encapsulated pixel data: offset table first, then fragments. */
  fragments(offsets: number[], fragments: Uint8Array[], tag = '7FE00010'): Buffer {
    return Buffer.concat([
      this.header(tag, 'OB', 0xffffffff),
      this.item(this.numbers(4, offsets)),
      ...fragments.map((fragment) => this.item(fragment)),
      this.itemHeader(0xe0dd, 0),
    ]);
  }

  header(tag: string, vr: string, length: number): Buffer {
    const { implicit = false, bigEndian = false } = this.syntax;
    const isLong = !implicit && /^(O[BDFLVW]|SQ|SV|U[CNRTV])$/.test(vr);
    const header = Buffer.alloc(isLong ? 12 : 8);
    const write16 = (value: number, at: number) =>
      bigEndian ? header.writeUInt16BE(value, at) : header.writeUInt16LE(value, at);
    const write32 = (value: number, at: number) =>
      bigEndian ? header.writeUInt32BE(value, at) : header.writeUInt32LE(value, at);
    write16(parseInt(tag.slice(0, 4), 16), 0);
    write16(parseInt(tag.slice(4), 16), 2);
    if (implicit) {
      write32(length, 4);
      return header;
    }
    header.write(vr, 4, 'latin1');
    if (isLong) write32(length, 8);
    else write16(length, 6);
    return header;
  }

  itemHeader(element: number, length: number): Buffer {
    return new DatasetBytes({ ...this.syntax, implicit: true }).header(
      `FFFE${element.toString(16).padStart(4, '0')}`,
      '',
      length,
    );
  }
}

export const uids = {
  sopClass: '1.2.840.10008.5.1.4.1.1.7',
  sopInstance: '1.2.3.4',
  study: '1.2.3.1',
  series: '1.2.3.2',
};

/** The four UIDs without which nothing is an instance, in their place among other elements. */
export function instanceBytes(
  build: DatasetBytes,
  { before = [], after = [] }: { before?: Buffer[]; after?: Buffer[] } = {},
): Buffer {
  return Buffer.concat([
    ...before,
    build.element('00080016', 'UI', uids.sopClass),
    build.element('00080018', 'UI', uids.sopInstance),
    build.element('0020000D', 'UI', uids.study),
    build.element('0020000E', 'UI', uids.series),
    ...after,
  ]);
}

export const implicitLittleEndian = '1.2.840.10008.1.2';
export const explicitLittleEndian = '1.2.840.10008.1.2.1';
export const deflated = '1.2.840.10008.1.2.1.99';
export const explicitBigEndian = '1.2.840.10008.1.2.2';
export const jpegBaseline = '1.2.840.10008.1.2.4.50';

/** Preamble, File Meta and dataset. */
export function part10(dataset: Uint8Array, transferSyntaxUid = explicitLittleEndian): Buffer {
  const body = transferSyntaxUid === deflated ? deflateRawSync(dataset) : dataset;
  return Buffer.concat([writeFileMeta(uids.sopClass, uids.sopInstance, transferSyntaxUid), body]);
}

/** Elements that make native pixel data of `bits` x rows x columns. */
export function imageElements(
  build: DatasetBytes,
  { rows = 2, columns = 2, samples = 1, bits = 8, frames = 1, photometric = 'MONOCHROME2' } = {},
): Buffer[] {
  return [
    build.us('00280002', samples),
    build.element('00280004', 'CS', photometric),
    build.element('00280008', 'IS', String(frames)),
    build.us('00280010', rows),
    build.us('00280011', columns),
    build.us('00280100', bits),
  ];
}

function pad(text: string, vr: string): string {
  if (text.length % 2 === 0) return text;
  return text + (vr === 'UI' || vr.startsWith('O') || vr === 'UN' ? '\0' : ' ');
}
