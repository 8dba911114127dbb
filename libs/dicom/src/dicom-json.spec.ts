import { describe, expect, it } from '@jest/globals';
import {
  type DicomJson,
  jsonItems,
  jsonNumber,
  jsonNumbers,
  jsonPersonName,
  jsonText,
  jsonTexts,
} from './dicom-json.js';
import { stringifyDicomJson } from './stringify-dicom-json.js';

const dataset: DicomJson = {
  '00080060': { vr: 'CS', Value: ['CT', null, 'MR'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^John' }, null] },
  '00200013': { vr: 'IS', Value: [7] },
  '00200032': { vr: 'DS', Value: [1.5, '1.2345678901234567', 'x', null] },
  '00081140': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: ['1.2'] } }, {}] },
  '00080050': { vr: 'SH' },
};

describe('readers over DICOM JSON', () => {
  it('give text', () => {
    expect(jsonText(dataset, '00080060')).toBe('CT');
    expect(jsonText(dataset, '00080060', 1)).toBeUndefined();
    expect(jsonText(dataset, '00200013')).toBe('7');
    expect(jsonText(dataset, '00100010')).toBeUndefined();
    expect(jsonText(dataset, '00080050')).toBeUndefined();
    expect(jsonTexts(dataset, '00080060')).toEqual(['CT', 'MR']);
    expect(jsonTexts(dataset, '00990099')).toEqual([]);
  });

  it('give numbers', () => {
    expect(jsonNumber(dataset, '00200013')).toBe(7);
    expect(jsonNumbers(dataset, '00200032')).toEqual([1.5, 1.2345678901234567]);
    expect(jsonNumber(dataset, '00200032', 2)).toBeUndefined();
    expect(jsonNumber(dataset, '00080060')).toBeUndefined();
  });

  it('give names and items', () => {
    expect(jsonPersonName(dataset, '00100010')).toEqual({ Alphabetic: 'Doe^John' });
    expect(jsonPersonName(dataset, '00100010', 1)).toBeUndefined();
    expect(jsonPersonName(dataset, '00080060')).toBeUndefined();
    expect(jsonItems(dataset, '00081140')).toHaveLength(2);
    expect(jsonItems(dataset, '00080060')).toEqual([]);
  });
});

describe('stringifyDicomJson', () => {
  it('has keys in ascending order at every level, also those that look like array indexes', () => {
    const text = stringifyDicomJson({
      '54000100': {
        vr: 'SQ',
        Value: [{ '54001010': { vr: 'OW', BulkDataURI: 'x' }, '003A0005': { vr: 'US', Value: [1] } }],
      },
      '7FE00010': { vr: 'OW' },
      '00080060': { vr: 'CS', Value: ['ECG', null] },
      '00081140': { vr: 'SQ' },
    });
    expect(text).toBe(
      '{"00080060":{"vr":"CS","Value":["ECG",null]},"00081140":{"vr":"SQ"},' +
        '"54000100":{"vr":"SQ","Value":[{"003A0005":{"vr":"US","Value":[1]},"54001010":{"vr":"OW","BulkDataURI":"x"}}]},' +
        '"7FE00010":{"vr":"OW"}}',
    );
  });

  it('says what JSON.stringify says, in its own order', () => {
    expect(JSON.parse(stringifyDicomJson(dataset))).toEqual(dataset);
    expect(stringifyDicomJson({})).toBe('{}');
  });
});
