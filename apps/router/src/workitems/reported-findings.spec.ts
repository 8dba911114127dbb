import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { reportedFindings } from './reported-findings.js';

const code = (scheme: string, value: string, meaning = value) => ({
  vr: 'SQ',
  Value: [
    {
      '00080100': { vr: 'SH', Value: [value] },
      '00080102': { vr: 'SH', Value: [scheme] },
      '00080104': { vr: 'LO', Value: [meaning] },
    },
  ],
});
const item = (type: string, concept: DicomJson[string], rest: DicomJson): DicomJson => ({
  '0040A040': { vr: 'CS', Value: [type] },
  '0040A043': concept,
  ...rest,
});
const container = (...items: DicomJson[]) =>
  item('CONTAINER', code('DCM', '126010'), { '0040A730': { vr: 'SQ', Value: items } });
const verdict = (concept: DicomJson[string], value: DicomJson[string]) => item('CODE', concept, { '0040A168': value });
const number = (value: unknown) =>
  item('NUM', code('99X', 'D', 'Diameter'), {
    '0040A300': { vr: 'SQ', Value: [{ '0040A30A': { vr: 'DS', Value: [value] }, '004008EA': code('UCUM', 'mm') }] },
  });

const summaryConcept = code('DCM', '111017');
const positive = code('SCT', '10828004', 'Positive');

describe('reportedFindings', () => {
  it('reads measurements wherever they stand in the tree', () => {
    expect(reportedFindings(container(container(number('12.5')), number(3))).findings).toEqual([
      expect.objectContaining({ name: 'Diameter', value: 3 }),
      expect.objectContaining({ name: 'Diameter', value: 12.5, unit: { value: 'mm', scheme: 'UCUM', meaning: 'mm' } }),
    ]);
  });

  it.each([
    ['111241', 'negative'],
    ['111242', 'positive'],
    ['111243', 'inconclusive'],
    ['111245', 'inconclusive'],
  ])('reads the summary of a CAD: %s is %s', (value, outcome) => {
    expect(reportedFindings(container(verdict(summaryConcept, code('DCM', value)))).outcome).toBe(outcome);
  });

  it('reads the verdict as reports of the suite give it, with its comment', () => {
    const report = container(
      verdict(code('99ISOCENTER', 'triage-outcome'), code('SCT', '260385009', 'Negative')),
      item('TEXT', code('DCM', '121106', 'Comment'), { '0040A160': { vr: 'UT', Value: ['Nothing to see'] } }),
    );
    expect(reportedFindings(report)).toMatchObject({ outcome: 'negative', comment: 'Nothing to see' });
  });

  it('takes "Positive" for no verdict on the study where it is said of something else', () => {
    expect(reportedFindings(container(verdict(code('SCT', '48676-1', 'HER2'), positive))).outcome).toBeUndefined();
  });

  it('takes the most serious of several verdicts', () => {
    const several = container(
      ...['111241', '111242', '111243'].map((value) => verdict(summaryConcept, code('DCM', value))),
    );
    expect(reportedFindings(several).outcome).toBe('positive');
  });

  it('finds nothing in what is no report, or broken', () => {
    const nothing = { outcome: undefined, comment: undefined, findings: [] };
    expect(reportedFindings({})).toEqual(nothing);
    expect(
      reportedFindings(container(number('many'), item('NUM', code('X', 'Y'), {}), item('CODE', positive, {}))),
    ).toEqual(nothing);
  });

  it('stops in a tree that goes on and on', () => {
    const many = container(...Array.from({ length: 30_000 }, (_, index) => number(index)));
    expect(reportedFindings(many).findings).toHaveLength(100);
  });
});
