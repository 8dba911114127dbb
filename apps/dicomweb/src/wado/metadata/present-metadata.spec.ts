import { describe, expect, it } from '@jest/globals';
import { type DicomJson, stringifyDicomJson } from '#libs/dicom';
import { presentMetadata } from './present-metadata.js';

const explicit = '1.2.840.10008.1.2.1';
const jpegLs = '1.2.840.10008.1.2.4.80';
const dicomwebUrl = 'https://archive.example/pacs/dicom-web';
const present = (dataset: DicomJson, transferSyntaxUid = jpegLs) => {
  const text = presentMetadata(stringifyDicomJson(dataset), { dicomwebUrl, transferSyntaxUid });
  return { text, dataset: JSON.parse(text) as DicomJson };
};
const text = (value: string) => ({ vr: 'LO', Value: [value] });
const available = (uid: string) => ({ vr: 'UI', Value: [uid] });

describe('presentMetadata', () => {
  it.each([
    [{}],
    [{ '00080005': text('a') }],
    [{ '00100010': text('a') }],
    [{ '00080005': text('a'), '00100010': text('b') }],
    [{ '00083001': text('a'), '00083010': text('b') }],
    [{ '00080005': text('a'), '00083002': available('1.2.3'), '00100010': text('b') }],
    [{ '00083002': available('1.2.3') }],
    [{ '00081140': { vr: 'SQ', Value: [{ '00083002': text('nested') }, {}] }, '00540010': text('b') }],
    [{ '00080104': text('quotes " and \\" and \\\\ and { [ } ]'), '00081030': text('\\'), '00100010': text('"') }],
    [{ '54000100': { vr: 'SQ', Value: [{ '54001010': text('as an index, first') }] }, '00080018': text('a') }],
  ])('says the transfer syntax where it belongs: %j', (dataset: DicomJson) => {
    const presented = present(dataset);
    expect(presented.dataset).toEqual({ ...dataset, '00083002': available(jpegLs) });
    expect(presented.text).toBe(stringifyDicomJson(presented.dataset));
  });

  it.each([
    ['1.2.840.10008.1.2', explicit],
    ['1.2.840.10008.1.2.2', explicit],
    ['1.2.840.10008.1.2.1.99', explicit],
    [explicit, explicit],
    [jpegLs, jpegLs],
  ])('of %s says %s: what frames and bulk data are given in', (stored, said) => {
    expect(present({}, stored).dataset['00083002']).toEqual(available(said));
  });

  it('makes BulkDataURIs absolute, and nothing else', () => {
    const uri = '/dicom-web/studies/1/series/2/instances/3/bulkdata/';
    const innocent = `"BulkDataURI":"/dicom-web/ and $& and $1`;
    const dataset: DicomJson = {
      '00081030': text(innocent),
      '00091010': { vr: 'OB', BulkDataURI: 'http://elsewhere/dicom-web/1' },
      '54000100': { vr: 'SQ', Value: [{ '54001010': { vr: 'OW', BulkDataURI: `${uri}54000100/0/54001010` } }] },
      '7FE00010': { vr: 'OW', BulkDataURI: `${uri}7FE00010` },
    };
    const { dataset: presented } = present(dataset);
    expect(presented['7FE00010']!.BulkDataURI).toBe(
      'https://archive.example/pacs/dicom-web/studies/1/series/2/instances/3/bulkdata/7FE00010',
    );
    expect((presented['54000100']!.Value![0] as DicomJson)['54001010']!.BulkDataURI).toBe(
      'https://archive.example/pacs/dicom-web/studies/1/series/2/instances/3/bulkdata/54000100/0/54001010',
    );
    expect(presented['00081030']).toEqual(text(innocent));
    expect(presented['00091010']!.BulkDataURI).toBe('http://elsewhere/dicom-web/1');
  });
});
