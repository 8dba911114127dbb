import { describe, expect, it } from '@jest/globals';
import { formatAgo, formatDue, formatSpan } from './format-ago.js';
import { formatBytes } from './format-bytes.js';
import { formatAge, formatDicomDate, formatDicomTime } from './format-dicom-date.js';
import { formatPersonName } from './format-person-name.js';
import { formatQuantity, formatUnit, formatValue } from './format-quantity.js';
import { humanise } from './humanise.js';

describe('formatPersonName', () => {
  it.each([
    ['Doe^Jane', 'DOE, Jane'],
    ['Doe^Jane^Mary^Dr.^Jr.', 'DOE, Dr. Jane Mary Jr.'],
    ['Doe', 'DOE'],
    ['^Jane', 'Jane'],
    ['Doe^Jane=山田^太郎', 'DOE, Jane'],
    ['=山田^太郎', '山田, 太郎'],
    [' Doe ^ Jane ', 'DOE, Jane'],
    ['', '(no name)'],
    ['^^^', '(no name)'],
    [null, '(no name)'],
  ])('%j is %j', (name, expected) => expect(formatPersonName(name)).toBe(expected));
});

describe('DICOM dates and times', () => {
  it.each([
    ['20261121', '2026-11-21'],
    ['2026.11.21', '2026-11-21'],
    ['2026', '2026'],
    ['20261341', '20261341'],
    ['', undefined],
    [null, undefined],
  ])('date %j is %j', (date, expected) => expect(formatDicomDate(date)).toBe(expected));

  it.each([
    ['041530.123', '04:15'],
    ['0415', '04:15'],
    ['04:15:30', '04:15'],
    ['04', '04'],
    [null, undefined],
  ])('time %j is %j', (time, expected) => expect(formatDicomTime(time)).toBe(expected));

  it.each([
    ['19580411', '68 y'],
    ['20261120', '1 d'],
    ['20260901', '2 mo'],
    ['20241122', '23 mo'],
    ['20241121', '2 y'],
    ['20270101', undefined],
    ['00010101', undefined],
    ['00000000', undefined],
    ['unknown', undefined],
  ])('born %s is %j old on 2026-11-21', (birthDate, expected) => {
    expect(formatAge(birthDate, new Date(2026, 10, 21))).toBe(expected);
  });
});

describe('spans of time', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  it.each([
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [5_400_000, '1 h 30 min'],
    [39_600_000, '11 h'],
    [86_400_000, '1 d'],
    [-120_000, '2 min'],
  ])('%d ms is %s', (span, expected) => expect(formatSpan(span)).toBe(expected));

  it.each([
    ['2026-11-21T11:58:00Z', '2 min ago'],
    ['2026-11-21T11:59:55Z', 'just now'],
    ['2026-11-21T12:00:30Z', 'just now'],
    ['nonsense', 'unknown'],
  ])('%s was %s', (iso, expected) => expect(formatAgo(iso, now)).toBe(expected));

  it.each([
    ['2026-11-21T12:14:59Z', { text: 'in 14 min', state: 'soon' }],
    ['2026-11-21T12:15:00Z', { text: 'in 15 min', state: 'later' }],
    ['2026-11-21T11:54:00Z', { text: 'overdue', by: '6 min', state: 'overdue' }],
  ])('due %s is %j', (iso, expected) => expect(formatDue(iso, now)).toMatchObject(expected));

  it('is due never without a deadline', () => expect(formatDue(null, now)).toBeUndefined());
});

describe('quantities', () => {
  it.each([
    [24.1345, '%', '24.13 %'],
    [-862.4, "[hnsf'U]", '-862.4 HU'],
    [0.12345, '1', '0.1235'],
    [3210, '/mm2', '3210 /mm²'],
    [61, '{beats}/min', '61 beats/min'],
    [0, 'mm', '0 mm'],
    [1e12, '', '1.00e+12'],
    [Number.NaN, 'mm', 'no value mm'],
  ])('%d %s is %s', (value, unit, expected) => expect(formatQuantity(value, unit)).toBe(expected));

  it('shows the annotation of a unit it does not know', () => expect(formatUnit('{nuclei}/mm2')).toBe('nuclei/mm2'));
  it('gives no more digits than there are', () => expect(formatValue(5.1)).toBe('5.1'));
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [123_456, '123 kB'],
    [5.2e9, '5.2 GB'],
    [1e18, '1000 PB'],
  ])('%d is %s', (bytes, expected) => expect(formatBytes(bytes)).toBe(expected));
});

describe('humanise', () => {
  it.each([
    ['numberOfInstances', 'Number of instances'],
    ['studyInstanceUid', 'Study instance UID'],
    ['model_id', 'Model ID'],
    ['sha256', 'SHA-256'],
  ])('%s is "%s"', (key, expected) => expect(humanise(key)).toBe(expected));
});
