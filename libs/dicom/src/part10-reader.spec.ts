import { describe, expect, it } from '@jest/globals';
import { DicomError } from './errors.js';
import type { ParsedInstance, Part10ReaderOptions } from './parsed-instance.js';
import {
  DatasetBytes,
  deflated,
  explicitBigEndian,
  explicitLittleEndian,
  imageElements,
  implicitLittleEndian,
  instanceBytes,
  jpegBaseline,
  part10,
  uids,
} from './part10-builder.js';
import { Part10Reader } from './part10-reader.js';
import { readPart10 } from './read-part10.js';

const explicit = new DatasetBytes();
const implicit = new DatasetBytes({ implicit: true });
const big = new DatasetBytes({ bigEndian: true });

function readInChunks(bytes: Buffer, size: number, options?: Part10ReaderOptions): ParsedInstance {
  const reader = new Part10Reader(options);
  // One buffer for all chunks, spoilt after each write: nothing may be referred to afterwards.
  const chunk = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const count = bytes.copy(chunk, 0, at, at + size);
    reader.write(chunk.subarray(0, count));
    chunk.fill(0xee);
  }
  return reader.end();
}

function errorOf(act: () => unknown): DicomError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(DicomError);
    return error as DicomError;
  }
  throw new Error('it was read without an error');
}

function nested(build: DatasetBytes, options = {}): Buffer[] {
  const code = (value: string) => build.element('00080100', 'SH', value);
  return [
    build.sequence(
      '0040A730',
      [
        build.sequence('0040A043', [code('one'), code('two')], options),
        build.sequence('0040A043', [Buffer.alloc(0)], options),
      ],
      options,
    ),
    build.sequence('00409096', [], options),
  ];
}

const nestedJson = {
  '00409096': { vr: 'SQ' },
  '0040A730': {
    vr: 'SQ',
    Value: [
      {
        '0040A043': {
          vr: 'SQ',
          Value: [{ '00080100': { vr: 'SH', Value: ['one'] } }, { '00080100': { vr: 'SH', Value: ['two'] } }],
        },
      },
      { '0040A043': { vr: 'SQ', Value: [{}] } },
    ],
  },
};

describe('Part10Reader', () => {
  it.each([
    ['explicit little endian', explicit, explicitLittleEndian],
    ['implicit little endian', implicit, implicitLittleEndian],
    ['explicit big endian', big, explicitBigEndian],
    ['deflated', explicit, deflated],
  ])('reads %s to the same dataset, in chunks of any size', (_name, build, syntax) => {
    const bytes = part10(
      instanceBytes(build, {
        after: [
          build.element('00200013', 'IS', '7'),
          ...imageElements(build, { rows: 4, columns: 4, bits: 16 }),
          ...nested(build),
          build.element('7FE00010', 'OW', Buffer.alloc(32, 1)),
        ],
      }),
      syntax,
    );
    const whole = readPart10(bytes);
    expect(whole).toMatchObject({
      transferSyntaxUid: syntax,
      sopClassUid: uids.sopClass,
      sopInstanceUid: uids.sopInstance,
      studyInstanceUid: uids.study,
      seriesInstanceUid: uids.series,
      bytes: bytes.length,
    });
    expect(whole.dataset).toMatchObject({
      '00200013': { vr: 'IS', Value: [7] },
      '00280010': { vr: 'US', Value: [4] },
      ...nestedJson,
    });
    expect(whole.dataset['7FE00010']).toEqual({ vr: 'OW', BulkDataURI: 'bulkdata/7FE00010' });
    for (const size of [1, 2, 3, 7, 64, 131, 133]) expect(readInChunks(bytes, size)).toEqual(whole);
  });

  it('says where the dataset begins: behind preamble and File Meta', () => {
    for (const syntax of [explicitLittleEndian, deflated]) {
      const bytes = part10(instanceBytes(explicit), syntax);
      const expected = 132 + 12 + bytes.readUInt32LE(140);
      for (const size of [1, 5, 1000]) expect(readInChunks(bytes, size).datasetOffset).toBe(expected);
    }
  });

  it('reads sequences and items with lengths like those with delimiters', () => {
    const lengths = readPart10(part10(instanceBytes(explicit, { after: nested(explicit, { defined: true }) })));
    expect(lengths.dataset).toMatchObject(nestedJson);
  });

  it('reads UN of undefined length as a sequence in implicit little endian, even in big endian (PS3.5 6.2.2)', () => {
    for (const [build, syntax] of [
      [explicit, explicitLittleEndian],
      [big, explicitBigEndian],
    ] as const) {
      const content = implicit.sequence('00091010', [implicit.element('00080100', 'SH', 'code')]).subarray(8);
      const sequence = Buffer.concat([build.header('00091010', 'UN', 0xffffffff), content]);
      const { dataset } = readPart10(part10(instanceBytes(build, { before: [], after: [sequence] }), syntax));
      expect(dataset['00091010']).toEqual({ vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['code'] } }] });
    }
  });

  it('gives a public element stored as UN the VR it has in the dictionary', () => {
    const rows = explicit.element('00280010', 'UN', Buffer.from([0x00, 0x02]));
    const items = implicit
      .sequence('00081140', [implicit.element('00081155', 'UI', '1.2.3')], { defined: true })
      .subarray(8);
    const sequence = explicit.element('00081140', 'UN', items);
    const { dataset } = readPart10(part10(instanceBytes(explicit, { after: [sequence, rows] })));
    expect(dataset['00280010']).toEqual({ vr: 'US', Value: [512] });
    expect(dataset['00081140']).toEqual({ vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: ['1.2.3'] } }] });
  });

  it('knows implicit VRs that depend on others', () => {
    const build = implicit;
    const elements = (representation: number) => [
      build.us('00280103', representation),
      build.element('00280106', 'SS', Buffer.from([0xfe, 0xff])),
      build.sequence('00283010', [build.element('00283002', 'US', Buffer.from([0, 1, 0xff, 0xff, 16, 0]))]),
      build.element('00091001', 'UN', 'private'),
      build.element('00090010', 'LO', 'CREATOR'),
      build.element('60023000', 'OW', Buffer.from([1, 2])),
      build.us('60020010', 3),
    ];
    const read = (representation: number) =>
      readPart10(part10(instanceBytes(build, { after: elements(representation) }), implicitLittleEndian)).dataset;
    expect(read(1)).toMatchObject({
      '00280106': { vr: 'SS', Value: [-2] },
      '00283010': { vr: 'SQ', Value: [{ '00283002': { vr: 'SS', Value: [256, -1, 16] } }] },
      '00090010': { vr: 'LO', Value: ['CREATOR'] },
      '00091001': { vr: 'UN', InlineBinary: Buffer.from('private\0').toString('base64') },
      '60020010': { vr: 'US', Value: [3] },
      '60023000': { vr: 'OW', InlineBinary: 'AQI=' },
    });
    expect(read(0)['00280106']).toEqual({ vr: 'US', Value: [65534] });
  });

  it('refers to binary values beyond the inline limit, at it not yet', () => {
    const after = [
      explicit.element('00420011', 'OB', Buffer.alloc(20, 1)),
      explicit.sequence('54000100', [explicit.element('54001010', 'OW', Buffer.alloc(22, 2))]),
      explicit.element('00091001', 'UN', Buffer.alloc(22, 3)),
    ];
    const bytes = part10(instanceBytes(explicit, { after }));
    const { dataset } = readPart10(bytes, { inlineBytesMax: 20, bulkDataPrefix: (path) => `/x/${path}` });
    expect(dataset['00420011']).toEqual({ vr: 'OB', InlineBinary: Buffer.alloc(20, 1).toString('base64') });
    expect(dataset['54000100']?.Value).toEqual([{ '54001010': { vr: 'OW', BulkDataURI: '/x/54000100/0/54001010' } }]);
    // Viewers refuse a BulkDataURI of VR UN.
    expect(dataset['00091001']).toEqual({ vr: 'OB', BulkDataURI: '/x/00091001' });
  });

  it('gives inline binary of big endian in little endian', () => {
    const after = [
      big.element('00281201', 'OW', Buffer.from([1, 2, 3, 4])),
      big.element('00660016', 'OF', Buffer.from([1, 2, 3, 4])),
      big.element('00420011', 'OB', Buffer.from([1, 2])),
    ];
    const { dataset } = readPart10(part10(instanceBytes(big, { after }), explicitBigEndian));
    expect(dataset['00281201']?.InlineBinary).toBe(Buffer.from([2, 1, 4, 3]).toString('base64'));
    expect(dataset['00660016']?.InlineBinary).toBe(Buffer.from([4, 3, 2, 1]).toString('base64'));
    expect(dataset['00420011']?.InlineBinary).toBe(Buffer.from([1, 2]).toString('base64'));
  });

  it('never puts pixel data into the dataset, however small', () => {
    const after = [explicit.element('7FE00010', 'OB', Buffer.from([1, 2]))];
    const { dataset } = readPart10(part10(instanceBytes(explicit, { after })));
    expect(dataset['7FE00010']).toEqual({ vr: 'OB', BulkDataURI: 'bulkdata/7FE00010' });
  });

  it('leaves out group lengths, File Meta and trailing padding', () => {
    const after = [
      explicit.element('00400000', 'UL', Buffer.alloc(4, 255)),
      explicit.element('FFFCFFFC', 'OB', Buffer.alloc(64)),
    ];
    const { dataset } = readPart10(part10(instanceBytes(explicit, { after })));
    expect(Object.keys(dataset)).toEqual(['00080016', '00080018', '0020000D', '0020000E']);
  });

  it('puts elements that come out of order in order, and lets the last of two count', () => {
    const before = [
      explicit.element('00400555', 'SQ'),
      explicit.element('00080060', 'CS', 'CT'),
      explicit.element('00080060', 'CS', 'MR'),
    ];
    const { dataset } = readPart10(part10(instanceBytes(explicit, { before })));
    expect(Object.keys(dataset)).toEqual(['00080016', '00080018', '00080060', '0020000D', '0020000E', '00400555']);
    expect(dataset['00080060']).toEqual({ vr: 'CS', Value: ['MR'] });
  });
});

describe('Part10Reader, tolerant', () => {
  const dataset = (build: DatasetBytes) =>
    instanceBytes(build, {
      before: [build.element('00080008', 'CS', 'ORIGINAL')],
      after: [build.element('00100020', 'LO', 'P1')],
    });

  it.each([
    ['explicit little endian', explicit, explicitLittleEndian],
    ['implicit little endian', implicit, implicitLittleEndian],
    ['explicit big endian', big, explicitBigEndian],
  ])('reads a dataset in %s without preamble and File Meta', (_name, build, syntax) => {
    const bytes = dataset(build);
    const whole = readPart10(bytes);
    expect(whole.transferSyntaxUid).toBe(syntax);
    expect(whole.dataset['00100020']).toEqual({ vr: 'LO', Value: ['P1'] });
    expect(whole.datasetOffset).toBe(0);
    expect(readInChunks(bytes, 1)).toEqual(whole);
    // Longer than a preamble, it is told apart at once.
    const long = Buffer.concat([bytes, build.element('00104000', 'LT', 'x'.repeat(400))]);
    expect(readInChunks(long, 3).dataset).toEqual(readPart10(long).dataset);
  });

  it('reads File Meta without preamble', () => {
    expect(readPart10(part10(dataset(explicit)).subarray(132)).dataset['00100020']).toEqual({
      vr: 'LO',
      Value: ['P1'],
    });
  });

  it('takes "DICM" in the text of a dataset without preamble for text', () => {
    const build = explicit;
    const start = build.element('00080008', 'CS', 'ORIGINAL');
    const text = build.element('00080012', 'ST', `${'x'.repeat(132 - start.length - 8 - 4)}DICM and so on`);
    const bytes = Buffer.concat([start, text, instanceBytes(build)]);
    expect(bytes.toString('latin1', 128, 132)).toBe('DICM');
    expect(readPart10(bytes).sopInstanceUid).toBe(uids.sopInstance);
  });

  it.each([0, 5, 0x7fffffff])('reads on whatever group length File Meta claims (%i)', (length) => {
    const bytes = part10(dataset(explicit));
    bytes.writeUInt32LE(length, 140);
    expect(readPart10(bytes).dataset['00100020']).toEqual({ vr: 'LO', Value: ['P1'] });
  });

  it.each([1, 7, 8, 5000])('reads over %i zero bytes behind the last element', (count) => {
    const bytes = Buffer.concat([part10(dataset(explicit)), Buffer.alloc(count)]);
    expect(readPart10(bytes).bytes).toBe(bytes.length);
    expect(readInChunks(bytes, 3)).toEqual(readPart10(bytes));
  });

  it('reads over delimiters behind sequences and items with lengths', () => {
    const item = Buffer.concat([
      explicit.item(explicit.element('00080100', 'SH', 'ab')),
      explicit.itemHeader(0xe00d, 0),
    ]);
    const sequence = Buffer.concat([
      explicit.header('00081140', 'SQ', item.length),
      item,
      explicit.itemHeader(0xe0dd, 0),
    ]);
    const read = readPart10(
      part10(instanceBytes(explicit, { after: [sequence, explicit.element('00100020', 'LO', 'P1')] })),
    );
    expect(read.dataset['00081140']?.Value).toEqual([{ '00080100': { vr: 'SH', Value: ['ab'] } }]);
    expect(read.dataset['00100020']?.Value).toEqual(['P1']);
  });

  it('passes over VRs yet to come as UN', () => {
    const future = explicit.element('00091001', 'UN', 'abcd');
    future.write('ZZ', 4, 'latin1');
    const { dataset: read } = readPart10(part10(instanceBytes(explicit, { after: [future] })));
    expect(read['00091001']).toEqual({ vr: 'UN', InlineBinary: Buffer.from('abcd').toString('base64') });
  });
});

describe('Part10Reader, on what is no proper object', () => {
  const rest = (build: DatasetBytes) => [build.sequence('00081140', [build.element('00081155', 'UI', '1.2')])];
  const whole = part10(
    instanceBytes(explicit, { after: [...rest(explicit), explicit.element('7FE00010', 'OB', Buffer.alloc(40))] }),
  );

  it('says that an object cut off anywhere is cut off, and where', () => {
    const datasetAt = 132 + 12 + whole.readUInt32LE(140);
    const outcomes: Record<string, number> = {};
    for (let length = datasetAt; length < whole.length; length += 1) {
      let code = 'complete';
      try {
        readInChunks(whole.subarray(0, length), 50);
      } catch (error) {
        code = (error as DicomError).code;
        if (code === 'truncated') expect((error as DicomError).offset).toEqual(expect.any(Number));
      }
      outcomes[code] = (outcomes[code] ?? 0) + 1;
    }
    // Cut exactly between two elements of the dataset, nothing shows that more should follow: four cuts within the UIDs
    // (one of them behind the File Meta), and two behind them.
    expect(outcomes).toEqual({ truncated: whole.length - datasetAt - 5, 'missing-attribute': 3, complete: 2 });
    expect(errorOf(() => readPart10(whole.subarray(0, whole.length - 1)))).toMatchObject({
      code: 'truncated',
      tag: '7FE00010',
      message: expect.stringMatching(/\(7FE0,0010\), byte \d+/),
    });
  });

  it('says that an object without dataset is cut off', () => {
    expect(errorOf(() => readPart10(part10(Buffer.alloc(0)))).code).toBe('truncated');
    expect(errorOf(() => readPart10(whole.subarray(0, 200))).code).toBe('truncated');
  });

  it('says that a deflated object is cut off', () => {
    const bytes = part10(instanceBytes(explicit), deflated);
    expect(errorOf(() => readPart10(bytes.subarray(0, -4))).code).toBe('truncated');
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a short text', Buffer.from('hello')],
    ['JPEG', Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), Buffer.alloc(500)])],
    ['zeros', Buffer.alloc(1000)],
    ['a preamble alone', whole.subarray(0, 132)],
    ['text behind DICM', Buffer.concat([whole.subarray(0, 132), Buffer.from('<html><body>')])],
  ])('says that %s is not DICOM', (_name, bytes) => {
    expect(errorOf(() => readPart10(bytes)).code).toBe('not-dicom');
    expect(errorOf(() => readInChunks(bytes, 1)).code).toBe('not-dicom');
  });

  it('refuses at once, and again', () => {
    const reader = new Part10Reader();
    const error = errorOf(() => reader.write(Buffer.alloc(1000, 0x20)));
    expect(error.code).toBe('not-dicom');
    expect(errorOf(() => reader.write(whole))).toBe(error);
    expect(errorOf(() => reader.end())).toBe(error);
  });

  it.each([
    ['text behind the dataset', Buffer.concat([whole, Buffer.from('PK and what a zip file has')])],
    ['bytes behind zeros', Buffer.concat([whole, Buffer.alloc(20), Buffer.from([1])])],
    [
      'File Meta in the dataset',
      part10(instanceBytes(explicit, { after: [explicit.element('00020010', 'UI', '1.2')] })),
    ],
    ['explicit VR that is said to be implicit', part10(instanceBytes(explicit), implicitLittleEndian)],
    ['little endian that is said to be big', part10(instanceBytes(explicit), explicitBigEndian)],
    [
      'what is not deflated and said to be',
      Buffer.concat([part10(Buffer.alloc(0), deflated).subarray(0, -2), instanceBytes(explicit)]),
    ],
    [
      'an item longer than its sequence',
      part10(
        instanceBytes(explicit, {
          after: [
            Buffer.concat([
              explicit.header('00081140', 'SQ', 20),
              explicit.itemHeader(0xe000, 5000),
              Buffer.alloc(6000),
            ]),
          ],
        }),
      ),
    ],
    [
      'an element longer than its item',
      part10(
        instanceBytes(explicit, {
          after: [
            explicit.sequence('00081140', [explicit.element('00081155', 'UI', '1.2.3', 400)], { defined: true }),
            Buffer.alloc(500),
          ],
        }),
      ),
    ],
    ['an item outside of sequences', part10(instanceBytes(explicit, { after: [explicit.item(Buffer.alloc(0))] }))],
    [
      'text of undefined length',
      part10(instanceBytes(explicit, { after: [explicit.header('00104000', 'UT', 0xffffffff)] })),
    ],
    [
      'pixel data twice',
      part10(
        instanceBytes(explicit, {
          after: [explicit.element('7FE00010', 'OB', 'ab'), explicit.element('7FE00010', 'OB', 'cd')],
        }),
      ),
    ],
    [
      'something else between fragments',
      part10(
        instanceBytes(explicit, {
          after: [
            explicit.header('7FE00010', 'OB', 0xffffffff),
            explicit.item(Buffer.alloc(0)),
            explicit.element('00081155', 'UI', '1.2'),
          ],
        }),
        jpegBaseline,
      ),
    ],
  ])('says that %s is damage', (_name, bytes) => {
    expect(errorOf(() => readPart10(bytes)).code).toBe('malformed');
    expect(errorOf(() => readInChunks(bytes, 7)).code).toBe('malformed');
  });

  it.each([
    ['00080016', 'sopClass'],
    ['00080018', 'sopInstance'],
    ['0020000D', 'study'],
    ['0020000E', 'series'],
  ] as const)('refuses an object without (%s), or with something else there', (tag, key) => {
    const withUid = (uid: string) =>
      Buffer.concat(
        Object.entries({
          '00080016': 'sopClass',
          '00080018': 'sopInstance',
          '0020000D': 'study',
          '0020000E': 'series',
        } as const).map(([other, name]) => explicit.element(other, 'UI', name === key ? uid : uids[name])),
      );
    expect(errorOf(() => readPart10(part10(withUid(''))))).toMatchObject({ code: 'missing-attribute', tag });
    for (const uid of ['../../etc/passwd', '1.2.3.', 'abc', '1..2', `1.${'2'.repeat(63)}`, '1.2/3']) {
      expect(errorOf(() => readPart10(part10(withUid(uid))))).toMatchObject({ code: 'invalid-value', tag });
    }
    expect(readPart10(part10(withUid('1.02.3 ')))).toMatchObject({ bytes: expect.any(Number) });
  });

  it('refuses transfer syntaxes it does not know, and File Meta without', () => {
    expect(errorOf(() => readPart10(part10(instanceBytes(explicit), '1.2.3.4.5')))).toMatchObject({
      code: 'unsupported-transfer-syntax',
    });
    expect(errorOf(() => readPart10(part10(instanceBytes(explicit), 'abc'))).code).toBe('invalid-value');
    expect(errorOf(() => readPart10(part10(instanceBytes(explicit), ''))).code).toBe('missing-attribute');
    expect(errorOf(() => readPart10(part10(instanceBytes(explicit), 'constructor'))).code).toBe('invalid-value');
  });

  it('refuses compressed pixel data when no File Meta says how it is compressed', () => {
    const bytes = instanceBytes(explicit, { after: [explicit.fragments([], [Buffer.alloc(10)])] });
    expect(errorOf(() => readPart10(bytes)).code).toBe('missing-attribute');
  });
});

describe('Part10Reader, bounded', () => {
  const deep = (levels: number): Buffer =>
    levels === 0 ? Buffer.alloc(0) : explicit.sequence('0040A730', [deep(levels - 1)]);
  const read = (after: Buffer[], limits: Part10ReaderOptions['limits'] = {}) =>
    readPart10(part10(instanceBytes(explicit, { after })), { limits });

  it('in the depth of sequences', () => {
    expect(read([deep(32)]).dataset['0040A730']?.vr).toBe('SQ');
    expect(errorOf(() => read([deep(33)]))).toMatchObject({ code: 'limit-exceeded', tag: '0040A730' });
  });

  it('in elements', () => {
    const after = Array.from({ length: 6 }, (_, index) => explicit.us(`0028001${index}`, 1));
    expect(read(after, { elementsMax: 10 }).dataset['00280015']?.Value).toEqual([1]);
    expect(errorOf(() => read(after, { elementsMax: 9 })).code).toBe('limit-exceeded');
  });

  it('in empty items', () => {
    const after = [
      explicit.sequence(
        '0040A730',
        Array.from({ length: 100 }, () => Buffer.alloc(0)),
      ),
    ];
    expect(errorOf(() => read(after, { elementsMax: 150 })).code).toBe('limit-exceeded');
  });

  it('in values', () => {
    const texts = [explicit.element('00104000', 'LO', '\\'.repeat(99))];
    expect(read(texts, { valuesMax: 104 }).sopInstanceUid).toBe(uids.sopInstance);
    expect(errorOf(() => read(texts, { valuesMax: 103 })).code).toBe('limit-exceeded');
    expect(errorOf(() => read([explicit.us('00283006', ...Array(200).keys())], { valuesMax: 150 })).code).toBe(
      'limit-exceeded',
    );
  });

  it('in bytes that are kept; pixel and bulk data are not', () => {
    const limits = { headerBytesMax: 1000 };
    expect(
      read(
        [
          explicit.element('00420011', 'OB', Buffer.alloc(3000)),
          explicit.element('7FE00010', 'OB', Buffer.alloc(5000)),
        ],
        limits,
      ).bytes,
    ).toBeGreaterThan(8000);
    expect(errorOf(() => read([explicit.element('00104000', 'UT', 'x'.repeat(1000))], limits)).code).toBe(
      'limit-exceeded',
    );
  });

  it('by the length that is claimed, before any of it comes', () => {
    const start = part10(instanceBytes(explicit, { after: [explicit.header('00104000', 'UT', 0xfffffffe)] }));
    expect(errorOf(() => new Part10Reader().write(start)).code).toBe('limit-exceeded');
  });

  it('in fragments', () => {
    const bytes = part10(
      instanceBytes(explicit, {
        after: [
          explicit.fragments(
            [],
            Array.from({ length: 5 }, () => Buffer.alloc(2)),
          ),
        ],
      }),
      jpegBaseline,
    );
    expect(readPart10(bytes, { limits: { fragmentsMax: 5 } }).frames.kind).toBe('encapsulated');
    expect(errorOf(() => readPart10(bytes, { limits: { fragmentsMax: 4 } })).code).toBe('limit-exceeded');
  });

  it('in what a deflated dataset becomes, and in what is held of it', () => {
    const dataset = instanceBytes(explicit, { after: [explicit.element('7FE00010', 'OB', Buffer.alloc(100_000))] });
    const bytes = part10(dataset, deflated);
    const read = (limits: Part10ReaderOptions['limits']) => readPart10(bytes, { limits: limits! });
    expect(read({ inflatedBytesMax: dataset.length }).sopInstanceUid).toBe(uids.sopInstance);
    expect(errorOf(() => read({ inflatedBytesMax: dataset.length - 1 })).code).toBe('limit-exceeded');
    expect(errorOf(() => read({ deflatedBytesMax: 50 })).code).toBe('limit-exceeded');
  });
});

describe('the UIDs of an object that proves bad', () => {
  const uidsAfter = (bytes: Buffer) => {
    const reader = new Part10Reader();
    errorOf(() => {
      reader.write(bytes);
      reader.end();
    });
    return reader.uids;
  };
  const ofFileMeta = { sopClassUid: uids.sopClass, sopInstanceUid: uids.sopInstance };
  const other = explicit.element('00080018', 'UI', '1.2.3.99');

  it('are those of its dataset, as far as it was read', () => {
    expect(uidsAfter(part10(Buffer.concat([other, explicit.header('00100010', 'PN', 50)])))).toEqual({
      sopClassUid: uids.sopClass,
      sopInstanceUid: '1.2.3.99',
    });
    expect(uidsAfter(Buffer.concat([other, explicit.header('7FE00010', 'OW', 50)]))).toEqual({
      sopInstanceUid: '1.2.3.99',
    });
  });

  it('are those of its File Meta where the dataset does not say, or says what is none', () => {
    expect(uidsAfter(part10(explicit.header('00080008', 'CS', 50)))).toEqual(ofFileMeta);
    expect(uidsAfter(part10(explicit.element('00080018', 'UI', '../x')))).toEqual(ofFileMeta);
    expect(uidsAfter(part10(Buffer.from('not deflated'), deflated))).toEqual(ofFileMeta);
    expect(uidsAfter(part10(Buffer.alloc(0), '1.2.3.4.5'))).toEqual(ofFileMeta);
  });

  it('are not there for what is no DICOM', () => {
    expect(uidsAfter(Buffer.alloc(500, 'no'))).toEqual({});
    expect(new Part10Reader().uids).toEqual({});
  });
});
