import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DataSource } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { insertDataset } from '../../../../test/support/insert-dataset.js';
import { parseQido } from '../wire/parse-qido.js';
import { parsed } from './parsed-page.fixture.js';
import { searchInstances as searchInstancesTexts } from './instance-search.js';
import { searchSeries as searchSeriesTexts } from './series-search.js';
import { searchStudies as searchStudiesTexts } from './study-search.js';

const searchInstances = parsed(searchInstancesTexts);
const searchSeries = parsed(searchSeriesTexts);
const searchStudies = parsed(searchStudiesTexts);

jest.setTimeout(120_000);

let database: TestDatabase;
let db: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.dataSource;
  for (const [key, dataset] of Object.entries(datasets)) {
    const sopClassUid = key === 'mueller' ? '1.2.840.10008.5.1.4.1.1.2' : '1.2.840.10008.5.1.4.1.1.4';
    await insertDataset(db, { studyInstanceUid: uidOf(key), sopClassUid, dataset });
  }
});

afterAll(async () => {
  await database?.drop();
});

const element = (vr: string, ...values: unknown[]) => (values.length === 0 ? { vr } : { vr, Value: values });
const name = (alphabetic: string, ideographic?: string, phonetic?: string) =>
  element('PN', {
    Alphabetic: alphabetic,
    ...(ideographic !== undefined && { Ideographic: ideographic }),
    ...(phonetic !== undefined && { Phonetic: phonetic }),
  });
const code = (value: string, scheme: string) => ({
  '00080100': element('SH', value),
  '00080102': element('SH', scheme),
});

/** One study with one series with one instance each: what finds one of them must find it at every level. */
const datasets: Record<string, DicomJson> = {
  mueller: {
    '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'),
    '00080020': element('DA', '20240101'),
    '00080021': element('DA', '20240101'),
    '00080030': element('TM', '0930'),
    '00080031': element('TM', '093100'),
    '0008002A': element('DT', '20240101093000.5+0100'),
    '00080060': element('CS', 'CT'),
    '00081032': element('SQ', code('A1', 'X'), code('B2', 'Y')),
    '00081070': { vr: 'PN', Value: [{ Alphabetic: 'Åström^Örjan' }, { Alphabetic: 'Second^Operator' }] },
    '00090010': element('LO', 'ISOCENTER TEST'),
    '00091001': element('LO', 'secret 100%_x'),
    '00091002': element('UN', 17),
    '00100010': name('Müller^Jörg'),
    '00100020': element('LO', 'P-1'),
    '00101001': { vr: 'PN', Value: [{ Alphabetic: 'Alias^One' }, { Alphabetic: 'Alias^Two' }] },
    '00101010': element('AS', '045Y'),
    '00180050': element('DS', '1.50'),
    '00181030': element('LO', `Head 50%_x (a\\b) 'q'`),
    '00181050': element('DS', 0.5),
    '00200013': element('IS', 7),
    '00204000': element('LT', 'nul \u0000 in it \ud800 alone'),
    '00280009': element('AT', '00181063'),
    '00280106': element('SS', -5),
    '00400275': element('SQ', {
      '00401001': element('SH', 'RP1'),
      '00400008': element('SQ', code('PC1', 'LOCAL'), code('PC2', 'OTHER')),
    }),
    '00720074': { vr: 'FD', Value: [0.1] },
    '00720076': { vr: 'FL', Value: [Math.fround(0.1)] },
  },
  schmidt: {
    '00080008': element('CS', 'DERIVED', 'SECONDARY'),
    '00080020': element('DA', '20240103'),
    '00080030': element('TM', '180000.25'),
    '0008002A': element('DT', '20240101'),
    '00080060': element('CS', 'MR'),
    '00081032': element('SQ', code('A1', 'Y')),
    '00100010': name('Schmidt^Anna Maria'),
    '00100020': element('LO', 'P-2'),
    '00100021': element('LO', 'Hospital A'),
    '00101010': element('AS', '007M'),
    '00180050': element('DS', 15),
    '00181030': element('LO', 'head'),
    '00200013': element('IS', 8),
    '00400275': element(
      'SQ',
      { '00401001': element('SH', 'RP2'), '00400008': element('SQ', code('PC1', 'OTHER')) },
      { '00401001': element('SH') },
    ),
  },
  yamada: {
    '00080020': element('DA', '20240102'),
    '00080030': element('TM', '0100'),
    '00080060': element('CS', 'CT', 'PT'),
    '00100010': name('Yamada^Tarou', '山田^太郎', 'やまだ^たろう'),
    '00100020': element('LO', 'P-3'),
  },
  hong: {
    '00080020': element('DA', '20230601'),
    '00080060': element('CS', 'US'),
    '00100010': name('Hong^Gildong', '洪^吉洞', '홍^길동'),
    '00100020': element('LO', 'P-4'),
  },
  berg: {
    '00080020': element('DA', '20230602'),
    '00080060': element('CS', 'XA'),
    '00100010': name('van den Berg^Jan^^Dr.'),
    '00100020': element('LO', 'P-5'),
    '00080090': name('Ólafsdóttir^Þóra'),
  },
  ivanov: {
    '00080020': element('DA', '20230603'),
    '00080060': element('CS', 'NM'),
    '00100010': name('Иванов^Пётр'),
    '00100020': element('LO', 'P-6'),
  },
  empty: {
    '00080020': element('DA'),
    '00080060': element('CS'),
    '00081032': element('SQ'),
    '00100010': element('PN'),
    '00100020': element('LO', 'P-7'),
    '00181030': element('LO'),
    '00090010': element('LO', null),
    '00204000': { vr: 'LT', BulkDataURI: 'bulk/1' },
  },
};

const uidOf = (key: string) => `1.2.${Object.keys(datasets).indexOf(key) + 1}`;
const nameOf = (uid: unknown) => Object.keys(datasets)[Number(String(uid).split('.')[2]) - 1]!;

/** Searches at all three levels, which must agree. @returns the names of the data sets found, sorted */
async function find(parameters: Record<string, string> | string): Promise<string[]> {
  const search = typeof parameters === 'string' ? parameters : new URLSearchParams(parameters).toString();
  const names = async (results: DicomJson[]) => results.map((result) => nameOf(result['0020000D']?.Value?.[0])).sort();
  const studies = await names((await searchStudies(db, parseQido('study', search, 100), 'u')).results);
  const series = await names((await searchSeries(db, parseQido('series', search, 100), 'u', false)).results);
  const instances = await names(
    (await searchInstances(db, parseQido('instance', search, 100), 'u', 'anywhere')).results,
  );
  expect({ search, series, instances }).toEqual({ search, series: studies, instances: studies });
  return studies;
}

describe('matching by value representation, where no column is', () => {
  it.each([
    // Text: exact, and with wildcards; case counts.
    ['ProtocolName', 'head', ['schmidt']],
    ['ProtocolName', 'Head*', ['mueller']],
    ['ProtocolName', 'h?ad', ['schmidt']],
    ['ProtocolName', '*50%_x*', ['mueller']],
    ['ProtocolName', '*50__x*', []],
    ['ProtocolName', `*(a\\b) 'q'`, ['mueller']],
    ['ProtocolName', '*', Object.keys(datasets).sort()],
    ['ProtocolName', '', Object.keys(datasets).sort()],
    // Codes: any value, any of a list.
    ['ImageType', 'PRIMARY', ['mueller']],
    ['ImageType', 'PRIMARY,SECONDARY', ['mueller', 'schmidt']],
    ['ImageType', 'A?IAL', ['mueller']],
    ['ImageType', 'PRIM', []],
    // Numbers are numbers, however they are written.
    ['SliceThickness', '1.5', ['mueller']],
    ['SliceThickness', '01.500', ['mueller']],
    ['SliceThickness', '1.5e1', ['schmidt']],
    ['SliceThickness', '1', []],
    ['SmallestImagePixelValue', '-5', ['mueller']],
    ['SpatialResolution', '.5', ['mueller']],
    ['SelectorFDValue', '0.1', ['mueller']],
    ['SelectorFLValue', '0.1', ['mueller']],
    ['InstanceNumber', '007', ['mueller']],
    // Ages and tags.
    ['PatientAge', '045Y', ['mueller']],
    ['FrameIncrementPointer', '(0018,1063)', ['mueller']],
    // Dates and times.
    ['SeriesDate', '20231231-20240102', ['mueller']],
    ['SeriesDate', '20240102-', []],
    ['SeriesTime', '09', ['mueller']],
    ['AcquisitionDateTime', '20240101', ['mueller', 'schmidt']],
    ['AcquisitionDateTime', '202401010930', ['mueller']],
    ['AcquisitionDateTime', '202401010930-202401010931', ['mueller']],
    ['AcquisitionDateTime', '20240101083000+0000-20240101083001+0000', ['mueller']],
    ['AcquisitionDateTime', '20240101093000+0000-', []],
    ['AcquisitionDateTime', '-20240101000000+0000', ['schmidt']],
    // Person names: whatever the case, any group.
    ['OperatorsName', 'åSTRÖM^örjan', ['mueller']],
    ['OperatorsName', 'second*', ['mueller']],
    ['OtherPatientNames', 'alias^two', ['mueller']],
    ['OtherPatientNames', 'alias', []],
    // Private elements, by tag; where the dictionary does not help, as they are written.
    ['00091001', 'secret 100%_x', ['mueller']],
    ['00091001', 'secret*', ['mueller']],
    ['00091001', 'secret 100__x', []],
    ['00091002', '17', ['mueller']],
    ['00090010', 'ISOCENTER TEST', ['mueller']],
    // What is the archive's own.
    ['AvailableTransferSyntaxUID', '1.2.840.10008.1.2.1', Object.keys(datasets).sort()],
    ['AvailableTransferSyntaxUID', '1.2.840.10008.1.2.4.50', []],
    ['SOPClassUID', '1.2.840.10008.5.1.4.1.1.2', ['mueller']],
    ['SOPClassesInStudy', '1.2.840.10008.5.1.4.1.1.2', ['mueller']],
    ['NumberOfStudyRelatedInstances', '1', Object.keys(datasets).sort()],
    ['NumberOfSeriesRelatedInstances', '2', []],
    ['SeriesInstanceUID', '1.2.1.1,1.2.2.1', ['mueller', 'schmidt']],
    ['SOPInstanceUID', '1.2.1.1.1', ['mueller']],
  ])('%s=%s', async (key, value, expected) => {
    expect(await find({ [key]: value })).toEqual(expected);
  });

  it('reads past what PostgreSQL’s JSON cannot hold', async () => {
    expect(await find({ ImageComments: 'nul*in it*alone' })).toEqual(['mueller']);
  });

  it('wants all keys to hold for one series and one of its instances', async () => {
    expect(await find('Modality=CT&SliceThickness=1.5')).toEqual(['mueller']);
    expect(await find('Modality=MR&SliceThickness=1.5')).toEqual([]);
    expect(await find('PatientID=P-1&Modality=CT&InstanceNumber=7&ProtocolName=Head*')).toEqual(['mueller']);
    const runner = db.createQueryRunner();
    await runner.startTransaction();
    const uid = uidOf('mueller');
    await runner.query(
      `with st as (update study set modalities = '{CT,SR}' where study_instance_uid = $1 returning study_key)
       insert into series (study_key, series_instance_uid, modality, attributes) select study_key, $2, 'SR', '{}' from st`,
      [uid, `${uid}.2`],
    );
    const studies = async (search: string) =>
      (await searchStudies(runner.manager as never, parseQido('study', search, 100), 'u')).results.map((one) =>
        nameOf(one['0020000D']?.Value?.[0]),
      );
    expect(await studies('Modality=CT&SliceThickness=1.5')).toEqual(['mueller']);
    expect(await studies('Modality=SR&SliceThickness=1.5')).toEqual([]);
    expect(await studies('Modality=SR&ModalitiesInStudy=CT')).toEqual(['mueller']);
    await runner.rollbackTransaction();
    await runner.release();
  });
});

describe('sequences', () => {
  it.each([
    [{ 'ProcedureCodeSequence.CodeValue': 'A1' }, ['mueller', 'schmidt']],
    [{ '00081032.00080100': 'B*' }, ['mueller']],
    // Both in one and the same item.
    [{ 'ProcedureCodeSequence.CodeValue': 'A1', 'ProcedureCodeSequence.CodingSchemeDesignator': 'Y' }, ['schmidt']],
    [{ 'ProcedureCodeSequence.CodeValue': 'B2', 'ProcedureCodeSequence.CodingSchemeDesignator': 'Y' }, ['mueller']],
    // In sequences of sequences.
    [{ 'RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue': 'PC1' }, ['mueller', 'schmidt']],
    [
      {
        'RequestAttributesSequence.RequestedProcedureID': 'RP1',
        'RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue': 'PC1',
        'RequestAttributesSequence.ScheduledProtocolCodeSequence.CodingSchemeDesignator': 'LOCAL',
      },
      ['mueller'],
    ],
    [
      {
        'RequestAttributesSequence.RequestedProcedureID': 'RP1',
        'RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue': 'PC1',
        'RequestAttributesSequence.ScheduledProtocolCodeSequence.CodingSchemeDesignator': 'OTHER',
      },
      [],
    ],
    [{ 'RequestAttributesSequence.00091001': 'x' }, []],
  ])('%j', async (keys, expected) => {
    expect(await find(keys as Record<string, string>)).toEqual(expected);
  });
});

describe('dates with their times', () => {
  it.each([
    // From the morning of the first to the evening of the third: the second is in it at any hour.
    ['StudyDate=20240101-20240103&StudyTime=0900-1900', ['mueller', 'schmidt', 'yamada']],
    ['StudyDate=20240101-20240103&StudyTime=0931-1900', ['schmidt', 'yamada']],
    ['StudyDate=20240101-20240103&StudyTime=0900-1759', ['mueller', 'yamada']],
    ['StudyDate=20240101-&StudyTime=0931-', ['schmidt', 'yamada']],
    ['StudyDate=-20240103&StudyTime=-1759', ['berg', 'hong', 'ivanov', 'mueller', 'yamada']],
    // A time that is no range is a time of any day.
    ['StudyDate=20240101-20240103&StudyTime=01', ['yamada']],
    ['SeriesDate=20240101-20240102&SeriesTime=0930-0932', ['mueller']],
    ['SeriesDate=20240101-20240102&SeriesTime=0932-0933', []],
  ])('%s', async (search, expected) => {
    expect(await find(search)).toEqual(expected);
  });
});

describe('emptyvaluematching', () => {
  const none = (...except: string[]) =>
    Object.keys(datasets)
      .filter((one) => !except.includes(one))
      .sort();
  it.each([
    ['StudyDate', ['empty']],
    ['PatientName', ['empty']],
    ['Modality', ['empty']],
    ['ModalitiesInStudy', ['empty']],
    ['IssuerOfPatientID', none('schmidt')],
    ['ProtocolName', none('mueller', 'schmidt')],
    ['SliceThickness', none('mueller', 'schmidt')],
    ['ProcedureCodeSequence', none('mueller', 'schmidt')],
    ['00090010', none('mueller')],
    // What lies outside of the JSON is not nowhere.
    ['ImageComments', none('mueller', 'empty')],
    // An item without it: an archive's sequence without items has none.
    ['RequestAttributesSequence.RequestedProcedureID', ['schmidt']],
  ])('%s=""', async (key, expected) => {
    expect(await find({ [key]: '""', emptyvaluematching: 'true' })).toEqual(expected);
  });

  it('goes with other keys, and is off when it is not asked for', async () => {
    expect(await find({ StudyDate: '""', PatientID: 'P-7', emptyvaluematching: 'true' })).toEqual(['empty']);
    expect(await find({ PatientID: '""' })).toEqual([]);
  });
});

describe('multiplevaluematching', () => {
  it.each([
    ['ModalitiesInStudy', 'CT\\PT', ['yamada']],
    ['ModalitiesInStudy', 'PT,CT', ['yamada']],
    ['ModalitiesInStudy', 'CT', ['mueller', 'yamada']],
    ['ImageType', 'AXIAL\\ORIGINAL', ['mueller']],
    ['ImageType', 'AXIAL\\DERIVED', []],
    ['OtherPatientNames', 'Alias^Two\\Alias^One', ['mueller']],
    ['OtherPatientNames', 'Alias^Two\\Alias^Three', []],
    // No series has two modalities.
    ['Modality', 'CT\\PT', []],
  ])('%s=%s', async (key, value, expected) => {
    expect(await find({ [key]: value, multiplevaluematching: 'true' })).toEqual(expected);
  });

  it('is any of them when it is not asked for', async () => {
    expect(await find({ ModalitiesInStudy: 'CT\\MR' })).toEqual(['mueller', 'schmidt', 'yamada']);
  });
});

describe('fuzzymatching', () => {
  it.each([
    // Accents and case, and how German writes around them.
    ['muller', 'mueller'],
    ['MUELLER', 'mueller'],
    ['Müller^Jörg', 'mueller'],
    ['Joerg', 'mueller'],
    // In any order, with any delimiter.
    ['Jörg Müller', 'mueller'],
    ['jorg^muller', 'mueller'],
    ['Müller, Jörg', 'mueller'],
    // Beginnings of words.
    ['Mül', 'mueller'],
    ['Müller J', 'mueller'],
    ['Anna', 'schmidt'],
    ['Maria Schmidt', 'schmidt'],
    // By sound.
    ['Schmitt', 'schmidt'],
    ['Smith', 'schmidt'],
    ['Mohler', 'mueller'],
    // Words of one component, written apart or not.
    ['vandenberg', 'berg'],
    ['Berg', 'berg'],
    ['Jan van den Berg', 'berg'],
    ['Hong Gil-Dong', 'hong'],
    ['Gil-Dong, Hong', 'hong'],
    // Wildcards find at least what they would without it.
    ['*chmid*', 'schmidt'],
    ['Sch?idt*', 'schmidt'],
    // Other scripts, by group, word, and written as one.
    ['yamada', 'yamada'],
    ['Tarou Yamada', 'yamada'],
    ['山田', 'yamada'],
    ['太郎', 'yamada'],
    ['山田^太郎', 'yamada'],
    ['山田太郎', 'yamada'],
    ['山田　太郎', 'yamada'],
    ['やまだ', 'yamada'],
    ['ヤマダ', 'yamada'],
    ['ﾔﾏﾀﾞ', 'yamada'],
    ['Ｙａｍａｄａ', 'yamada'],
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'yamada'],
    ['홍길동', 'hong'],
    ['홍^길동', 'hong'],
    ['길동', 'hong'],
    ['洪吉洞', 'hong'],
    ['hong', 'hong'],
    ['иванов', 'ivanov'],
    ['Петр Иванов', 'ivanov'],
  ])('PatientName=%s finds %s', async (value, expected) => {
    expect(await find({ PatientName: value, fuzzymatching: 'true' })).toContain(expected);
    // A fuzzy search that finds everything is none.
    expect((await find({ PatientName: value, fuzzymatching: 'true' })).length).toBeLessThan(3);
  });

  it.each([
    'Meyer Jörg',
    'Müller Anna',
    'Xyz',
    '山本',
    '田',
    '김',
    'üller',
    '^',
    "'",
    '\\',
    "a' | 'b",
    ':*',
    '!!',
    '&|',
  ])('PatientName=%s finds nothing', async (value) => {
    expect(await find({ PatientName: value, fuzzymatching: 'true' })).toEqual(
      value === '^' ? Object.keys(datasets).sort() : [],
    );
  });

  it('is for every person name', async () => {
    expect(await find({ ReferringPhysicianName: 'Thora Olafsdottir', fuzzymatching: 'true' })).toEqual(['berg']);
    expect(await find({ OperatorsName: 'Orjan Astrom', fuzzymatching: 'true' })).toEqual(['mueller']);
    expect(await find({ OtherPatientNames: 'two', fuzzymatching: 'true' })).toEqual(['mueller']);
  });

  it('leaves everything else literal', async () => {
    expect(await find({ ProtocolName: 'hed', fuzzymatching: 'true' })).toEqual([]);
    expect(await find({ PatientID: 'p-1', fuzzymatching: 'true' })).toEqual([]);
    expect(await find({ PatientName: 'muller' })).toEqual([]);
  });

  it('uses its index', async () => {
    const plan = await db.transaction(async (tx) => {
      await tx.query('set local enable_seqscan = off');
      await tx.query('set local enable_indexonlyscan = off');
      return tx.query(
        `explain select study_key from study st where person_name_words(st.patient_name) @@ person_name_query($1::text)`,
        ['muller'],
      );
    });
    expect(JSON.stringify(plan)).toContain('ix_study_name_words');
  });
});

describe('hostile text', () => {
  const hostile = [
    `'; drop table study; --`,
    `' or '1'='1`,
    `$1`,
    `$$; select 1; $$`,
    `\\'; select 1; --`,
    `") or true or ("`,
    `{"a":1}`,
    `$."00100010"`,
    `%`,
    `_`,
    `x' | 'y':* & !'z`,
    `(((((((((((`,
    `[[:alpha:]]+`,
    `\\u0000`,
    `${'('.repeat(200)}`,
    `\ud800`,
  ];
  const keys = {
    'a column of text': 'PatientID',
    'a column of names': 'PatientName',
    'a list in a column': 'ModalitiesInStudy',
    'text in JSON': 'ProtocolName',
    'names in JSON': 'OtherPatientNames',
    'codes in JSON': 'ImageType',
    'a sequence': 'ProcedureCodeSequence.CodeValue',
    'a private element': '00091001',
  };
  it.each(Object.entries(keys))('finds nothing and breaks nothing in %s', async (_kind, key) => {
    for (const value of hostile) {
      for (const more of [
        {},
        { fuzzymatching: 'true' },
        { multiplevaluematching: 'true' },
        { emptyvaluematching: 'true' },
      ]) {
        expect([value, await find({ [key]: value, ...more })]).toEqual([value, []]);
        expect([value, await find({ [key]: `z*${value}?`, ...more })]).toEqual([value, []]);
      }
    }
    expect(await find('')).toEqual(Object.keys(datasets).sort());
  });

  it.each([
    'StudyDate',
    'StudyTime',
    'AcquisitionDateTime',
    'SliceThickness',
    'Rows',
    'PatientAge',
    'FrameIncrementPointer',
  ])('refuses it in %s', (key) => {
    for (const value of hostile)
      expect(() => parseQido('study', new URLSearchParams({ [key]: value }).toString(), 1)).toThrow('malformed');
  });

  it('knows no attribute of such a name', async () => {
    for (const value of hostile) {
      for (const key of [value, `PatientName.${value}`, `00400275.${value}`]) {
        const query = parseQido('study', new URLSearchParams({ [key]: 'x' }).toString(), 1);
        expect([key, query.matches]).toEqual([key, []]);
      }
    }
  });
});

describe('what comes back', () => {
  it('is of a sequence what was asked for', async () => {
    const ask = async (level: 'study' | 'series', search: string) =>
      (level === 'study'
        ? await searchStudies(db, parseQido('study', search, 100), 'u')
        : await searchSeries(db, parseQido('series', search, 100), 'u', false)
      ).results[0]!;
    expect((await ask('study', 'PatientID=P-1&includefield=ProcedureCodeSequence.CodeValue'))['00081032']).toEqual(
      element('SQ', { '00080100': element('SH', 'A1') }, { '00080100': element('SH', 'B2') }),
    );
    expect((await ask('study', 'PatientID=P-1&includefield=ProcedureCodeSequence'))['00081032']).toEqual(
      datasets['mueller']!['00081032'],
    );
    expect((await ask('study', 'PatientID=P-1'))['00081032']).toBeUndefined();
    // A series is always given with its requests, whole.
    const key = 'RequestAttributesSequence.RequestedProcedureID';
    expect((await ask('series', `PatientID=P-1&${key}=RP1`))['00400275']).toEqual(datasets['mueller']!['00400275']);
  });

  it('has a private element and who it belongs to, of instances alone', async () => {
    const search = 'PatientID=P-1&includefield=00091001,SliceThickness';
    const instance = (await searchInstances(db, parseQido('instance', search, 10), 'u', 'anywhere')).results[0]!;
    expect(instance['00091001']).toEqual(datasets['mueller']!['00091001']);
    expect(instance['00090010']).toEqual(datasets['mueller']!['00090010']);
    expect(instance['00180050']).toEqual(element('DS', '1.50'));
    const series = (await searchSeries(db, parseQido('series', search, 10), 'u', false)).results[0]!;
    expect(series).not.toHaveProperty('00091001');
    expect(series).not.toHaveProperty('00180050');
  });

  it('is for all everything of the level and those above', async () => {
    const all = 'PatientID=P-1&includefield=all';
    const study = (await searchStudies(db, parseQido('study', all, 10), 'u')).results[0]!;
    for (const tag of ['00081032', '00101001', '00101010']) expect(study[tag]).toEqual(datasets['mueller']![tag]);
    expect(study).not.toHaveProperty('00081070');
    const series = (await searchSeries(db, parseQido('series', all, 10), 'u', false)).results[0]!;
    for (const tag of ['00081032', '00081070', '00181030']) expect(series[tag]).toEqual(datasets['mueller']![tag]);
    expect(series).not.toHaveProperty('00180050');
    const instance = (await searchInstances(db, parseQido('instance', all, 10), 'u', 'anywhere')).results[0]!;
    for (const [tag, value] of Object.entries(datasets['mueller']!))
      expect([tag, instance[tag]]).toEqual([tag, JSON.parse(JSON.stringify(value))]);
  });
});
