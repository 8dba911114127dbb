import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from './dicom-json.js';
import { readFrameRange } from './parsed-instance.js';
import { readPart10 } from './read-part10.js';
import { writePart10 } from './write-part10.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const uids: DicomJson = {
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.88.22'] },
  '00080018': { vr: 'UI', Value: ['1.2.3.4'] },
  '0020000D': { vr: 'UI', Value: ['1.2.3.1'] },
  '0020000E': { vr: 'UI', Value: ['1.2.3.2'] },
};

describe('writePart10', () => {
  it.each([explicitLittleEndian, '1.2.840.10008.1.2'])('writes every VR so that it reads the same, in %s', (syntax) => {
    const dataset: DicomJson = {
      ...uids,
      '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
      '00080008': { vr: 'CS', Value: ['DERIVED', 'SECONDARY'] },
      '00080020': { vr: 'DA', Value: ['20240229'] },
      '00080030': { vr: 'TM', Value: ['235959.999999'] },
      '0008002A': { vr: 'DT', Value: ['20240229120000+0100'] },
      '00081190': { vr: 'UR', Value: ['http://example.org/a'] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Jörg', Ideographic: '山田' }] },
      '00101010': { vr: 'AS', Value: ['045Y'] },
      '00104000': { vr: 'LT', Value: ['many\r\nlines'] },
      '00189810': { vr: 'US', Value: [3] },
      '00189073': { vr: 'FD', Value: [0.1] },
      '00187050': { vr: 'CS' },
      '00200013': { vr: 'IS', Value: [-5] },
      '00200032': { vr: 'DS', Value: [-1.5, 0.1, 100] },
      '00280009': { vr: 'AT', Value: ['00181063'] },
      '00281201': { vr: 'OW', InlineBinary: 'AQIDBA==' },
      '0040A160': { vr: 'UT', Value: ['結果'] },
      '00100030': { vr: 'DA' },
      '00660016': { vr: 'OF', InlineBinary: 'AACAPw==' },
      '0070150D': { vr: 'OD', InlineBinary: 'AAAAAAAA8D8=' },
      '00720072': { vr: 'DS' },
      '00720076': { vr: 'FL', Value: [0.1, -2] },
      '0072007C': { vr: 'SL', Value: [-7] },
      '0072007E': { vr: 'SS', Value: [-8] },
      '00720078': { vr: 'UL', Value: [4000000000] },
      '00720083': { vr: 'UV', Value: ['18446744073709551615'] },
      '00720082': { vr: 'SV', Value: [-9] },
      '00420011': { vr: 'OB', InlineBinary: 'AQI=' },
    };
    const { dataset: read, transferSyntaxUid } = readPart10(writePart10(dataset, syntax));
    expect(transferSyntaxUid).toBe(syntax);
    expect(read).toEqual(dataset);
  });

  it('writes the content of a structured report', () => {
    const code = (value: string): DicomJson => ({
      '00080100': { vr: 'SH', Value: [value] },
      '00080102': { vr: 'SH', Value: ['DCM'] },
      '00080104': { vr: 'LO', Value: [`meaning of ${value}`] },
    });
    const dataset: DicomJson = {
      ...uids,
      '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
      '0040A040': { vr: 'CS', Value: ['CONTAINER'] },
      '0040A043': { vr: 'SQ', Value: [code('126000')] },
      '0040A372': { vr: 'SQ' },
      '0040A730': {
        vr: 'SQ',
        Value: [
          {
            '0040A010': { vr: 'CS', Value: ['CONTAINS'] },
            '0040A040': { vr: 'CS', Value: ['NUM'] },
            '0040A300': {
              vr: 'SQ',
              Value: [{ '0040A30A': { vr: 'DS', Value: [12.4] }, '004008EA': { vr: 'SQ', Value: [code('%')] } }],
            },
          },
          {
            '0040A730': {
              vr: 'SQ',
              Value: [{ '0040A040': { vr: 'CS', Value: ['TEXT'] }, '0040A730': { vr: 'SQ', Value: [{}] } }],
            },
          },
        ],
      },
    };
    expect(readPart10(writePart10(dataset, explicitLittleEndian)).dataset).toEqual(dataset);
  });

  it('writes native pixel data of a part of a buffer', () => {
    const pixels = Buffer.from([9, 9, 1, 2, 3, 4, 9]).subarray(2, 6);
    const bytes = writePart10({ ...image(2, 1), '7FE00010': { vr: 'OW', Value: [pixels] } }, explicitLittleEndian);
    const { frames } = readPart10(bytes);
    expect(frames).toMatchObject({ kind: 'native', pixelDataLength: 4, numberOfFrames: 2 });
    expect(bytes.subarray(-4)).toEqual(pixels);
  });

  it('writes compressed frames as one fragment each, with an offset table', () => {
    const frames = [Buffer.alloc(50_001, 1), Buffer.alloc(2, 2), Buffer.alloc(7, 3)];
    const bytes = writePart10({ ...image(3, 1), '7FE00010': { vr: 'OB', Value: frames } }, '1.2.840.10008.1.2.4.90');
    const table = readPart10(bytes).frames;
    if (table.kind !== 'encapsulated') throw new Error(`a table of kind ${table.kind}`);
    for (const [index, frame] of frames.entries()) {
      const { offset, length, fragments } = readFrameRange(table.entries, index);
      expect({ length, fragments }).toEqual({ length: frame.length + (frame.length % 2), fragments: 1 });
      expect(bytes.subarray(offset, offset + frame.length)).toEqual(frame);
    }
    const first = readFrameRange(table.entries, 0).offset - 8;
    const offsets = frames.map((_, index) => readFrameRange(table.entries, index).offset - 8 - first);
    expect(Array.from({ length: 3 }, (_, index) => bytes.readUInt32LE(first - 12 + index * 4))).toEqual(offsets);
  });

  it('writes a dataset by keyword', () => {
    const bytes = writePart10(
      {
        SOPClassUID: '1.2.840.10008.5.1.4.1.1.7',
        SOPInstanceUID: '1.2.3.4',
        StudyInstanceUID: '1.2.3.1',
        SeriesInstanceUID: '1.2.3.2',
        PatientName: 'Sample^Jürgen',
        Rows: 2,
        PixelRepresentation: 1,
        PixelPaddingValue: -2000,
        PixelData: new Uint8Array([1, 2]).buffer,
        ProcedureCodeSequence: [{ CodeValue: 'x', CodeMeaning: 'y' }],
      },
      explicitLittleEndian,
    );
    expect(readPart10(bytes).dataset).toMatchObject({
      '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
      '00081032': {
        vr: 'SQ',
        Value: [{ '00080100': { vr: 'SH', Value: ['x'] }, '00080104': { vr: 'LO', Value: ['y'] } }],
      },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Sample^Jürgen' }] },
      '00280010': { vr: 'US', Value: [2] },
      '00280120': { vr: 'SS', Value: [-2000] },
      '7FE00010': { vr: 'OW' },
    });
    expect(bytes.subarray(-2)).toEqual(Buffer.from([1, 2]));
  });

  it('writes UTF-8 and says so, whatever character set the dataset names', () => {
    const dataset: DicomJson = {
      ...uids,
      '00080005': { vr: 'CS', Value: ['ISO_IR 100'] },
      '00100020': { vr: 'LO', Value: ['Ü'] },
    };
    const read = readPart10(writePart10(dataset, explicitLittleEndian)).dataset;
    expect(read['00100020']?.Value).toEqual(['Ü']);
    expect(dataset['00080005']?.Value).toEqual(['ISO_IR 100']);
  });

  it('names this implementation in the File Meta', () => {
    const text = writePart10(uids, explicitLittleEndian).toString('latin1', 128, 500);
    expect(text).toContain('DICM');
    expect(text).toMatch(/2\.25\.\d{30,39}/);
    expect(text).toContain('ISOCENTER_0_1');
  });

  it.each<[string, DicomJson, string, string]>([
    ['no UIDs', {}, explicitLittleEndian, 'missing-attribute'],
    [
      'a UID that is none',
      { ...uids, '00080018': { vr: 'UI', Value: ['../x'] } },
      explicitLittleEndian,
      'invalid-value',
    ],
    [
      'bulk data by reference',
      { ...uids, '00420011': { vr: 'OB', BulkDataURI: 'x' } },
      explicitLittleEndian,
      'invalid-value',
    ],
    ['text for binary', { ...uids, '00420011': { vr: 'OB', Value: ['x'] } }, explicitLittleEndian, 'invalid-value'],
    ['text for a number', { ...uids, '00280010': { vr: 'US', Value: ['x'] } }, explicitLittleEndian, 'invalid-value'],
    [
      'text for a whole number',
      { ...uids, '00720083': { vr: 'UV', Value: ['1.5'] } },
      explicitLittleEndian,
      'invalid-value',
    ],
    [
      'a date too long',
      { ...uids, '00080020': { vr: 'DA', Value: ['2024.02.29'] } },
      explicitLittleEndian,
      'invalid-value',
    ],
    ['a deflated syntax', uids, '1.2.840.10008.1.2.1.99', 'unsupported-transfer-syntax'],
    ['big endian', uids, '1.2.840.10008.1.2.2', 'unsupported-transfer-syntax'],
    ['an unknown syntax', uids, '1.2.3', 'unsupported-transfer-syntax'],
  ])('refuses %s', (_name, dataset, syntax, code) => {
    expect(() => writePart10(dataset, syntax)).toThrow(expect.objectContaining({ name: 'DicomError', code }));
  });
});

function image(frames: number, columns: number): DicomJson {
  return {
    ...uids,
    '00280002': { vr: 'US', Value: [1] },
    '00280008': { vr: 'IS', Value: [frames] },
    '00280010': { vr: 'US', Value: [1] },
    '00280011': { vr: 'US', Value: [columns] },
    '00280100': { vr: 'US', Value: [16] },
  };
}
