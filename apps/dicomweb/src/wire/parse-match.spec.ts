import { describe, expect, it } from '@jest/globals';
import { type MatchOptions, parseMatch } from './parse-match.js';
import { findSearchAttribute } from './search-attributes.js';

const parse = (name: string, value: string, options: Partial<MatchOptions> = {}) =>
  parseMatch(findSearchAttribute(name)!, value, {
    isFuzzy: false,
    isEmptyMatching: false,
    isMultipleMatching: false,
    ...options,
  });

describe('parseMatch on dates', () => {
  it.each([
    ['20240229', { from: '20240229', to: '20240229' }],
    ['20240101-20240131', { from: '20240101', to: '20240131' }],
    [' 20240101 - 20240131 ', { from: '20240101', to: '20240131' }],
    ['20240101-', { from: '20240101', to: undefined }],
    ['-20240131', { from: undefined, to: '20240131' }],
    ['20240101-20240101', { from: '20240101', to: '20240101' }],
  ])('%s', (value, range) => {
    expect(parse('StudyDate', value)).toEqual({ kind: 'dates', ...range });
  });

  it.each([
    '-',
    '--',
    '20240101-20240102-20240103',
    '20230229',
    '20241301',
    '20240100',
    '20240431',
    '2024',
    '202401',
    '2024010',
    '2024-01-01',
    '2024.01.01',
    '20240131-20240101',
    '2024*',
    '*',
    '?',
    'today',
    "20240101' or 1=1",
  ])('refuses %s', (value) => {
    expect(() => parse('StudyDate', value)).toThrow(/StudyDate \(00080020, DA\) is malformed/);
  });
});

describe('parseMatch on times', () => {
  it.each([
    ['101500', { from: '101500000000', to: '101500999999' }],
    ['10', { from: '100000000000', to: '109999999999' }],
    ['1015', { from: '101500000000', to: '101599999999' }],
    ['101500.5', { from: '101500500000', to: '101500599999' }],
    ['101500.123456', { from: '101500123456', to: '101500123456' }],
    ['0900-1200', { from: '090000000000', to: '120099999999' }],
    ['0900-', { from: '090000000000', to: undefined }],
    ['-235960', { from: undefined, to: '235960999999' }],
  ])('%s', (value, range) => {
    expect(parse('StudyTime', value)).toEqual({ kind: 'times', isRange: value.includes('-'), ...range });
  });

  it.each([
    '-',
    '24',
    '2360',
    '235961',
    '1',
    '101',
    '10150',
    '10:15',
    '101500.',
    '101500.1234567',
    '1200-0900',
    '1?',
    '*',
  ])('refuses %s', (value) => {
    expect(() => parse('StudyTime', value)).toThrow(/StudyTime .* is malformed/);
  });
});

describe('parseMatch on text', () => {
  it.each([
    ['PatientID', 'A-1', { kind: 'equals', value: 'A-1' }],
    ['PatientID', '  A-1 ', { kind: 'equals', value: 'A-1' }],
    ['PatientID', '*A?1**', { kind: 'wildcard', pattern: '*A?1*' }],
    ['PatientID', '%_.(\\[a-z]+$', { kind: 'equals', value: '%_.(\\[a-z]+$' }],
    ['PatientID', '*100%*', { kind: 'wildcard', pattern: '*100%*' }],
    ['PatientID', 'a,b', { kind: 'equals', value: 'a,b' }],
    ['PatientName', 'Doe^Jane^^^', { kind: 'name', pattern: 'Doe^Jane', isFuzzy: false }],
    ['PatientName', 'Doe*', { kind: 'name', pattern: 'Doe*', isFuzzy: false }],
    ['PatientSex', 'F', { kind: 'equals', value: 'F' }],
    ['PatientID', '', undefined],
    ['PatientID', '   ', undefined],
    ['PatientID', '*', undefined],
    ['PatientID', '***', undefined],
    ['PatientName', '*', undefined],
    ['PatientName', '^^', undefined],
    ['StudyDate', '', undefined],
    ['StudyInstanceUID', '', undefined],
    ['InstanceNumber', '', undefined],
  ])('%s=%s', (name, value, expected) => {
    expect(parse(name, value)).toEqual(expected);
  });

  it('refuses what no database text can hold', () => {
    expect(() => parse('PatientName', 'a\u0000b')).toThrow('control characters');
  });
});

describe('parseMatch on long text', () => {
  it('takes 400 characters, not 401', () => {
    expect(parse('PatientName', 'x'.repeat(400))).toMatchObject({ pattern: 'x'.repeat(400) });
    expect(() => parse('PatientName', 'x'.repeat(401))).toThrow('longer than 400 characters');
    expect(parse('StudyInstanceUID', Array.from({ length: 50 }, (_, at) => `1.2.3.4.5.${at}`).join(','))).toMatchObject(
      { kind: 'uids' },
    );
  });
});

describe('parseMatch on modalities', () => {
  const equals = (value: string) => ({ kind: 'equals', value });
  it.each([
    ['CT', equals('CT')],
    ['CT,MR', { kind: 'any-of', conditions: [equals('CT'), equals('MR')] }],
    ['CT\\MR', { kind: 'any-of', conditions: [equals('CT'), equals('MR')] }],
    [' CT , MR ,', { kind: 'any-of', conditions: [equals('CT'), equals('MR')] }],
    ['C?,MR', { kind: 'any-of', conditions: [{ kind: 'wildcard', pattern: 'C?' }, equals('MR')] }],
    ['CT,*', undefined],
    [',', undefined],
  ])('%s', (value, expected) => {
    expect(parse('ModalitiesInStudy', value)).toEqual(expected);
  });
});

describe('parseMatch on UIDs', () => {
  it.each([
    ['1.2.3', ['1.2.3']],
    ['1.2.3,1.2.4', ['1.2.3', '1.2.4']],
    ['1.2.3\\1.2.4', ['1.2.3', '1.2.4']],
    ['1.2.3, 1.2.3 ,', ['1.2.3']],
  ])('%s', (value, uids) => {
    expect(parse('StudyInstanceUID', value)).toEqual({ kind: 'uids', uids });
  });

  it.each(['1.2.*', '*', '1.2.?', 'abc', '1..2', '1.2.', '../etc', "1.2'--", `1.${'2'.repeat(64)}`, '1.2.3,x'])(
    'refuses %s',
    (value) => {
      expect(() => parse('StudyInstanceUID', value)).toThrow('not a UID');
    },
  );
});

describe('parseMatch on numbers', () => {
  it.each([
    ['SeriesNumber', '7'],
    ['SeriesNumber', '+7'],
    ['SeriesNumber', '-1'],
    ['SeriesNumber', '007'],
    ['Rows', '512'],
    ['SliceThickness', '1.50'],
    ['SliceThickness', '-.5'],
    ['SliceThickness', '1e-3'],
    ['FileOffsetInContainer', '18446744073709551615'],
  ])('%s=%s', (name, value) => {
    expect(parse(name, value)).toEqual({ kind: 'numbers', numbers: [value] });
  });

  it('takes a float of 32 bits for the double it is kept as, too', () => {
    expect(parse('RecommendedDisplayFrameRateInFloat', '0.1')).toEqual({
      kind: 'numbers',
      numbers: ['0.1', '0.10000000149011612'],
    });
    expect(parse('RecommendedDisplayFrameRateInFloat', '1e99')).toEqual({ kind: 'numbers', numbers: ['1e99'] });
  });

  it.each(['1.5', 'a', '1-2', '*', '1?', '1e3', '0x10', '9'.repeat(21)])('refuses %s', (value) => {
    expect(() => parse('SeriesNumber', value)).toThrow('not a whole number');
  });

  it.each(['a', '1-2', '*', '1,5', '1e', 'NaN', 'Infinity', '1e999', '--1', "1'"])('refuses %s as decimal', (value) => {
    expect(() => parse('SliceThickness', value)).toThrow('not a number');
  });
});

describe('parseMatch on dates with times', () => {
  const moments = (from: string | undefined, to: string | undefined, isUtc = false) => ({
    kind: 'moments',
    from,
    to,
    isUtc,
  });
  it.each([
    ['2024', moments('20240101000000000000', '20241231235959999999')],
    ['202402', moments('20240201000000000000', '20240229235959999999')],
    ['20240229', moments('20240229000000000000', '20240229235959999999')],
    ['2024022910', moments('20240229100000000000', '20240229105959999999')],
    ['202402291015', moments('20240229101500000000', '20240229101559999999')],
    ['20240229101530.5', moments('20240229101530500000', '20240229101530599999')],
    ['2023-2024', moments('20230101000000000000', '20241231235959999999')],
    ['20240229-', moments('20240229000000000000', undefined)],
    ['-20240229', moments(undefined, '20240229235959999999')],
    // Four digits behind a hyphen that can be an offset are one.
    ['20240229-0500', moments('20240229050000000000', '20240301045959999999', true)],
    ['20240229+0100', moments('20240228230000000000', '20240229225959999999', true)],
    ['20240229+0100-', moments('20240228230000000000', undefined, true)],
    ['202402291200-0500-202402291300-0500', moments('20240229170000000000', '20240229180059999999', true)],
    ['202402291200-202402291300+0100', moments('20240229110000000000', '20240229120059999999', true)],
  ])('%s', (value, expected) => {
    expect(parse('AcquisitionDateTime', value)).toEqual(expected);
  });

  it.each([
    '-',
    '',
    '202',
    '20240230',
    '20241301',
    '2024022925',
    '2024-02-29',
    '2024-2023',
    'x',
    '2024*',
    '00000101+0100',
  ])('refuses %s', (value) => {
    if (value === '') expect(parse('AcquisitionDateTime', value)).toBeUndefined();
    else expect(() => parse('AcquisitionDateTime', value)).toThrow(/AcquisitionDateTime .* is malformed/);
  });
});

describe('parseMatch on ages and tags', () => {
  it('takes what is one, without wildcards', () => {
    expect(parse('PatientAge', '045Y')).toEqual({ kind: 'equals', value: '045Y' });
    expect(() => parse('PatientAge', '45Y')).toThrow('not an age');
    expect(() => parse('PatientAge', '*')).toThrow('not an age');
    for (const value of ['00181063', '(0018,1063)', '0018,1063']) {
      expect(parse('FrameIncrementPointer', value)).toEqual({ kind: 'equals', value: '00181063' });
    }
    expect(() => parse('FrameIncrementPointer', '0018*')).toThrow('not a tag');
  });
});

describe('parseMatch on what no dictionary knows', () => {
  it('takes private elements for text', () => {
    expect(parse('00091001', 'a*')).toEqual({ kind: 'wildcard', pattern: 'a*' });
    expect(parse('00091001', '5')).toEqual({ kind: 'equals', value: '5' });
  });
});

describe('parseMatch with emptyvaluematching', () => {
  it.each([
    'PatientName',
    'StudyDate',
    'StudyInstanceUID',
    'SliceThickness',
    'ModalitiesInStudy',
    'RequestAttributesSequence',
  ])('takes two quotation marks for no value of %s', (name) => {
    expect(parse(name, ' "" ', { isEmptyMatching: true })).toEqual({ kind: 'empty' });
  });

  it('takes them for themselves without it, or as malformed', () => {
    expect(parse('PatientID', '""')).toEqual({ kind: 'equals', value: '""' });
    expect(() => parse('StudyDate', '""')).toThrow('malformed');
  });
});

describe('parseMatch with multiplevaluematching', () => {
  const equals = (value: string) => ({ kind: 'equals', value });
  it.each([
    ['ModalitiesInStudy', 'CT\\PT', { kind: 'all-of', conditions: [equals('CT'), equals('PT')] }],
    ['ModalitiesInStudy', 'CT,PT', { kind: 'all-of', conditions: [equals('CT'), equals('PT')] }],
    ['OtherPatientIDs', 'A\\B,C', { kind: 'all-of', conditions: [equals('A'), equals('B,C')] }],
    ['PatientID', 'A', equals('A')],
    ['StudyInstanceUID', '1.2\\1.3', { kind: 'uids', uids: ['1.2', '1.3'] }],
  ])('%s=%s', (name, value, expected) => {
    expect(parse(name, value, { isMultipleMatching: true })).toEqual(expected);
  });
});

describe('parseMatch with fuzzymatching', () => {
  it('marks person names and leaves the rest literal', () => {
    expect(parse('PatientName', 'Doe', { isFuzzy: true })).toEqual({ kind: 'name', pattern: 'Doe', isFuzzy: true });
    expect(parse('PatientID', 'Doe', { isFuzzy: true })).toEqual({ kind: 'equals', value: 'Doe' });
  });
});
