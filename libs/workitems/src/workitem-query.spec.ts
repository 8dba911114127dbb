import { describe, expect, it } from '@jest/globals';
import { parseWorkitemQuery } from './workitem-query.js';

describe('parseWorkitemQuery', () => {
  it('knows a key by keyword, by tag and by path', () => {
    for (const name of ['ProcedureStepState', '00741000']) {
      expect(parseWorkitemQuery({ [name]: 'SCHEDULED' }).match).toEqual([
        { key: 'ProcedureStepState', values: ['SCHEDULED'] },
      ]);
    }
    for (const name of ['ScheduledWorkitemCodeSequence.CodeValue', '00404018.00080100']) {
      expect(parseWorkitemQuery({ [name]: '110005' }).match[0]?.key).toBe('ScheduledWorkitemCodeSequence.CodeValue');
    }
  });

  it.each([
    'StudyInstanceUID',
    '0020000D',
    'ReferencedRequestSequence.StudyInstanceUID',
    '0040A370.0020000d',
    'InputInformationSequence.StudyInstanceUID',
  ])('finds a study by %s', (name) => {
    expect(parseWorkitemQuery({ [name]: '1.2,1.3' }).match).toEqual([
      { key: 'StudyInstanceUID', values: ['1.2', '1.3'] },
    ]);
  });

  it('separates UIDs at backslashes too, and matches everything with an empty value', () => {
    expect(parseWorkitemQuery({ SOPInstanceUID: '1.2\\1.3', PatientID: '' }).match).toEqual([
      { key: 'SOPInstanceUID', values: ['1.2', '1.3'] },
    ]);
  });

  it('reads paging and what to include', () => {
    expect(parseWorkitemQuery({})).toEqual({ match: [], includesInput: false, limit: 100, offset: 0 });
    expect(
      parseWorkitemQuery({ limit: '5', offset: '10', includefield: 'PatientName,all', fuzzymatching: 'true' }),
    ).toEqual({
      match: [],
      includesInput: true,
      limit: 5,
      offset: 10,
    });
  });

  it.each([
    // The Transaction UID is the key to a workitem: it cannot even be searched for.
    [{ TransactionUID: '1.2' }, 'cannot be searched by "TransactionUID"'],
    [{ '00081195': '1.2' }, 'cannot be searched'],
    [{ Nonsense: 'x' }, 'cannot be searched by "Nonsense"'],
    [{ 'a;drop table workitem': 'x' }, 'cannot be searched'],
    [{ limit: '1001' }, '"limit"'],
    [{ offset: 'x' }, '"offset"'],
    [{ PatientID: Array.from({ length: 101 }, (_, index) => index).join() }, '101 values'],
  ])('refuses %j', (raw, says) => {
    expect(() => parseWorkitemQuery(raw)).toThrow(says);
  });
});
