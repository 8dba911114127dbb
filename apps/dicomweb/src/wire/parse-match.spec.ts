import { describe, expect, it } from '@jest/globals';
import { parseMatch } from './parse-match.js';
import { findSearchAttribute } from './search-attributes.js';

const parse = (name: string, value: string) => parseMatch(findSearchAttribute(name, 'instance')!, value);

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
    expect(parse('StudyTime', value)).toEqual({ kind: 'times', ...range });
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
    ['PatientName', 'Doe^Jane^^^', { kind: 'equals', value: 'Doe^Jane' }],
    ['PatientName', 'Doe*', { kind: 'wildcard', pattern: 'Doe*' }],
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
    expect(parse('PatientName', 'x'.repeat(400))).toEqual({ kind: 'equals', value: 'x'.repeat(400) });
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
    ['7', 7],
    ['+7', 7],
    ['-1', -1],
    ['007', 7],
    ['999999999999', 999999999999],
  ])('%s', (value, number) => {
    expect(parse('SeriesNumber', value)).toEqual({ kind: 'number', value: number });
  });

  it.each(['1.5', 'a', '1-2', '*', '1?', '1e3', '0x10', '9'.repeat(13)])('refuses %s', (value) => {
    expect(() => parse('SeriesNumber', value)).toThrow('not a whole number');
  });
});
