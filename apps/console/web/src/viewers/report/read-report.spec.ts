import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '../../dicom/dicom-json.js';
import { readReport } from './read-report.js';

const code = (meaning: string, value = 'x'): DicomJson => ({
  '00080100': { vr: 'SH', Value: [value] },
  '00080104': { vr: 'LO', Value: [meaning] },
});
const item = (valueType: string, heading: string, more: DicomJson): DicomJson => ({
  '0040A040': { vr: 'CS', Value: [valueType] },
  '0040A043': { vr: 'SQ', Value: [code(heading)] },
  ...more,
});
const sequence = (...items: DicomJson[]) => ({ vr: 'SQ', Value: items });

describe('readReport', () => {
  const number = item('NUM', 'Volume', {
    '0040A300': sequence({
      '0040A30A': { vr: 'DS', Value: ['5.0812'] },
      '004008EA': sequence(code('liter', 'L')),
    }),
  });

  it.each([
    ['text', item('TEXT', 'Finding', { '0040A160': { vr: 'UT', Value: ['Nothing new'] } }), 'Nothing new'],
    ['a number with its unit', number, '5.081 L'],
    [
      'why a number is missing',
      item('NUM', 'Volume', { '0040A300': { vr: 'SQ' }, '0040A301': sequence(code('Not a number')) }),
      'Not a number',
    ],
    ['a code', item('CODE', 'Site', { '0040A168': sequence(code('Lung')) }), 'Lung'],
    [
      'a name',
      item('PNAME', 'Observer', { '0040A123': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] } }),
      'DOE, Jane',
    ],
    ['a moment', item('DATETIME', 'Time', { '0040A120': { vr: 'DT', Value: ['20261121041530'] } }), '2026-11-21 04:15'],
    ['a UID', item('UIDREF', 'Tracking', { '0040A124': { vr: 'UI', Value: ['1.2'] } }), '1.2'],
    [
      'a shape',
      item('SCOORD', 'Region', {
        '00700023': { vr: 'CS', Value: ['POLYLINE'] },
        '00700022': { vr: 'FL', Value: [1, 2] },
      }),
      'polyline, 2 coordinates',
    ],
    ['a kind nobody knows', item('HOLOGRAM', 'New', {}), '(HOLOGRAM)'],
  ])('reads %s', (_name, dataset, expected) => expect(readReport(dataset).text).toBe(expected));

  it('keeps the tree and its references', () => {
    const image = item('IMAGE', 'Source', {
      '00081199': sequence({ '00081155': { vr: 'UI', Value: ['1.2.3'] }, '00081160': { vr: 'IS', Value: [4, 5] } }),
    });
    const report = readReport(item('CONTAINER', 'Report', { '0040A730': sequence(number, image) }));
    expect(report).toMatchObject({
      heading: 'Report',
      text: null,
      children: [
        { heading: 'Volume', text: '5.081 L' },
        { heading: 'Source', reference: { sopInstanceUid: '1.2.3', frames: ['4', '5'] } },
      ],
    });
  });

  it('cuts a report that nests without end, and says so', () => {
    let dataset = item('TEXT', 'Bottom', { '0040A160': { vr: 'UT', Value: ['deep'] } });
    for (let depth = 0; depth < 60; depth++) dataset = item('CONTAINER', 'Level', { '0040A730': sequence(dataset) });
    const text = JSON.stringify(readReport(dataset));
    expect(text).toContain('1 deeper items are not shown');
    expect(text).not.toContain('Bottom');
  });
});
