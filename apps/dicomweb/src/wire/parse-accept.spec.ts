import { describe, expect, it } from '@jest/globals';
import { parseAccept } from './parse-accept.js';

const multi = (mediaType: string, transferSyntax?: string, quality = 1) => ({
  mediaType,
  parts: 'multi',
  transferSyntax,
  quality,
});
const single = (mediaType: string, transferSyntax?: string, quality = 1) => ({
  mediaType,
  parts: 'single',
  transferSyntax,
  quality,
});

describe('parseAccept', () => {
  it.each([
    ['application/dicom+json', [single('application/dicom+json')]],
    ['APPLICATION/DICOM+JSON', [single('application/dicom+json')]],
    ['*/*', [{ mediaType: '*/*', parts: 'either', transferSyntax: undefined, quality: 1 }]],
    ['image/*;q=0.3', [single('image/*', undefined, 0.3)]],
    ['', []],
    [' , ,', []],
    ['nonsense', []],
    ['; q=1', []],
  ])('reads %j', (field, expected) => {
    expect(parseAccept(field)).toEqual(expected);
  });

  it.each([
    'multipart/related; type=application/octet-stream; transfer-syntax=*',
    'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
    'multipart/related;type="application/octet-stream";transfer-syntax=*',
    'Multipart/Related; Type="Application/Octet-Stream"; Transfer-Syntax=*',
    'multipart/related ; type = "application/octet-stream" ; transfer-syntax = *',
    'multipart/related; type="application/octet-stream"; transfer-syntax=*; charset=utf-8; boundary=x',
    'multipart/related; type="application/octet-stream"; transfer-syntax=*;',
  ])('reads any spelling of the cornerstone and OHIF default: %s', (field) => {
    expect(parseAccept(field)).toEqual([multi('application/octet-stream', '*')]);
  });

  it('reads the comma-separated offers of dicomweb-client', () => {
    const field =
      'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80, multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1';
    expect(parseAccept(field)).toEqual([
      multi('image/jls', '1.2.840.10008.1.2.4.80'),
      multi('application/octet-stream', '1.2.840.10008.1.2.1'),
    ]);
  });

  it('reads offers separated by semicolons only', () => {
    const field =
      'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80; multipart/related; type=image/jpeg; application/dicom; q=0.5';
    expect(parseAccept(field)).toEqual([
      multi('image/jls', '1.2.840.10008.1.2.4.80'),
      multi('image/jpeg'),
      single('application/dicom', undefined, 0.5),
    ]);
  });

  it('takes a comma inside quotes for text', () => {
    expect(parseAccept('application/json; profile="a,b;c=\\"d"; q=0.2, image/png')).toEqual([
      single('application/json', undefined, 0.2),
      single('image/png'),
    ]);
  });

  it.each([
    ['image/x-dicom-rle', 'image/dicom-rle'],
    ['image/x-jls', 'image/jls'],
    ['image/jhc', 'image/jphc'],
    ['image/dicom+jp2', 'image/jp2'],
    ['image/dicom+jpx', 'image/jpx'],
    ['image/dicom+jpeg', 'image/jpeg'],
  ])('knows %s as %s', (legacy, current) => {
    expect(parseAccept(`multipart/related; type="${legacy}"`)).toEqual([multi(current)]);
    expect(parseAccept(legacy)).toEqual([single(current)]);
  });

  it('takes multipart without a type for parts of any type', () => {
    expect(parseAccept('multipart/related')).toEqual([multi('*/*')]);
    expect(parseAccept('multipart/*;q=0.1')).toEqual([multi('*/*', undefined, 0.1)]);
  });

  it('completes the shortened wildcard', () => {
    expect(parseAccept('multipart/related; type="image/"')).toEqual([multi('image/*')]);
  });

  it.each([
    ['q=0', 0],
    ['q=0.000', 0],
    ['q=1.0', 1],
    ['q=abc', 1],
    ['q=', 1],
    ['q=7', 1],
    ['q=-1', 1],
    ['Q=0.5', 0.5],
  ])('reads the quality %s as %d', (parameter, quality) => {
    expect(parseAccept(`image/png; ${parameter}`)).toEqual([single('image/png', undefined, quality)]);
  });

  it('makes the best of a quote that is never closed', () => {
    expect(parseAccept('multipart/related; type="image/jpeg')).toEqual([multi('image/jpeg')]);
  });
});
