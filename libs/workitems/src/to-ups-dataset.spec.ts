import { describe, expect, it } from '@jest/globals';
import { dicomDateTime, parseDicomDateTime, type ReadingWorkitem, toUpsDataset } from './index.js';

const workitem: ReadingWorkitem = {
  uid: '2.25.1',
  kind: 'reading',
  studyInstanceUid: '1.2.3',
  state: 'SCHEDULED',
  priority: 'HIGH',
  priorityReason: 'The order says STAT.',
  deadline: new Date('2026-01-31T10:00:00Z'),
  performer: null,
  attempts: 0,
  claimedAt: null,
  heartbeatAt: null,
  finishedAt: null,
  discontinuationReason: null,
  dataset: { '00741204': { vr: 'LO', Value: ['Reading'] } },
  createdAt: new Date('2026-01-31T09:00:00Z'),
  updatedAt: new Date('2026-01-31T09:00:00.123Z'),
};

describe('dicomDateTime', () => {
  it('writes a DT in UTC', () => {
    expect(dicomDateTime(new Date('2026-01-31T23:59:59.007Z'))).toBe('20260131235959.007000+0000');
  });

  it.each([
    ['20260131235959.007000+0000', '2026-01-31T23:59:59.007Z'],
    ['20260131103000+0130', '2026-01-31T09:00:00.000Z'],
    ['20260131', '2026-01-31T00:00:00.000Z'],
    ['2026', '2026-01-01T00:00:00.000Z'],
    ['20260231', undefined],
    ['2026-01-31', undefined],
    ['', undefined],
  ])('reads %j', (text, iso) => {
    expect(parseDicomDateTime(text)?.toISOString()).toBe(iso);
  });
});

describe('toUpsDataset', () => {
  it('puts the columns and the dataset together, tags in order', () => {
    const dataset = toUpsDataset(workitem);
    expect(dataset).toEqual({
      '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.34.6.1'] },
      '00080018': { vr: 'UI', Value: ['2.25.1'] },
      '00404010': { vr: 'DT', Value: ['20260131090000.123000+0000'] },
      '00404011': { vr: 'DT', Value: ['20260131100000.000000+0000'] },
      '00741000': { vr: 'CS', Value: ['SCHEDULED'] },
      '00741200': { vr: 'CS', Value: ['HIGH'] },
      '00741204': { vr: 'LO', Value: ['Reading'] },
    });
    expect(Object.keys(dataset)).toEqual(Object.keys(dataset).sort());
  });

  it('believes the columns where a stored dataset says otherwise, and drops a Transaction UID', () => {
    const stale = {
      ...workitem,
      dataset: { '00741000': { vr: 'CS', Value: ['COMPLETED'] }, '00081195': { vr: 'UI', Value: ['1.2.3.4'] } },
    };
    expect(toUpsDataset(stale)).toMatchObject({ '00741000': { Value: ['SCHEDULED'] } });
    expect(toUpsDataset(stale)).not.toHaveProperty('00081195');
  });

  it('keeps what a canceled step said of its progress', () => {
    const canceled = toUpsDataset({
      ...workitem,
      state: 'CANCELED',
      finishedAt: new Date('2026-01-31T09:30:00Z'),
      discontinuationReason: 'Unreadable',
      dataset: { '00741002': { vr: 'SQ', Value: [{ '00741004': { vr: 'DS', Value: [40] } }] } },
    });
    expect(canceled['00741002']?.Value).toEqual([
      {
        '00741004': { vr: 'DS', Value: [40] },
        '00404052': { vr: 'DT', Value: ['20260131093000.000000+0000'] },
        '00741238': { vr: 'LT', Value: ['Unreadable'] },
        // The final state needs a coded reason (PS3.4 table CC.2.5-3).
        '0074100E': { vr: 'SQ', Value: [expect.objectContaining({ '00080100': { vr: 'SH', Value: ['110513'] } })] },
      },
    ]);
  });
});
