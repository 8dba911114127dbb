import { describe, expect, it } from '@jest/globals';
import dcmjs from 'dcmjs';
import type { DicomJson } from './dicom-json.js';
import { type BulkData, encodePart10 } from './encode-part10.js';
import { DicomError } from './errors.js';
import { readFrameRange } from './parsed-instance.js';
import { readPart10 } from './read-part10.js';

// dcmjs complains on the console of VRs that it does not know.
dcmjs.log.setLevel('silent');
dcmjs.log.getLogger('validation.dcmjs').setLevel('silent');

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const jpegBaseline = '1.2.840.10008.1.2.4.50';
const uids: DicomJson = {
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.7'] },
  '00080018': { vr: 'UI', Value: ['1.2.3.4'] },
  '0020000D': { vr: 'UI', Value: ['1.2.3.1'] },
  '0020000E': { vr: 'UI', Value: ['1.2.3.2'] },
};
const utf8: DicomJson = { '00080005': { vr: 'CS', Value: ['ISO_IR 192'] } };

interface Source {
  bytes: number;
  content: Buffer;
}
const source = (content: Uint8Array): Source => ({ bytes: content.length, content: Buffer.from(content) });

function encode(
  dataset: DicomJson,
  transferSyntaxUid = explicitLittleEndian,
  bulk: Record<string, BulkData<Source>> = {},
): Buffer {
  const pieces = [...encodePart10<Source>(dataset, { transferSyntaxUid, bulkData: (uri) => bulk[uri] })];
  return Buffer.concat(pieces.map((piece) => (Buffer.isBuffer(piece) ? piece : piece.content)));
}

/** The values dcmjs, which knows nothing of us, reads from the bytes. */
function readWithDcmjs(bytes: Buffer): Record<string, unknown> {
  const { dict } = dcmjs.data.DicomMessage.readFile(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
  ) as { dict: Record<string, { Value: unknown }> };
  return Object.fromEntries(Object.entries(dict).map(([tag, { Value }]) => [tag, Value]));
}

const everyVr: DicomJson = {
  ...utf8,
  '00080008': { vr: 'CS', Value: ['DERIVED', 'SECONDARY'] },
  ...uids,
  '00080020': { vr: 'DA', Value: ['20240229'] },
  '00080030': { vr: 'TM', Value: ['235959.999999'] },
  '0008002A': { vr: 'DT', Value: ['20240229120000+0100'] },
  '00080054': { vr: 'AE', Value: ['HERE'] },
  '00081190': { vr: 'UR', Value: ['http://example.org/a'] },
  '00090010': { vr: 'LO', Value: ['SOMEBODY'] },
  '00091001': { vr: 'UN', InlineBinary: 'AQIDBA==' },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Jörg', Ideographic: '山田', Phonetic: 'やまだ' }] },
  '00101001': { vr: 'PN', Value: [{ Ideographic: '山田' }, null, { Alphabetic: 'Last' }] },
  '00101010': { vr: 'AS', Value: ['045Y'] },
  '00102160': { vr: 'SH', Value: ['odd'] },
  '00104000': { vr: 'LT', Value: ['many\r\nlines \\ and no values'] },
  '00189073': { vr: 'FD', Value: [0.1, 'NaN', '-Infinity'] },
  '00187050': { vr: 'CS' },
  '00200013': { vr: 'IS', Value: [-5] },
  '00200032': { vr: 'DS', Value: [-1.5, 0.1, 100] },
  '00280009': { vr: 'AT', Value: ['00181063', '7FE00010'] },
  '00281201': { vr: 'OW', InlineBinary: 'AQIDBA==' },
  '0040A160': { vr: 'UT', Value: ['結果'] },
  '00420011': { vr: 'OB', InlineBinary: 'AQI=' },
  '0040A730': {
    vr: 'SQ',
    Value: [
      { '00080100': { vr: 'SH', Value: ['coded'] }, '0040A730': { vr: 'SQ', Value: [{ '00080104': { vr: 'LO' } }] } },
      {},
    ],
  },
  '00081140': { vr: 'SQ' },
  '00660016': { vr: 'OF', InlineBinary: 'AACAPw==' },
  '00660129': { vr: 'OL', InlineBinary: 'AQIDBA==' },
  '0070150D': { vr: 'OD', InlineBinary: 'AAAAAAAA8D8=' },
  '0072006A': { vr: 'PN', Value: [null, { Alphabetic: 'B' }] },
  '00720072': { vr: 'DS' },
  '00720076': { vr: 'FL', Value: [0.1, -2] },
  '00720078': { vr: 'UL', Value: [4000000000] },
  '0072007A': { vr: 'US', Value: [65535, 0] },
  '0072007C': { vr: 'SL', Value: [-7] },
  '0072007E': { vr: 'SS', Value: [-8] },
  '00720082': { vr: 'SV', Value: [-9, '-9223372036854775808'] },
  '00720083': { vr: 'UV', Value: ['18446744073709551615'] },
};

describe('encodePart10', () => {
  it('writes every VR so that it reads the same', () => {
    const { dataset, transferSyntaxUid } = readPart10(encode(everyVr));
    expect(transferSyntaxUid).toBe(explicitLittleEndian);
    expect(dataset).toEqual(everyVr);
  });

  it('writes what dcmjs reads as it was meant', () => {
    const values = readWithDcmjs(encode(everyVr));
    expect(values['00080008']).toEqual(['DERIVED', 'SECONDARY']);
    expect(JSON.stringify(values['00100010'])).toContain('"Alphabetic":"Müller^Jörg","Ideographic":"山田"');
    expect(values['0040A160']).toEqual(['結果']);
    expect(values['00200032']).toEqual([-1.5, 0.1, 100]);
    expect(values['0072007A']).toEqual([65535, 0]);
    expect(JSON.stringify(values['0040A730'])).toContain('"Value":["coded"]');
  });

  it('says that its text is UTF-8, whatever the metadata said of where it came from', () => {
    const { dataset } = readPart10(
      encode({ ...uids, '00080005': { vr: 'CS', Value: ['ISO_IR 100'] }, '00100020': { vr: 'LO', Value: ['Ümlaut'] } }),
    );
    expect(dataset['00080005']?.Value).toEqual(['ISO_IR 192']);
    expect(dataset['00100020']?.Value).toEqual(['Ümlaut']);
  });

  it('writes no group 0002 of the metadata and no group lengths into the dataset', () => {
    const bytes = encode({
      ...uids,
      '00020010': { vr: 'UI', Value: ['1.2'] },
      '00080000': { vr: 'UL', Value: [12] },
      '00100000': { vr: 'UL', Value: [12] },
    });
    expect(readPart10(bytes).transferSyntaxUid).toBe(explicitLittleEndian);
    expect(Object.keys(readWithDcmjs(bytes)).filter((tag) => tag.endsWith('0000'))).toEqual([]);
  });

  it.each([1 / 3, -123456789.12345678, 1.234567890123456e-300, 1e21, 100, -0.1])(
    'writes the decimal %d within 16 characters',
    (value) => {
      const bytes = encode({ ...uids, '00180050': { vr: 'DS', Value: [value] } });
      const at = bytes.indexOf(Buffer.from('\x18\0\x50\0DS', 'latin1')) + 8;
      const written = bytes.toString('latin1', at, at + bytes.readUInt16LE(at - 2)).trim();
      expect(written.length).toBeLessThanOrEqual(16);
      expect(Number(written) / value).toBeCloseTo(1, 7);
    },
  );

  it('takes the VR of the dictionary where the metadata has none, and lower case tags', () => {
    const { '0020000D': study, ...others } = uids;
    const bytes = encode({ ...others, '0020000d': study!, '00280010': { Value: [5] } as never });
    const { dataset, studyInstanceUid } = readPart10(bytes);
    expect(studyInstanceUid).toBe('1.2.3.1');
    expect(bytes.indexOf('1.2.3.1')).toBeLessThan(bytes.indexOf('1.2.3.2'));
    expect(dataset['00280010']).toEqual({ vr: 'US', Value: [5] });
  });

  it('settles a VR that pydicom left open', () => {
    const { dataset } = readPart10(
      encode({
        ...uids,
        '00280103': { vr: 'US', Value: [1] },
        '00280106': { vr: 'US or SS', Value: [-5] },
        '00283006': { vr: 'US or OW', InlineBinary: 'AQI=' },
        '50003000': { vr: 'OB or OW', InlineBinary: 'AQI=' },
      }),
    );
    expect(dataset['00280106']).toEqual({ vr: 'SS', Value: [-5] });
    expect([dataset['00283006']?.vr, dataset['50003000']?.vr]).toEqual(['OW', 'OW']);
  });

  it('puts bulk data where it belongs, and pads it to even length', () => {
    const pixels = source(Buffer.from([1, 2, 3, 4, 5]));
    const waveform = source(Buffer.from([9, 8]));
    const bytes = encode(
      {
        ...uids,
        '54000100': { vr: 'SQ', Value: [{ '54001010': { vr: 'OW', BulkDataURI: 'b' } }] },
        '7FE00010': { vr: 'OB', BulkDataURI: 'a' },
      },
      explicitLittleEndian,
      { a: { sources: [pixels] }, b: { sources: [waveform] } },
    );
    const { dataset } = readPart10(bytes, { inlineBytesMax: 100 });
    expect(dataset['54000100']?.Value).toEqual([{ '54001010': { vr: 'OW', InlineBinary: 'CQg=' } }]);
    expect(bytes.subarray(-18).toString('hex')).toBe('e07f10004f4200000600000001020304' + '0500');
  });

  it('makes a fragment of each frame, which the frame table finds', () => {
    const frames = [Buffer.from('ffd8ff01', 'hex'), Buffer.from('ffd8ff0203', 'hex'), Buffer.from('ffd8ff04', 'hex')];
    const bytes = encode(
      { ...uids, '00280008': { vr: 'IS', Value: [3] }, '7FE00010': { vr: 'OW', BulkDataURI: 'a' } },
      jpegBaseline,
      { a: { sources: frames.map(source) } },
    );
    const { frames: table, transferSyntaxUid } = readPart10(bytes);
    expect(transferSyntaxUid).toBe(jpegBaseline);
    if (table.kind !== 'encapsulated') throw new Error(table.kind);
    for (const [index, frame] of frames.entries()) {
      const { offset, length } = readFrameRange(table.entries, index);
      expect(bytes.subarray(offset, offset + frame.length).equals(frame)).toBe(true);
      expect(length).toBe(frame.length + (frame.length % 2));
    }
    const [, second] = readWithDcmjs(bytes)['7FE00010'] as ArrayBuffer[];
    expect(Buffer.from(second!).subarray(0, 5).equals(frames[1]!)).toBe(true);
  });

  it('leaves compressed pixel data that comes with its items as it is', () => {
    const items = Buffer.from('feff00e000000000feff00e004000000ffd8ff01', 'hex');
    const expected = encode({ ...uids, '7FE00010': { vr: 'OB', BulkDataURI: 'a' } }, jpegBaseline, {
      a: { sources: [source(Buffer.from('ffd8ff01', 'hex'))] },
    });
    const byReference = encode({ ...uids, '7FE00010': { vr: 'OB', BulkDataURI: 'a' } }, jpegBaseline, {
      a: { sources: [source(items)], areItems: true },
    });
    const inline = encode({ ...uids, '7FE00010': { vr: 'OB', InlineBinary: items.toString('base64') } }, jpegBaseline);
    expect(byReference.equals(expected)).toBe(true);
    expect(inline.equals(expected)).toBe(true);
  });

  it('stores a value that is too long for its VR as UN', () => {
    const long = 'x'.repeat(70_000);
    const bytes = encode({ ...uids, '00104000': { vr: 'LT', Value: [long] } });
    expect(bytes.indexOf(Buffer.from('\x10\0\0\x40UN\0\0', 'latin1'))).toBeGreaterThan(0);
    expect(readPart10(bytes).dataset['00104000']?.Value).toEqual([long]);
  });

  it.each<[string, DicomJson, string]>([
    ['no SOP Instance UID', { '00080016': uids['00080016']! }, 'missing-attribute'],
    ['a UID that is none', { ...uids, '00080018': { vr: 'UI', Value: ['../x'] } }, 'invalid-value'],
    ['bulk data that is nowhere', { ...uids, '7FE00010': { vr: 'OW', BulkDataURI: 'x' } }, 'missing-bulk-data'],
    ['a keyword for a tag', { ...uids, PatientName: { vr: 'PN' } }, 'invalid-value'],
    ['an element that is none', { ...uids, '00100010': 'Name' as never }, 'invalid-value'],
    ['a VR that is none', { ...uids, '00100010': { vr: 'ZZ' } }, 'invalid-value'],
    ['Value that is no array', { ...uids, '00100020': { vr: 'LO', Value: 'x' as never } }, 'invalid-value'],
    ['a number out of range', { ...uids, '00280010': { vr: 'US', Value: [65536] } }, 'invalid-value'],
    ['a text for a number', { ...uids, '00280010': { vr: 'US', Value: ['many'] } }, 'invalid-value'],
    ['a fraction for a whole', { ...uids, '00280010': { vr: 'US', Value: [1.5] } }, 'invalid-value'],
    ['64 bits that are 65', { ...uids, '00720083': { vr: 'UV', Value: ['18446744073709551616'] } }, 'invalid-value'],
    ['a tag that is none', { ...uids, '00280009': { vr: 'AT', Value: ['x'] } }, 'invalid-value'],
    ['an object for a text', { ...uids, '00100020': { vr: 'LO', Value: [{}] } }, 'invalid-value'],
    ['a name that is a number', { ...uids, '00100010': { vr: 'PN', Value: [5] } }, 'invalid-value'],
    ['no base64', { ...uids, '00420011': { vr: 'OB', InlineBinary: '%%' } }, 'invalid-value'],
    ['values for bytes', { ...uids, '00420011': { vr: 'OB', Value: [1] } }, 'invalid-value'],
    ['an item that is none', { ...uids, '0040A730': { vr: 'SQ', Value: ['x'] } }, 'invalid-value'],
    ['too deep nesting', { ...uids, '0040A730': nested(40) }, 'limit-exceeded'],
  ])('refuses %s', (_what, dataset, code) => {
    const failing = () => encode(dataset);
    expect(failing).toThrow(DicomError);
    expect(failing).toThrow(expect.objectContaining({ code }));
  });

  it.each(['1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99', '1.2.3'])('writes nothing in %s', (syntax) => {
    expect(() => encode(uids, syntax)).toThrow(expect.objectContaining({ code: 'unsupported-transfer-syntax' }));
  });
});

function nested(depth: number): DicomJson[string] {
  let element: DicomJson[string] = { vr: 'SQ' };
  for (let level = 0; level < depth; level += 1) element = { vr: 'SQ', Value: [{ '0040A730': element }] };
  return element;
}
