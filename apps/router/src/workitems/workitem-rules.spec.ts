import { describe, expect, it } from '@jest/globals';
import { newWorkitem, performedStep } from '../../../../test/support/ups.js';
import {
  discontinuationReason,
  problemsOfCompletion,
  problemsOfNew,
  problemsOfUpdate,
  studiesOf,
  toNewDataset,
} from './workitem-rules.js';

const text = (value: string) => ({ vr: 'LO', Value: [value] });
const uid = (value: string) => ({ vr: 'UI', Value: [value] });

describe('problemsOfNew', () => {
  it('finds none in what is complete', () => {
    expect(problemsOfNew(newWorkitem())).toEqual([]);
    expect(problemsOfNew(newWorkitem({ '00081195': { vr: 'UI' }, '00741216': { vr: 'SQ' } }))).toEqual([]);
  });

  it('names everything that is missing at once', () => {
    expect(problemsOfNew({}).map((problem) => /\(\w{4},\w{4}\)/.exec(problem)?.[0])).toEqual([
      '(0040,4005)',
      '(0040,4041)',
      '(0074,1000)',
      '(0074,1200)',
      '(0074,1204)',
    ]);
  });

  it('looks into requests and replaced steps', () => {
    const problems = problemsOfNew(
      newWorkitem({
        '0040A370': { vr: 'SQ', Value: [{}] },
        '00741224': { vr: 'SQ', Value: [{ '00081150': uid('1.2') }] },
      }),
    );
    expect(problems).toEqual([
      'Item 1 of ReferencedRequestSequence (0040,A370) lacks StudyInstanceUID (0020,000D).',
      'Item 1 of ReplacedProcedureStepSequence (0074,1224) lacks ReferencedSOPInstanceUID (0008,1155).',
    ]);
  });
});

describe('toNewDataset', () => {
  it('leaves out what the row keeps, and puts in what must be there', () => {
    const { dataset, isModified } = toNewDataset(
      newWorkitem({ '00001000': uid('1.2'), '00081195': uid('1.3') }),
      'OTHER',
    );
    expect(isModified).toBe(true);
    for (const tag of ['00001000', '00081195', '00741000', '00741200']) expect(dataset).not.toHaveProperty(tag);
    expect(dataset).toMatchObject({ '00404021': { vr: 'SQ' }, '00741202': text('OTHER') });
  });

  it('says that nothing was put in where nothing was', () => {
    const whole = toNewDataset(newWorkitem(), 'OTHER').dataset;
    expect(toNewDataset({ ...newWorkitem(), ...whole }, 'X')).toEqual({ dataset: whole, isModified: false });
  });
});

describe('problemsOfUpdate', () => {
  it('lets routing keep what it made, of tasks of the suite alone', () => {
    const label = { '00741202': text('radiology') };
    expect(problemsOfUpdate(label, 'other')).toEqual({ problems: [], refused: [] });
    expect(problemsOfUpdate(label, 'reading').refused).toEqual(['00741202']);
    expect(problemsOfUpdate({ ...performedStep(), '00081195': uid('1.2') }, 'ai').problems).toEqual([]);
  });

  it('refuses to empty what must have a value, and to change nothing', () => {
    expect(problemsOfUpdate({ '00741204': { vr: 'LO' } }, 'other').problems).toEqual([
      'ProcedureStepLabel (0074,1204) cannot be emptied.',
    ]);
    expect(problemsOfUpdate({ '00081195': uid('1.2') }, 'other').problems).toHaveLength(1);
  });
});

describe('problemsOfCompletion', () => {
  it('asks for who, what and when, and for outputs if there are any', () => {
    expect(problemsOfCompletion(performedStep())).toEqual([]);
    expect(problemsOfCompletion({ '00741216': { vr: 'SQ', Value: [{}] } })).toHaveLength(5);
    expect(problemsOfCompletion({})).toHaveLength(1);
  });
});

describe('discontinuationReason', () => {
  it('is the text, else the meaning of the code', () => {
    const said = (item: object) => discontinuationReason({ '00741002': { vr: 'SQ', Value: [item] } });
    const code = { '0074100E': { vr: 'SQ', Value: [{ '00080104': text('Doctor canceled procedure') }] } };
    expect(said(code)).toBe('Doctor canceled procedure');
    expect(said({ ...code, '00741238': text('No contrast') })).toBe('No contrast');
    expect(discontinuationReason({})).toBeUndefined();
  });
});

describe('studiesOf', () => {
  it('looks at the step, its request and its input', () => {
    const item = (value: string) => ({ vr: 'SQ', Value: [{ '0020000D': uid(value) }] });
    expect(studiesOf({ '0020000D': uid('1'), '0040A370': item('2'), '00404021': item('1') })).toEqual(['1', '2']);
  });
});
