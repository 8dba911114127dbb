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
    expect(matchesOf(search)).toEqual([['PatientName', { kind: 'name', pattern: 'Doe', isFuzzy: false }]]);
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
      ['PatientName', { kind: 'name', pattern: 'Müller^J+ K', isFuzzy: false }],
    ]);
    expect(matchesOf('StudyInstanceUID=1.2%5C1.3%2C1.4')).toEqual([
      ['StudyInstanceUID', { kind: 'uids', uids: ['1.2', '1.3', '1.4'] }],
    ]);
  });

  it('matches any attribute of the dictionary at every level, and private ones by tag', () => {
    for (const level of ['study', 'series', 'instance'] as const) {
      expect(
        matchesOf(
          'PatientID=1&Modality=CT&InstanceNumber=3&SliceThickness=1.5&00091001=x&DeidentificationMethodCodeSequence.CodeValue=113100',
          level,
        ).map(([keyword]) => keyword),
      ).toEqual([
        'PatientID',
        'Modality',
        'InstanceNumber',
        'SliceThickness',
        '00091001',
        'DeidentificationMethodCodeSequence.CodeValue',
      ]);
    }
  });

  it('matches in sequences to any depth a person could mean', () => {
    const path = 'SharedFunctionalGroupsSequence.PixelMeasuresSequence.SliceThickness';
    expect(parse(`${path}=2`).matches).toMatchObject([{ attribute: { path: '52009229.00289110.00180050', vr: 'DS' } }]);
    const deep = `${'00400275.'.repeat(16)}00400009`;
    expect(parse(`${deep}=1`).matches).toEqual([]);
    expect(parse(`${deep}=1`).warnings).toHaveLength(1);
  });

  it('takes repeated lists for one list, and refuses other repetitions', () => {
    expect(matchesOf('ModalitiesInStudy=CT&ModalitiesInStudy=MR')).toEqual(matchesOf('ModalitiesInStudy=CT,MR'));
    expect(matchesOf('StudyInstanceUID=1.2&0020000D=1.3')).toEqual(matchesOf('StudyInstanceUID=1.2,1.3'));
    expect(() => parse('PatientID=1&PatientID=2')).toThrow('PatientID is given more than once');
    expect(matchesOf('OtherPatientIDs=1&OtherPatientIDs=2&multiplevaluematching=true')).toEqual(
      matchesOf('OtherPatientIDs=1%5C2&multiplevaluematching=true'),
    );
  });

  it('refuses more keys than anybody means', () => {
    const keys = (count: number) =>
      Array.from({ length: count }, (_, at) => `0009${(0x1000 + at).toString(16)}=1`).join('&');
    expect(parse(keys(64)).matches).toHaveLength(64);
    expect(() => parse(keys(65))).toThrow('More than 64 attributes');
  });
});

describe('parseQido: dates with their times', () => {
  const times = (search: string) =>
    parse(search).matches.map(({ attribute, time }) => [attribute.keyword, time?.from, time?.to]);
  it.each([
    ['StudyDate=20240101-20240103&StudyTime=1000-1800', [['StudyDate', '100000000000', '180099999999']]],
    ['StudyTime=1000-1800&StudyDate=20240101-20240103', [['StudyDate', '100000000000', '180099999999']]],
    ['StudyDate=20240101-&StudyTime=1000-', [['StudyDate', '100000000000', undefined]]],
    ['StudyDate=20240101-20240103&StudyTime=1000-', [['StudyDate', '100000000000', undefined]]],
    ['SeriesDate=20240101-20240103&SeriesTime=1000-1800', [['SeriesDate', '100000000000', '180099999999']]],
  ])('%s', (search, expected) => {
    expect(times(search)).toEqual(expected);
  });

  it.each([
    // A time that is no range is one of any day; an end of the day without an end of the days is too.
    'StudyDate=20240101-20240103&StudyTime=1015',
    'StudyDate=20240101-&StudyTime=-1800',
    'StudyDate=20240101-20240103&SeriesTime=1000-1800',
  ])('%s is two conditions', (search) => {
    expect(parse(search).matches.map(({ condition, time }) => [condition.kind, time])).toEqual([
      ['dates', undefined],
      ['times', undefined],
    ]);
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
    ['includefield=RequestAttributesSequence.ScheduledProcedureStepID', ['00400275.00400009']],
    ['IncludeField=00280010', ['00280010']],
    ['includefield=', []],
    ['includefield=,,', []],
    ['includefield=0009101a', ['0009101A', '00090010']],
    ['includefield=00090010', ['00090010']],
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

describe('parseQido: what is not done', () => {
  it('hands the three kinds of matching on, and warns of none', () => {
    const query = parse(
      'PatientName=Doe&StudyDate=%22%22&fuzzymatching=true&emptyvaluematching=TRUE&multiplevaluematching=true',
    );
    expect(query.warnings).toEqual([]);
    expect(query.matches.map(({ condition }) => condition)).toEqual([
      { kind: 'name', pattern: 'Doe', isFuzzy: true },
      { kind: 'empty' },
    ]);
    expect(() => parse('fuzzymatching=perhaps')).toThrow('takes true or false');
  });

  it.each([
    ['NoSuchKey=1', "'NoSuchKey' is not known and has not been matched."],
    ['PixelData=1', "'PixelData' has not been matched: it is binary."],
    ['00020010=1.2', "'00020010' has not been matched: file meta information is not part of a data set."],
    ['RetrieveURL=x', "'RetrieveURL' has not been matched: it is made for each answer."],
    ['SpecificCharacterSet=ISO_IR 100', "'SpecificCharacterSet' has not been matched: a character set is not a key."],
    [
      'TimezoneOffsetFromUTC=%2B0100',
      "'TimezoneOffsetFromUTC' has not been matched: dates and times match as they are stored, in their own time zone.",
    ],
    [
      'RequestAttributesSequence=x',
      'RequestAttributesSequence has not been matched: a sequence is matched by the attributes in its items.',
    ],
  ])('%s', (search, warning) => {
    const query = parse(search);
    expect(query.matches).toEqual([]);
    expect(query.warnings).toEqual([warning]);
  });

  it('warns of none of them without a value: they are asked for', () => {
    expect(parse('PixelData=&RetrieveURL=&RequestAttributesSequence=').warnings).toEqual([]);
  });

  it('leaves accept and charset to others', () => {
    expect(parse('accept=application/dicom%2Bjson&charset=utf-8').warnings).toEqual([]);
  });

  it('keeps warnings few, short and plain', () => {
    const search = Array.from({ length: 500 }, (_, at) => `x${at}=1`).join('&');
    expect(parse(search).warnings).toHaveLength(8);
    expect(parse('%0d%0aSet-Cookie:%20x=1').warnings).toEqual(['An attribute is not known and has not been matched.']);
    expect(parse(`${'A'.repeat(2000)}=1`).warnings[0]!.length).toBeLessThan(120);
  });
});
