import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { AttributeCoercion } from './coerce-attributes.js';
import { type DicomJson, jsonItems } from './dicom-json.js';
import { readFrameRange } from './parsed-instance.js';
import { DatasetBytes, part10, uids } from './part10-builder.js';
import { readPart10 } from './read-part10.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const now = new Date('2024-02-29T10:15:00.123Z');
const kept: DicomJson = {
  '00080050': { vr: 'SH', Value: ['ACC-1'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Right^Name' }] },
  '00100020': { vr: 'LO', Value: ['RIGHT'] },
  '00100030': { vr: 'DA', Value: ['19700101'] },
  '00100040': { vr: 'CS' },
};

async function coerce(object: Uint8Array, word: DicomJson | null = kept, chunkBytes = 64 * 1024) {
  const coercion = new AttributeCoercion({
    kept: async (uid) => (uid === uids.study ? (word ?? undefined) : undefined),
    modifyingSystem: 'TEST',
    now,
  });
  const chunks: Uint8Array[] = [];
  async function* body() {
    for (let at = 0; at < object.length; at += chunkBytes) yield object.subarray(at, at + chunkBytes);
  }
  for await (const chunk of coercion.rewrite(body())) chunks.push(Buffer.from(chunk));
  return { coercion, bytes: Buffer.concat(chunks) };
}

interface Content {
  charset?: string;
  name?: string | Buffer;
  before?: (build: DatasetBytes) => Buffer[];
  after?: (build: DatasetBytes) => Buffer[];
}

function dataset(build: DatasetBytes, { charset, name = 'Wrong^Name', before, after }: Content = {}): Buffer {
  return Buffer.concat([
    ...(charset === undefined ? [] : [build.element('00080005', 'CS', charset)]),
    build.element('00080016', 'UI', uids.sopClass),
    build.element('00080018', 'UI', uids.sopInstance),
    build.element('00080050', 'SH', 'ACC-1'),
    ...(before?.(build) ?? []),
    build.element('00100010', 'PN', name),
    build.element('00100020', 'LO', 'WRONG'),
    build.element('00100030', 'DA'),
    build.element('00100040', 'CS', 'F'),
    build.element('0020000D', 'UI', uids.study),
    build.element('0020000E', 'UI', uids.series),
    build.us('00280010', 2),
    ...(after?.(build) ?? [build.element('7FE00010', 'OW', Buffer.alloc(9000, 7))]),
  ]);
}

const syntaxes: [string, string, DatasetBytes][] = [
  ['explicit', explicitLittleEndian, new DatasetBytes()],
  ['implicit', '1.2.840.10008.1.2', new DatasetBytes({ implicit: true })],
  ['big endian', '1.2.840.10008.1.2.2', new DatasetBytes({ bigEndian: true })],
];

const modified = (read: DicomJson) => jsonItems(read, '04000561');
// To JavaScript a key without a leading zero is an index, and comes first.
const inOrder = (read: DicomJson) => Object.keys(read).filter((tag) => tag.startsWith('0'));

describe('AttributeCoercion', () => {
  it.each(syntaxes)('replaces what contradicts, and records what it was: %s', async (_name, syntax, build) => {
    const object = part10(dataset(build), syntax);
    for (const chunkBytes of [1, 13, 100, 64 * 1024]) {
      const { coercion, bytes } = await coerce(object, kept, chunkBytes);
      const sent = object.subarray(readPart10(object).datasetOffset);
      const datasetSha256 = createHash('sha256').update(sent).digest('hex');
      expect([coercion.isCoerced, coercion.datasetSha256]).toEqual([true, datasetSha256]);
      const { dataset: read, transferSyntaxUid } = readPart10(bytes);
      expect(transferSyntaxUid).toBe(syntax);
      expect(read['00100010']?.Value).toEqual([{ Alphabetic: 'Right^Name' }]);
      expect(read['00100020']?.Value).toEqual(['RIGHT']);
      // What it leaves out, and what the archive has no word on, stay.
      expect(read['00100030']).toEqual({ vr: 'DA' });
      expect(read['00100040']?.Value).toEqual(['F']);
      expect(modified(read)).toEqual([
        {
          '04000550': {
            vr: 'SQ',
            Value: [
              {
                '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Wrong^Name' }] },
                '00100020': { vr: 'LO', Value: ['WRONG'] },
              },
            ],
          },
          '04000562': { vr: 'DT', Value: ['20240229101500.123000+0000'] },
          '04000563': { vr: 'LO', Value: ['TEST'] },
          '04000564': { vr: 'LO' },
          '04000565': { vr: 'CS', Value: ['COERCE'] },
        },
      ]);
      expect(inOrder(read)).toEqual(inOrder(read).sort());
      expect(bytes.subarray(-9000).equals(Buffer.alloc(9000, 7))).toBe(true);
    }
  });

  it('leaves an instance that agrees, or whose study is not here, byte for byte as it is', async () => {
    const object = part10(dataset(new DatasetBytes()), explicitLittleEndian);
    const { bytes: agreeing } = await coerce(object);
    for (const [bytes, word] of [
      [agreeing, kept],
      [object, null],
      [object, {}],
    ] as const) {
      for (const chunkBytes of [7, 64 * 1024]) {
        const result = await coerce(bytes, word, chunkBytes);
        expect([result.coercion.isCoerced, result.bytes.equals(bytes)]).toEqual([false, true]);
      }
    }
  });

  it.each([
    ['of defined length', true],
    ['with delimiters', false],
  ])('adds its record to those of others, %s', async (_how, defined) => {
    for (const [, syntax, build] of syntaxes) {
      const other = build.element('04000563', 'LO', 'OTHER');
      const object = part10(
        dataset(build, {
          after: () => [
            build.sequence('04000561', [other], { defined }),
            build.element('7FE00010', 'OW', Buffer.alloc(4)),
          ],
        }),
        syntax,
      );
      for (const chunkBytes of [1, 64 * 1024]) {
        const { bytes } = await coerce(object, kept, chunkBytes);
        expect(modified(readPart10(bytes).dataset).map((item) => item['04000563']?.Value)).toEqual([
          ['TEST'],
          ['OTHER'],
        ]);
      }
    }
  });

  it.each([
    ['nothing', () => []],
    ['padding', () => [Buffer.alloc(100)]],
    ['a little padding', () => [Buffer.alloc(3)]],
    ['trailing padding', (build: DatasetBytes) => [build.element('FFFCFFFC', 'OB', Buffer.alloc(10))]],
    ['a sequence', (build: DatasetBytes) => [build.sequence('52009230', [build.us('00280010', 1)])]],
    ['an earlier sequence', (build: DatasetBytes) => [build.sequence('00400275', [build.us('00280010', 1)])]],
  ])('finds the place of its record before %s', async (_what, after) => {
    for (const [, syntax, build] of syntaxes) {
      const object = part10(dataset(build, { after }), syntax);
      const before = readPart10(object).dataset;
      for (const chunkBytes of [1, 64 * 1024]) {
        const { dataset: read } = readPart10((await coerce(object, kept, chunkBytes)).bytes);
        expect(modified(read)).toHaveLength(1);
        expect(Object.keys(read).filter((tag) => tag !== '04000561')).toEqual(Object.keys(before));
        expect(inOrder(read)).toEqual(inOrder(read).sort());
      }
    }
  });

  it('takes group lengths away where they would be wrong', async () => {
    for (const [, syntax, build] of syntaxes) {
      const length = (tag: string) => build.element(tag, 'UL', build.numbers(4, [1000]));
      const object = part10(
        Buffer.concat([
          length('00080000'),
          dataset(build, {
            before: () => [length('00100000')],
            after: () => [length('7FE00000'), build.element('7FE00010', 'OW', Buffer.alloc(4))],
          }),
        ]),
        syntax,
      );
      for (const chunkBytes of [1, 64 * 1024]) {
        const { bytes } = await coerce(object, kept, chunkBytes);
        expect(modified(readPart10(bytes).dataset)).toHaveLength(1);
        const at = (tag: string) => bytes.indexOf(length(tag).subarray(0, 8));
        expect(at('00080000')).toBeGreaterThan(0);
        expect(at('00100000')).toBe(-1);
        // The record stands before the group, not between its length and the rest of it.
        const record = bytes.indexOf(build.header('04000561', 'SQ', 0).subarray(0, 4));
        expect(record).toBeLessThan(at('7FE00000'));
      }
    }
  });

  it('keeps compressed frames and their table right', async () => {
    const build = new DatasetBytes();
    const frames = [Buffer.from('ffd8ff0102', 'hex'), Buffer.from('ffd8ff0304', 'hex')].map((frame) =>
      Buffer.concat([frame, Buffer.alloc(1)]),
    );
    const object = part10(
      dataset(build, {
        after: () => [build.element('00280008', 'IS', '2'), build.fragments([0, 14], frames)],
      }).subarray(0),
      '1.2.840.10008.1.2.4.50',
    );
    const { bytes } = await coerce(object);
    const { frames: table } = readPart10(bytes);
    if (table.kind !== 'encapsulated') throw new Error(table.kind);
    const { offset, length } = readFrameRange(table.entries, 1);
    expect(bytes.subarray(offset, offset + length).equals(frames[1]!)).toBe(true);
  });

  it.each([
    ['ISO_IR 100', 'M\xfcller^J\xf6rg', 'Łukasz', undefined],
    ['ISO_IR 100', 'x', 'Müller^Jörg', 'Müller^Jörg'],
    ['ISO_IR 101', 'x', 'Łukasz^Ň', 'Łukasz^Ň'],
    ['ISO_IR 144', 'x', 'Люк', 'Люк'],
    ['ISO_IR 192', 'x', 'Łukasz^山', 'Łukasz^山'],
    ['\\ISO 2022 IR 87', 'x', '山', undefined],
    [undefined, 'x', 'Müller', undefined],
  ])('writes the archive’s word in the character set %s, or leaves it', async (charset, name, word, expected) => {
    const object = part10(
      dataset(new DatasetBytes(), {
        ...(charset !== undefined && { charset }),
        name: Buffer.from(`${name} `.slice(0, name.length + (name.length % 2)), 'latin1'),
      }),
      explicitLittleEndian,
    );
    const { bytes, coercion } = await coerce(object, { '00100010': { vr: 'PN', Value: [{ Alphabetic: word }] } });
    expect(coercion.isCoerced).toBe(expected !== undefined);
    const { dataset: read } = readPart10(bytes);
    if (expected === undefined) expect(bytes.equals(object)).toBe(true);
    else expect(read['00100010']?.Value).toEqual([{ Alphabetic: expected }]);
  });

  it.each([
    ['a deflated one', () => part10(dataset(new DatasetBytes()), '1.2.840.10008.1.2.1.99')],
    ['one that is cut off', () => part10(dataset(new DatasetBytes()), explicitLittleEndian).subarray(0, 260)],
    ['what is no DICOM', () => Buffer.alloc(500, 'no ')],
    [
      'one without study',
      () => part10(Buffer.concat([new DatasetBytes().element('00100020', 'LO', 'X')]), explicitLittleEndian),
    ],
    ['nothing', () => Buffer.alloc(0)],
  ])('passes on unchanged: %s', async (_what, make) => {
    const object = make();
    const { bytes, coercion } = await coerce(object, kept, 50);
    expect([coercion.isCoerced, bytes.equals(object)]).toEqual([false, true]);
  });

  it('coerces an object without preamble and File Meta', async () => {
    const { bytes, coercion } = await coerce(dataset(new DatasetBytes()), kept, 10);
    expect(coercion.isCoerced).toBe(true);
    expect(readPart10(bytes).dataset['00100020']?.Value).toEqual(['RIGHT']);
  });
});
