import { deflateRawSync } from 'node:zlib';
import type { DicomJson } from '#libs/dicom';

type Element = DicomJson[string];

/**
 * DICOM JSON to Part 10 bytes (PS3.10 section 7, PS3.5 section 7), for tests. It shares no code with the library under
 * test on purpose, and writes what it is told to, right or wrong.
 *
 * Syntaxes: Implicit and Explicit VR Little Endian, Explicit VR Big Endian, Deflated; any other UID is written as
 * Explicit VR Little Endian and is meant for encapsulated pixel data (`fragments`).
 */
export function encodePart10(
  dataset: DicomJson,
  transferSyntaxUid: string,
  pixels: { native: Uint8Array } | { offsetTable: number[]; fragments: Uint8Array[] } | undefined,
): Buffer {
  const explicit = new Encoder(true, false);
  const meta = Buffer.concat([
    explicit.element('00020001', { vr: 'OB', InlineBinary: 'AAE=' }),
    explicit.element('00020002', { vr: 'UI', Value: [firstText(dataset['00080016'])] }),
    explicit.element('00020003', { vr: 'UI', Value: [firstText(dataset['00080018'])] }),
    explicit.element('00020010', { vr: 'UI', Value: [transferSyntaxUid] }),
    explicit.element('00020012', { vr: 'UI', Value: ['2.25.1'] }),
  ]);
  const encoder = new Encoder(transferSyntaxUid !== '1.2.840.10008.1.2', transferSyntaxUid === '1.2.840.10008.1.2.2');
  const body = encoder.dataset(dataset, pixels);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    explicit.element('00020000', { vr: 'UL', Value: [meta.length] }),
    meta,
    transferSyntaxUid === '1.2.840.10008.1.2.1.99' ? evenDeflate(body) : body,
  ]);
}

type Pixels = Parameters<typeof encodePart10>[2];

const longForm = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const wordBytes: Record<string, number> = {
  AT: 2,
  FD: 8,
  FL: 4,
  OD: 8,
  OF: 4,
  OL: 4,
  OV: 8,
  OW: 2,
  SL: 4,
  SS: 2,
  SV: 8,
  UL: 4,
  US: 2,
  UV: 8,
};
const pixelData = '7FE00010';

class Encoder {
  // Plain fields: Node runs this file without compiling it.
  private readonly explicit: boolean;
  private readonly bigEndian: boolean;

  constructor(explicit: boolean, bigEndian: boolean) {
    this.explicit = explicit;
    this.bigEndian = bigEndian;
  }

  dataset(dataset: DicomJson, pixels?: Pixels): Buffer {
    const tags = Object.keys(dataset);
    if (pixels && !tags.includes(pixelData)) tags.push(pixelData);
    tags.sort();
    return Buffer.concat(
      tags.map((tag) => {
        const element = dataset[tag];
        if (tag === pixelData && pixels) return this.pixelData(pixels, dataset);
        return this.element(tag, element ?? { vr: 'UN' });
      }),
    );
  }

  element(tag: string, element: Element): Buffer {
    const value = this.value(tag, element);
    return Buffer.concat([this.header(tag, element.vr, value.length), value]);
  }

  private pixelData(pixels: NonNullable<Pixels>, dataset: DicomJson): Buffer {
    if ('native' in pixels) {
      const words = Number(dataset['00280100']?.Value?.[0]) > 8 || !this.explicit ? 'OW' : 'OB';
      const bytes = Buffer.from(evenBytes(Buffer.from(pixels.native), 0));
      if (this.bigEndian && words === 'OW') bytes.swap16();
      return Buffer.concat([this.header(pixelData, words, bytes.length), bytes]);
    }
    const table = Buffer.alloc(pixels.offsetTable.length * 4);
    pixels.offsetTable.forEach((offset, index) => table.writeUInt32LE(offset, index * 4));
    return Buffer.concat([
      this.header(pixelData, 'OB', 0xffffffff),
      ...[table, ...pixels.fragments].flatMap((item) => {
        const even = evenBytes(Buffer.from(item), 0);
        return [this.itemHeader('FFFEE000', even.length), even];
      }),
      this.itemHeader('FFFEE0DD', 0),
    ]);
  }

  private header(tag: string, vr: string, length: number): Buffer {
    if (!this.explicit) return this.itemHeader(tag, length);
    const long = longForm.has(vr);
    const header = Buffer.alloc(long ? 12 : 8);
    this.write(header, Number.parseInt(tag.slice(0, 4), 16), 0, 2);
    this.write(header, Number.parseInt(tag.slice(4), 16), 2, 2);
    header.write(vr, 4, 'latin1');
    if (long) this.write(header, length, 8, 4);
    else if (length > 0xffff) throw new RangeError(`${tag} ${vr}: ${length} bytes do not fit a 16-bit length`);
    else this.write(header, length, 6, 2);
    return header;
  }

  private itemHeader(tag: string, length: number): Buffer {
    const header = Buffer.alloc(8);
    this.write(header, Number.parseInt(tag.slice(0, 4), 16), 0, 2);
    this.write(header, Number.parseInt(tag.slice(4), 16), 2, 2);
    this.write(header, length, 4, 4);
    return header;
  }

  private value(tag: string, element: Element): Buffer {
    const { vr } = element;
    if (element.BulkDataURI !== undefined) throw new TypeError(`${tag}: a test instance holds its own bytes`);
    const values = element.Value ?? [];
    if (vr === 'SQ') {
      return Buffer.concat(
        values.flatMap((item) => {
          const body = this.dataset(item as DicomJson);
          return [this.itemHeader('FFFEE000', body.length), body];
        }),
      );
    }
    if (element.InlineBinary !== undefined) {
      const bytes = Buffer.from(evenBytes(Buffer.from(element.InlineBinary, 'base64'), 0));
      return this.bigEndian ? swapWords(bytes, wordBytes[vr] ?? 1) : bytes;
    }
    if (vr === 'AT') {
      return Buffer.concat(values.map((value) => this.itemHeader(String(value), 0).subarray(0, 4)));
    }
    const size = wordBytes[vr];
    if (size !== undefined) {
      const bytes = Buffer.alloc(size * values.length);
      values.forEach((value, index) => writeNumber(bytes, vr, value as number, index * size));
      return this.bigEndian ? swapWords(bytes, size) : bytes;
    }
    const text = values.map((value) => (vr === 'PN' ? personName(value) : value === null ? '' : String(value)));
    return evenBytes(Buffer.from(text.join('\\'), 'utf8'), vr === 'UI' || vr === 'OB' || vr === 'UN' ? 0 : 0x20);
  }

  private write(target: Buffer, value: number, offset: number, size: number): void {
    if (this.bigEndian) target.writeUIntBE(value, offset, size);
    else target.writeUIntLE(value, offset, size);
  }
}

function writeNumber(bytes: Buffer, vr: string, value: number, offset: number): void {
  switch (vr) {
    case 'FL':
    case 'OF':
      return void bytes.writeFloatLE(value, offset);
    case 'FD':
    case 'OD':
      return void bytes.writeDoubleLE(value, offset);
    case 'SS':
      return void bytes.writeInt16LE(value, offset);
    case 'SL':
      return void bytes.writeInt32LE(value, offset);
    case 'SV':
      return void bytes.writeBigInt64LE(BigInt(value), offset);
    case 'UV':
    case 'OV':
      return void bytes.writeBigUInt64LE(BigInt(value), offset);
    case 'UL':
    case 'OL':
      return void bytes.writeUInt32LE(value, offset);
    default:
      bytes.writeUInt16LE(value, offset);
  }
}

function swapWords(bytes: Buffer, size: number): Buffer {
  if (size === 2) return bytes.swap16();
  if (size === 4) return bytes.swap32();
  return size === 8 ? bytes.swap64() : bytes;
}

function personName(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value ?? '');
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as Record<string, string>;
  return [Alphabetic, Ideographic, Phonetic].join('=').replace(/=+$/, '');
}

function evenBytes(bytes: Buffer, padding: number): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from([padding])]);
}

function evenDeflate(bytes: Buffer): Buffer {
  return evenBytes(deflateRawSync(bytes), 0);
}

function firstText(element: Element | undefined): string {
  return String(element?.Value?.[0] ?? '');
}
