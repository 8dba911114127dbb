import { describe, expect, it } from '@jest/globals';
import { type DicomJson, DicomError } from '#libs/dicom';
import { mosaicJpeg } from '../../../../test/support/mosaic-jpeg.js';
import { parseMediaType } from '../wire/parse-media-type.js';
import { pixelDataSyntax } from './pixel-data-syntax.js';

const syntaxOf = (contentType: string, dataset: DicomJson = {}, start: Buffer = Buffer.alloc(0)) =>
  pixelDataSyntax(parseMediaType(contentType)!, dataset, start);
const available = (...uids: string[]): DicomJson => ({ '00083002': { vr: 'UI', Value: uids } });

/** SOI, DHT, a start of frame, and a start of scan with a predictor: as much as is looked at. */
const jpeg = (frame: number, predictor: number) =>
  Buffer.from([
    0xff,
    0xd8,
    0xff,
    0xc4,
    0,
    4,
    9,
    9,
    0xff,
    0xff,
    frame,
    0,
    11,
    8,
    0,
    1,
    0,
    1,
    1,
    1,
    0x11,
    0,
    0xff,
    0xda,
    0,
    8,
    1,
    1,
    0,
    predictor,
    0,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
  ]);

describe('pixelDataSyntax', () => {
  it.each([
    ['application/octet-stream', '1.2.840.10008.1.2.1'],
    ['application/octet-stream; transfer-syntax=1.2.840.10008.1.2', '1.2.840.10008.1.2.1'],
    ['application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.50', '1.2.840.10008.1.2.4.50'],
    ['image/jpeg;transfer-syntax="1.2.840.10008.1.2.4.51"', '1.2.840.10008.1.2.4.51'],
    ['image/jls', '1.2.840.10008.1.2.4.80'],
    ['image/jp2; transfer-syntax=*', '1.2.840.10008.1.2.4.90'],
    ['image/dicom-rle', '1.2.840.10008.1.2.5'],
    ['image/jphc', '1.2.840.10008.1.2.4.201'],
    ['video/mp4', '1.2.840.10008.1.2.4.102'],
  ])('of %s is %s', (contentType, expected) => {
    expect(syntaxOf(contentType)).toBe(expected);
  });

  it('is what the metadata says, if it is of the same media type', () => {
    expect(syntaxOf('image/jp2', available('1.2.840.10008.1.2.4.91'))).toBe('1.2.840.10008.1.2.4.91');
    expect(syntaxOf('image/jpeg', { '00020010': { vr: 'UI', Value: ['1.2.840.10008.1.2.4.57'] } })).toBe(
      '1.2.840.10008.1.2.4.57',
    );
    // Decoded for the web, as an archive gives it: the metadata speaks of what is stored there.
    expect(syntaxOf('application/octet-stream', available('1.2.840.10008.1.2.4.50'))).toBe('1.2.840.10008.1.2.1');
    expect(syntaxOf('image/jp2', available('1.2.840.10008.1.2.4.91', '1.2.840.10008.1.2.1'))).toBe(
      '1.2.840.10008.1.2.4.90',
    );
  });

  it.each([
    ['baseline', mosaicJpeg(8, 8, 1, () => 5), '1.2.840.10008.1.2.4.50'],
    ['extended', jpeg(0xc1, 0), '1.2.840.10008.1.2.4.51'],
    ['lossless, first-order prediction', jpeg(0xc3, 1), '1.2.840.10008.1.2.4.70'],
    ['lossless, another prediction', jpeg(0xc3, 6), '1.2.840.10008.1.2.4.57'],
    ['nothing that can be told', Buffer.from('ffd8', 'hex'), '1.2.840.10008.1.2.4.70'],
  ])('of a JPEG that does not say is in its header: %s', (_what, bytes, expected) => {
    expect(syntaxOf('image/jpeg', {}, bytes)).toBe(expected);
  });

  it.each(['image/png', 'text/plain', 'constructor/x'])('is none of %s', (contentType) => {
    expect(() => syntaxOf(contentType)).toThrow(DicomError);
  });
});
