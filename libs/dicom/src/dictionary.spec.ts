import { describe, expect, it } from '@jest/globals';
import { keywordToTag, tagToKeyword, tagVr } from './dictionary.js';
import { tag } from './tags.js';

describe('dictionary', () => {
  it.each([
    ['PatientID', '00100020', 'LO'],
    ['PixelData', '7FE00010', 'OW'],
    ['SmallestImagePixelValue', '00280106', 'US'],
    ['OverlayData', '60003000', 'OW'],
    ['WaveformSequence', '54000100', 'SQ'],
    ['TransferSyntaxUID', '00020010', 'UI'],
  ])('knows %s', (keyword, tagOf, vr) => {
    expect(keywordToTag(keyword)).toBe(tagOf);
    expect(tagToKeyword(tagOf)).toBe(keyword);
    expect(tagVr(tagOf)).toBe(vr);
  });

  it('knows what the standard has retired by its keyword', () => {
    expect(keywordToTag('StudyComments')).toBe('00324000');
    expect(tagToKeyword('00324000')).toBe('StudyComments');
  });

  it('knows repeating groups', () => {
    expect(tagVr('60220010')).toBe('US');
    expect(tagToKeyword('60220010')).toBe('OverlayRows');
  });

  it('knows private creators and group lengths by their place, and no other private element', () => {
    expect(tagVr('00090010')).toBe('LO');
    expect(tagVr('00091001')).toBeUndefined();
    expect(tagVr('00400000')).toBe('UL');
    expect(tagToKeyword('00091001')).toBeUndefined();
  });

  it('does not know what is no keyword', () => {
    for (const keyword of ['', 'toString', '__proto__', 'patientid', '00100020', 'Patient ID']) {
      expect(keywordToTag(keyword)).toBeUndefined();
    }
    expect(tagVr('12345678')).toBeUndefined();
  });

  it('has the tags spoken of by name right', () => {
    for (const [keyword, value] of Object.entries(tag))
      expect([keyword, keywordToTag(keyword)]).toEqual([keyword, value]);
  });
});
