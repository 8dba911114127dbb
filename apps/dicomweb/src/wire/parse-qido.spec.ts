import { describe, expect, it } from '@jest/globals';
import { parseQido } from './parse-qido.js';

const parse = (search: string, level: 'study' | 'series' | 'instance' = 'study') => parseQido(level, search, 1000);
const matchesOf = (search: string, level: 'study' | 'series' | 'instance' = 'study') =>
  parse(search, level).matches.map(({ attribute, condition }) => [attribute.keyword, condition]);

describe('parseQido: names', () => {
  it.each([
    'PatientName=Doe',
    '00100010=Doe',
    'patientname=Doe',
    'PATIENTNAME=Doe',
    '?'.slice(1) + '&PatientName=Doe&',
    'PatientName=Doe&limit=',
  ])('%s', (search) => {
    expect(matchesOf(search)).toEqual([['PatientName', { kind: 'equals', value: 'Doe' }]]);
  });

  it.each(['0020000D=1.2', '0020000d=1.2', 'StudyInstanceUID=1.2', 'studyInstanceUid=1.2'])('%s', (search) => {
    expect(matchesOf(search)).toEqual([['StudyInstanceUID', { kind: 'uids', uids: ['1.2'] }]]);
  });

  it.each([
    'RequestAttributesSequence.ScheduledProcedureStepID=P1',
    '00400275.00400009=P1',
    'requestattributessequence.00400009=P1',
  ])('%s', (search) => {
    expect(matchesOf(search, 'series')).toEqual([
      ['RequestAttributesSequence.ScheduledProcedureStepID', { kind: 'equals', value: 'P1' }],
    ]);
  });

  it('decodes what is percent-encoded, and plus signs', () => {
    expect(matchesOf('PatientName=M%C3%BCller%5EJ%2B+K')).toEqual([
      ['PatientName', { kind: 'equals', value: 'Müller^J+ K' }],
    ]);
    expect(matchesOf('StudyInstanceUID=1.2%5C1.3%2C1.4')).toEqual([
      ['StudyInstanceUID', { kind: 'uids', uids: ['1.2', '1.3', '1.4'] }],
    ]);
  });

  it('matches attributes of the levels above, not below', () => {
    expect(matchesOf('PatientID=1&Modality=CT', 'series')).toHaveLength(2);
    expect(matchesOf('PatientID=1&Modality=CT&InstanceNumber=3', 'instance')).toHaveLength(3);
    const query = parse('Modality=CT&InstanceNumber=3&PatientID=1');
    expect(query.matches).toHaveLength(1);
    expect(query.warnings).toEqual([
      "Matching on 'Modality' is not supported at the study level and has not been performed.",
      "Matching on 'InstanceNumber' is not supported at the study level and has not been performed.",
    ]);
  });

  it('takes repeated lists for one list, and refuses other repetitions', () => {
    expect(matchesOf('ModalitiesInStudy=CT&ModalitiesInStudy=MR')).toEqual(matchesOf('ModalitiesInStudy=CT,MR'));
    expect(matchesOf('StudyInstanceUID=1.2&0020000D=1.3')).toEqual(matchesOf('StudyInstanceUID=1.2,1.3'));
    expect(() => parse('PatientID=1&PatientID=2')).toThrow('PatientID is given more than once');
  });
});

describe('parseQido: what to return', () => {
  const fields = (search: string) => [...parse(search, 'instance').includeFields];
  it.each([
    ['includefield=00081030%2C00080060', ['00081030', '00080060']],
    ['includefield=00081030,00080060', ['00081030', '00080060']],
    ['includefield=00081030&includefield=Modality', ['00081030', '00080060']],
    ['?&includefield=StudyDescription'.slice(1), ['00081030']],
    ['includefield=NumberOfStudyRelatedInstances', ['00201208']],
    ['includefield=modality', ['00080060']],
    ['includefield=RequestAttributesSequence.ScheduledProcedureStepID', ['00400275']],
    ['IncludeField=00280010', ['00280010']],
    ['includefield=', []],
    ['includefield=,,', []],
    ['includefield=0009101a', ['0009101A']],
  ])('%s', (search, expected) => {
    expect(fields(search)).toEqual(expected);
    expect(parse(search, 'instance').warnings).toEqual([]);
  });

  it('knows all', () => {
    expect(parse('includefield=all').isAllIncluded).toBe(true);
    expect(parse('includefield=00081030,ALL').isAllIncluded).toBe(true);
    expect(parse('').isAllIncluded).toBe(false);
  });

  it('returns what it matches on, also for universal matching', () => {
    expect(fields('PatientName=&InstanceNumber=3')).toEqual(['00100010', '00200013']);
  });

  it('says which field it does not know', () => {
    expect(parse('includefield=NoSuchThing,00080060').warnings).toEqual([
      "The includefield 'NoSuchThing' is not known and has been ignored.",
    ]);
  });
});

describe('parseQido: paging', () => {
  it.each([
    ['', { limit: 1000, offset: 0, isServerLimit: true }],
    ['limit=101&offset=0&fuzzymatching=false', { limit: 101, offset: 0, isServerLimit: false }],
    ['limit=1000', { limit: 1000, isServerLimit: false }],
    ['limit=1001', { limit: 1000, isServerLimit: true }],
    ['limit=0', { limit: 0, isServerLimit: false }],
    ['LIMIT=5&Offset=10', { limit: 5, offset: 10 }],
    ['limit=&offset=', { limit: 1000, offset: 0 }],
    ['offset=9007199254740991', { offset: 9007199254740991 }],
  ])('%s', (search, expected) => {
    expect(parse(search)).toMatchObject(expected);
  });

  it.each([
    'limit=-1',
    'limit=abc',
    'limit=1.5',
    'limit=1e3',
    'offset=-5',
    'offset=x',
    'offset=99999999999999999999',
    'limit=1&limit=2',
  ])('refuses %s', (search) => {
    expect(() => parse(search)).toThrow(/limit|offset/);
  });
});

describe('parseQido: what is not supported', () => {
  it('says so for each kind of matching', () => {
    expect(parse('fuzzymatching=true').warnings).toEqual([
      'The fuzzymatching parameter is not supported. Only literal matching has been performed.',
    ]);
    expect(parse('fuzzymatching=false&emptyvaluematching=false').warnings).toEqual([]);
    expect(parse('emptyvaluematching=true&multiplevaluematching=true').warnings).toHaveLength(2);
    expect(() => parse('fuzzymatching=perhaps')).toThrow('takes true or false');
  });

  it('leaves accept and charset to others', () => {
    expect(parse('accept=application/dicom%2Bjson&charset=utf-8').warnings).toEqual([]);
  });

  it('keeps warnings few, short and plain', () => {
    const search = Array.from({ length: 500 }, (_, at) => `x${at}=1`).join('&');
    expect(parse(search).warnings).toHaveLength(8);
    expect(parse('%0d%0aSet-Cookie:%20x=1').warnings).toEqual([
      'Matching on an attribute is not supported at the study level and has not been performed.',
    ]);
    expect(parse(`${'A'.repeat(2000)}=1`).warnings[0]!.length).toBeLessThan(120);
  });
});
