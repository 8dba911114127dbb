import { describe, expect, it } from '@jest/globals';
import { describeRepresentation, negotiateAccept } from '../../wire/negotiate-accept.js';
import { frameRepresentations } from './frame-representations.js';

const uid = (end: string) => `1.2.840.10008.1.2.${end}`;
const native = { transferSyntaxUid: uid('1'), frameKind: 'native' } as const;
const j2k = { transferSyntaxUid: uid('4.91'), frameKind: 'encapsulated' } as const;
const jpeg = { transferSyntaxUid: uid('4.50'), frameKind: 'encapsulated' } as const;

const pick = (instance: Parameters<typeof frameRepresentations>[0], header?: string, frames = 1) => {
  const chosen = negotiateAccept({ header, query: undefined }, frameRepresentations(instance, frames));
  return chosen === undefined ? '406' : describeRepresentation(chosen);
};

describe('frameRepresentations', () => {
  it('prefers what is stored', () => {
    expect(pick(native)).toBe(`multipart/related; type="application/octet-stream"; transfer-syntax=${uid('1')}`);
    expect(pick(j2k)).toBe(`multipart/related; type="application/octet-stream"; transfer-syntax=${uid('4.91')}`);
    expect(pick(j2k, 'image/*')).toBe(`image/jp2; transfer-syntax=${uid('4.91')}`);
    expect(pick(j2k, 'image/jp2')).toBe(`image/jp2; transfer-syntax=${uid('4.91')}`);
    expect(pick(jpeg, 'image/jpeg')).toBe(`image/jpeg; transfer-syntax=${uid('4.50')}`);
  });

  it('decodes and encodes on request', () => {
    expect(pick(j2k, 'application/octet-stream')).toBe(`application/octet-stream; transfer-syntax=${uid('1')}`);
    expect(pick(j2k, `image/jp2; transfer-syntax=${uid('4.90')}`)).toBe(`image/jp2; transfer-syntax=${uid('4.90')}`);
    expect(pick(native, 'image/jpeg')).toBe(`image/jpeg; transfer-syntax=${uid('4.70')}`);
    expect(pick(native, `image/jpeg; transfer-syntax=${uid('4.50')}`)).toBe(
      `image/jpeg; transfer-syntax=${uid('4.50')}`,
    );
    for (const [mediaType, end] of [
      ['image/jls', '4.80'],
      ['image/jphc', '4.201'],
      ['image/dicom-rle', '5'],
    ] as const) {
      expect(pick(native, mediaType)).toBe(`${mediaType}; transfer-syntax=${uid(end)}`);
    }
  });

  it('does not offer what it cannot give', () => {
    expect(pick(native, 'image/jxl')).toBe('406');
    expect(pick(native, `application/octet-stream; transfer-syntax=${uid('2')}`)).toBe('406');
    expect(pick(native, 'application/octet-stream', 2)).toBe('406');
    const unknown = { transferSyntaxUid: '1.2.3.4', frameKind: 'encapsulated' } as const;
    expect(pick(unknown, `application/octet-stream; transfer-syntax=${uid('1')}`)).toBe('406');
  });
});
