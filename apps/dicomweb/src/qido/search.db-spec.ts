import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DataSource } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { parseQido } from '../wire/parse-qido.js';
import type { SearchLevel } from '../wire/search-attributes.js';
import { parsed } from './parsed-page.fixture.js';
import { searchInstances as searchInstancesTexts } from './instance-search.js';
import { searchSeries as searchSeriesTexts } from './series-search.js';
import { searchStudies as searchStudiesTexts } from './study-search.js';

const searchInstances = parsed(searchInstancesTexts);
const searchSeries = parsed(searchSeriesTexts);
const searchStudies = parsed(searchStudiesTexts);

jest.setTimeout(120_000);

const url = 'http://pacs.example/dicom-web';

interface Study {
  uid: string;
  values: Record<string, string | null>;
  series: Series[];
}
interface Series {
  uid: string;
  values: Record<string, string | null>;
  requestedProcedureIds: string[];
  instances: Instance[];
}
interface Instance {
  uid: string;
  sopClassUid: string;
  instanceNumber: number | null;
  rows: number | null;
  /** Of no column: matched in the data set. */
  sequenceName: string | null;
  sliceThickness: number | null;
}

let database: TestDatabase;
let db: DataSource;
let archive: Study[];

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.dataSource;
  archive = makeArchive(seededRandom(7), 60);
  await insertArchive(db, archive);
});

afterAll(async () => {
  await database?.drop();
});

function search(
  level: SearchLevel,
  parameters: string,
  limitMax = 10_000,
): Promise<Awaited<ReturnType<typeof searchStudies>>> {
  const query = parseQido(level, parameters, limitMax);
  if (level === 'study') return searchStudies(db, query, url);
  if (level === 'series') return searchSeries(db, query, url, false);
  return searchInstances(db, query, url, 'anywhere');
}

const uidTags = { study: '0020000D', series: '0020000E', instance: '00080018' } as const;
const uidsOf = (page: Awaited<ReturnType<typeof searchStudies>>, level: SearchLevel) =>
  page.results.map((result) => String(result[uidTags[level]]?.Value?.[0]));

describe('searches against a slow reference', () => {
  it.each(['study', 'series', 'instance'] as const)(
    'finds at the %s level exactly what the reference finds',
    async (level) => {
      const random = seededRandom(level.length * 31);
      let nonEmpty = 0;
      for (let round = 0; round < 250; round++) {
        const keys = randomKeys(random);
        const search_ = new URLSearchParams(keys).toString();
        const expected = referenceSearch(level, keys).sort();
        const page = await search(level, search_);
        expect({ search: search_, uids: uidsOf(page, level).sort() }).toEqual({ search: search_, uids: expected });
        if (expected.length > 0) nonEmpty += 1;
      }
      // The comparison means little if nearly all queries find nothing.
      expect(nonEmpty).toBeGreaterThan(80);
    },
  );

  it.each(['study', 'series', 'instance'] as const)(
    'pages at the %s level without repeating or losing a result',
    async (level) => {
      const all = uidsOf(await search(level, ''), level);
      expect(all).toHaveLength(referenceSearch(level, []).length);
      for (const size of [1, 7, 50]) {
        const paged: string[] = [];
        for (let offset = 0; offset < Math.min(all.length, 120); offset += size) {
          paged.push(...uidsOf(await search(level, `limit=${size}&offset=${offset}`), level));
        }
        expect(paged).toEqual(all.slice(0, paged.length));
        expect(paged.length).toBeGreaterThanOrEqual(Math.min(all.length, 120));
      }
    },
  );
});

describe('user text', () => {
  it.each(['%', '_', '\\', '(', "'", '"', '[a-z]', '.*'.slice(0, 1), '$', ';--'])(
    'takes %s literally',
    async (text) => {
      const expected = archive
        .filter((study) => study.values['StudyDescription']?.includes(text))
        .map((study) => study.uid);
      const page = await search('study', new URLSearchParams({ StudyDescription: `*${text}*` }).toString());
      expect(uidsOf(page, 'study').sort()).toEqual(expected.sort());
    },
  );

  it('matches names whatever their case, in any script, and nothing else', async () => {
    const named = async (name: string) =>
      uidsOf(await search('study', new URLSearchParams({ PatientName: name }).toString()), 'study');
    const someone = archive.find((study) => study.values['PatientName'] === 'MÜLLER^Jörg')!;
    expect(someone).toBeDefined();
    expect(await named('müller^jÖRG')).toContain(someone.uid);
    expect(await named('mül*ö?g')).toContain(someone.uid);
    expect(await named('muller^jorg')).toEqual([]);
    const id = archive.find((study) => study.values['PatientID'] === 'Ab-1')!;
    expect(uidsOf(await search('study', 'PatientID=Ab-1'), 'study')).toContain(id.uid);
    expect(uidsOf(await search('study', 'PatientID=ab-1'), 'study')).not.toContain(id.uid);
  });
});

describe('names', () => {
  it.each([
    ['Yamada^Tarou', true],
    ['yamada^tarou', true],
    ['Yamada^Tarou^^^', true],
    ['Yamada', false],
    ['Yamada*', true],
    ['*Tarou', true],
    ['山田^太郎', true],
    ['山田*', true],
    ['や*', true],
    ['Yamada^Tarou=山田^太郎', true],
    ['Yamada*=山田*=やまだ*', true],
    ['Yamada*太郎', false],
    ['*amada?太郎', false],
    ['Tarou', false],
    ['.*', false],
    ['(Yamada|x)^Tarou', false],
    ['[Y]amada^Tarou', false],
  ])('%s: %s', async (name, isFound) => {
    const uid = archive[5]!.uid;
    await db.query(`update study set patient_name = $2 where study_instance_uid = $1`, [
      uid,
      'Yamada^Tarou^^=山田^太郎=やまだ^たろう',
    ]);
    const page = await search('study', new URLSearchParams({ PatientName: name, StudyInstanceUID: uid }).toString());
    expect(uidsOf(page, 'study')).toEqual(isFound ? [uid] : []);
  });

  it('stands the longest and worst pattern', async () => {
    expect((await search('study', new URLSearchParams({ PatientName: '*a?'.repeat(133) }).toString())).results).toEqual(
      [],
    );
  });
});

describe('the cap', () => {
  it('gives as many as the server allows and says how many match', async () => {
    for (const level of ['study', 'series', 'instance'] as const) {
      const total = referenceSearch(level, []).length;
      const page = await search(level, 'offset=5', 10);
      expect(page.results).toHaveLength(10);
      expect(page.matches).toBe(total);
    }
  });

  it('counts nothing when the client’s own limit ends the list, or the list ends by itself', async () => {
    expect((await search('study', 'limit=10', 1000)).matches).toBe(10);
    expect((await search('study', '', archive.length)).matches).toBe(archive.length);
    expect(await search('study', 'offset=100000')).toEqual({ results: [], matches: 100_000 });
  });
});

describe('results', () => {
  it('gives a study with its usual attributes, counts and address, in order', async () => {
    const study = archive[0]!;
    const { results } = await search('study', `StudyInstanceUID=${study.uid}`);
    const result = results[0]!;
    expect(Object.keys(result)).toEqual(Object.keys(result).sort());
    expect(result['00081190']).toEqual({ vr: 'UR', Value: [`${url}/studies/${study.uid}`] });
    expect(result['00201206']).toEqual({ vr: 'IS', Value: [study.series.length] });
    expect(result['00201208']).toEqual({
      vr: 'IS',
      Value: [study.series.flatMap((series) => series.instances).length],
    });
    expect(result['00080061']).toEqual({ vr: 'CS', Value: modalitiesOf(study) });
    expect(result['00080056']).toEqual({ vr: 'CS', Value: ['ONLINE'] });
    expect(result).not.toHaveProperty('00080062');
    expect(result).not.toHaveProperty('00104000');
  });

  it('adds what includefield asks for', async () => {
    const study = archive[0]!;
    const some = await search('study', `StudyInstanceUID=${study.uid}&includefield=SOPClassesInStudy,00104000`);
    expect(some.results[0]!['00104000']).toEqual({ vr: 'LT', Value: ['of no column'] });
    expect(some.results[0]!['00080062']).toEqual({ vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] });
    const all = await search('study', `StudyInstanceUID=${study.uid}&includefield=all`);
    expect(all.results[0]).toHaveProperty('00104000');
  });

  it('leaves out modalities that are not known', async () => {
    const empty = archive.find((study) => modalitiesOf(study).length === 0)!;
    const { results } = await search('study', `StudyInstanceUID=${empty.uid}&ModalitiesInStudy=`);
    expect(results[0]).not.toHaveProperty('00080061');
  });

  it('gives a series with its study’s attributes only when the study is open or asked for', async () => {
    const study = archive[0]!;
    const series = study.series[0]!;
    const query = (more: string) =>
      parseQido('series', `StudyInstanceUID=${study.uid}&SeriesInstanceUID=${series.uid}${more}`, 10);
    const inStudy = (await searchSeries(db, query(''), url, true)).results[0]!;
    expect(inStudy).not.toHaveProperty('00100010');
    expect(inStudy['0020000D']).toEqual({ vr: 'UI', Value: [study.uid] });
    expect(inStudy['00201209']).toEqual({ vr: 'IS', Value: [series.instances.length] });
    expect(inStudy['00083002']).toEqual({ vr: 'UI', Value: ['1.2.840.10008.1.2.1'] });
    expect(inStudy['00081190']).toEqual({ vr: 'UR', Value: [`${url}/studies/${study.uid}/series/${series.uid}`] });
    const asked = (await searchSeries(db, query('&includefield=00081030,00201209'), url, true)).results[0]!;
    expect(asked['00081030']?.Value).toEqual([study.values['StudyDescription']]);
    const anywhere = (await searchSeries(db, query(''), url, false)).results[0]!;
    expect(anywhere['00100020']?.Value).toEqual([study.values['PatientID']]);
  });

  it('takes what no column holds out of an instance’s data set', async () => {
    const study = archive[0]!;
    const instance = study.series[0]!.instances[0]!;
    const query = (more: string) => parseQido('instance', `SOPInstanceUID=${instance.uid}${more}`, 10);
    const usual = (await searchInstances(db, query(''), url, 'series')).results[0]!;
    expect(usual).not.toHaveProperty('00080008');
    expect(usual['00083002']).toEqual({ vr: 'UI', Value: ['1.2.840.10008.1.2.1'] });
    const some = (await searchInstances(db, query('&includefield=ImageType,00280101'), url, 'series')).results[0]!;
    expect(some['00080008']).toEqual({ vr: 'CS', Value: ['ORIGINAL', 'PRIMARY'] });
    expect(some).not.toHaveProperty('00280101');
    const all = (await searchInstances(db, query('&includefield=all'), url, 'series')).results[0]!;
    expect(all['00080008']).toEqual({ vr: 'CS', Value: ['ORIGINAL', 'PRIMARY'] });
    expect(all['00100020']?.Value).toEqual([study.values['PatientID']]);
  });

  it('orders studies newest first, series and instances by their numbers, unknown ones last', async () => {
    const dates = (await search('study', 'includefield=StudyDate')).results.map((result) =>
      String(result['00080020']?.Value?.[0] ?? ''),
    );
    expect(dates).toEqual(dates.toSorted().reverse());
    expect(dates.at(-1)).toBe('');
    const study = archive.find((one) => one.series.length > 2)!;
    const page = await searchInstances(db, parseQido('instance', `StudyInstanceUID=${study.uid}`, 1000), url, 'study');
    const numbers = page.results.map(
      (result) => [result['00200011']?.Value?.[0] ?? 1e9, result['00200013']?.Value?.[0] ?? 1e9] as number[],
    );
    expect(numbers).toEqual(numbers.toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]!));
  });
});

describe('includefield=all at the instance level', () => {
  it('keeps an answer to some megabytes and says how many are left', async () => {
    await db
      .transaction(async (tx) => {
        await tx.query(`update instance set dicom_json = $1 where study_key <= 3`, [
          JSON.stringify({ '00204000': { vr: 'LT', Value: ['x'.repeat(1_500_000)] } }),
        ]);
        const page = await searchInstances(
          tx as never,
          parseQido('instance', 'StudyInstanceUID=1.2.1,1.2.2,1.2.3&includefield=all&limit=10', 1000),
          url,
          'anywhere',
        );
        expect(page.results).toHaveLength(2);
        expect(page.matches).toBe(referenceSearch('instance', [['StudyInstanceUID', '1.2.1,1.2.2,1.2.3']]).length);
        // One alone is above the limit: it still comes, or paging would never get past it.
        await tx.query(`update instance set dicom_json = $1 where study_key <= 3`, [
          JSON.stringify({ '00204000': { vr: 'LT', Value: ['x'.repeat(5_000_000)] } }),
        ]);
        const large = await searchInstances(
          tx as never,
          parseQido('instance', 'StudyInstanceUID=1.2.1,1.2.2,1.2.3&includefield=all&limit=10', 1000),
          url,
          'anywhere',
        );
        expect(large.results).toHaveLength(1);
        throw new Rollback();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Rollback)) throw error;
      });
  });
});

describe('availability', () => {
  it('says NEARLINE for what is on the cold tier only', async () => {
    const { instance_key, pack_id, study_instance_uid } = (
      await db.query(
        `select i.instance_key, i.pack_id, st.study_instance_uid from instance i join study st using (study_key) limit 1`,
      )
    )[0];
    const availability = async () =>
      (await search('study', `StudyInstanceUID=${study_instance_uid}`)).results[0]!['00080056']?.Value;
    expect(instance_key).toBeDefined();
    await db.query(
      `insert into location (location_id, pack_id, tier, store, key) values (gen_random_uuid(), $1, 'cold', 's3', 'c1')`,
      [pack_id],
    );
    expect(await availability()).toEqual(['ONLINE']);
    await db.query(`update location set state = 'retired', retired_at = now() where pack_id = $1 and tier = 'hot'`, [
      pack_id,
    ]);
    expect(await availability()).toEqual(['NEARLINE']);
  });
});

class Rollback extends Error {}

// ---- the archive under test ----

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const dates = ['20231231', '20240101', '20240115', '20240229', '20250601'];
const times = ['10', '1015', '101500', '101559', '101600.123456', '235959.99', '10:15:30'];
const texts = [
  'Head',
  'head',
  'CT 100%',
  'CT_100',
  'CT 1000',
  'a\\b',
  'a(b',
  "O'Hara",
  '"q"',
  '[a-z]',
  '$x;--',
  'Kopf ä',
  '*',
];
const names = ['Doe^Jane', 'DOE^JANE', 'Doe^John', "O'Hara^%", 'MÜLLER^Jörg', 'Иванов^Пётр', 'Ab_c', 'Abxc'];
const ids = ['Ab-1', 'ab-1', 'Ab%1', '1', '100', '1000'];
const modalities = ['CT', 'MR', 'SR', 'C_'];
const thicknesses = [0.5, 1, 1.25];

function makeArchive(random: () => number, studies: number): Study[] {
  const orNull = <T>(value: T): T | null => (random() < 0.15 ? null : value);
  return Array.from({ length: studies }, (_, s) => ({
    uid: `1.2.${s + 1}`,
    values: {
      StudyDate: s === 1 ? null : orNull(pick(random, dates)),
      StudyTime: orNull(pick(random, times)),
      AccessionNumber: orNull(pick(random, ids)),
      StudyDescription: s === 0 ? 'Head' : orNull(texts[s % texts.length]!),
      PatientName: s < names.length ? names[s]! : orNull(pick(random, names)),
      PatientID: s < ids.length ? ids[s]! : orNull(pick(random, ids)),
      PatientSex: orNull(pick(random, ['M', 'F', 'O'])),
    },
    series: Array.from({ length: s === 0 ? 1 : s === 2 ? 4 : Math.floor(random() * 4) }, (_series, e) => ({
      uid: `1.2.${s + 1}.${e + 1}`,
      values: {
        Modality: s === 0 ? 'CT' : orNull(pick(random, modalities)),
        SeriesNumber: orNull(String(Math.floor(random() * 5))),
        SeriesDescription: orNull(pick(random, texts)),
        PerformedProcedureStepStartDate: orNull(pick(random, dates)),
      },
      requestedProcedureIds: Array.from({ length: Math.floor(random() * 3) }, () => pick(random, ids)),
      instances: Array.from({ length: 1 + Math.floor(random() * 4) }, (_instance, i) => ({
        uid: `1.2.${s + 1}.${e + 1}.${i + 1}`,
        sopClassUid:
          s === 0
            ? '1.2.840.10008.5.1.4.1.1.2'
            : pick(random, ['1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.4']),
        instanceNumber: random() < 0.1 ? null : Math.floor(random() * 6),
        rows: orNull(pick(random, [256, 512])),
        sequenceName: orNull(pick(random, texts)),
        sliceThickness: orNull(pick(random, thicknesses)),
      })),
    })),
  }));
}

const modalitiesOf = (study: Study) =>
  [...new Set(study.series.map((series) => series.values['Modality']).filter((modality) => modality != null))].sort();

async function insertArchive(source: DataSource, studies: Study[]): Promise<void> {
  const text = (vr: string, value: string | null | undefined) => (value == null ? { vr } : { vr, Value: [value] });
  for (const study of studies) {
    const v = study.values;
    const instances = study.series.flatMap((series) => series.instances);
    const attributes: DicomJson = {
      '00080020': text('DA', v['StudyDate']),
      '00081030': text('LO', v['StudyDescription']),
      '00100010': v['PatientName'] == null ? { vr: 'PN' } : { vr: 'PN', Value: [{ Alphabetic: v['PatientName'] }] },
      '00100020': text('LO', v['PatientID']),
      '00104000': { vr: 'LT', Value: ['of no column'] },
    };
    const [{ study_key }] = await source.query(
      `insert into study (study_instance_uid, study_date, study_time, accession_number, study_description, patient_name, patient_id,
         patient_sex, modalities, sop_classes, number_of_series, number_of_instances, attributes)
       values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13) returning study_key`,
      [
        study.uid,
        v['StudyDate'],
        v['StudyTime'],
        v['AccessionNumber'],
        v['StudyDescription'],
        v['PatientName'],
        v['PatientID'],
        v['PatientSex'],
        modalitiesOf(study),
        [...new Set(instances.map((instance) => instance.sopClassUid))],
        study.series.length,
        instances.length,
        JSON.stringify(attributes),
      ],
    );
    for (const series of study.series) {
      const e = series.values;
      const [{ series_key }] = await source.query(
        `insert into series (study_key, series_instance_uid, modality, series_number, series_description,
           performed_procedure_step_start_date, number_of_instances, transfer_syntaxes, sop_classes, attributes)
         values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10) returning series_key`,
        [
          study_key,
          series.uid,
          e['Modality'],
          e['SeriesNumber'],
          e['SeriesDescription'],
          e['PerformedProcedureStepStartDate'],
          series.instances.length,
          ['1.2.840.10008.1.2.1'],
          [...new Set(series.instances.map((instance) => instance.sopClassUid))],
          JSON.stringify({
            '00080060': text('CS', e['Modality']),
            '00200011': e['SeriesNumber'] == null ? { vr: 'IS' } : { vr: 'IS', Value: [Number(e['SeriesNumber'])] },
            '00400275': {
              vr: 'SQ',
              Value: series.requestedProcedureIds.map((id) => ({ '00401001': { vr: 'SH', Value: [id] } })),
            },
          }),
        ],
      );
      for (const instance of series.instances) {
        const [{ pack_id }] = await source.query(
          `insert into pack (pack_id, bytes, sha256) values (gen_random_uuid(), 1, decode(repeat('00', 32), 'hex')) returning pack_id`,
        );
        await source.query(
          `insert into location (location_id, pack_id, tier, store, key) values (gen_random_uuid(), $1, 'hot', 'files', $2)`,
          [pack_id, String(pack_id)],
        );
        await source.query(
          `insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, instance_number, rows, transfer_syntax_uid,
             pack_id, pack_offset, length, sha256, dataset_sha256, frame_kind, dicom_json)
           values ($1,$2,$3,$4,$5,$6,'1.2.840.10008.1.2.1',$7,0,1,decode(repeat('00', 32), 'hex'),decode(repeat('00', 32), 'hex'),'none',$8)`,
          [
            series_key,
            study_key,
            instance.uid,
            instance.sopClassUid,
            instance.instanceNumber,
            instance.rows,
            pack_id,
            JSON.stringify({
              '00080008': { vr: 'CS', Value: ['ORIGINAL', 'PRIMARY'] },
              '00180050':
                instance.sliceThickness === null ? { vr: 'DS' } : { vr: 'DS', Value: [instance.sliceThickness] },
              '00180024': text('SH', instance.sequenceName),
              '00204000': { vr: 'LT', Value: ['nul \u0000 in it'] },
            }),
          ],
        );
      }
    }
  }
}

// ---- the reference: one row after the other, one character after the other ----

type Keys = [name: string, value: string][];

/** Of a study, one series must have what is asked of series, and one of its instances what is asked of instances. */
function referenceSearch(level: SearchLevel, all: Keys): string[] {
  const keys = all.filter(([name, value]) => value !== '' && (!/^\*+$/.test(value) || /Date$|Time$/.test(name)));
  const ofInstances = keys.filter(([name]) => instanceKeys.has(name));
  const ofSeries = keys.filter(([name]) => seriesKeys.has(name));
  const found: string[] = [];
  for (const study of archive) {
    if (!keys.every((key) => studyMatches(study, key, keys))) continue;
    const series = study.series
      .filter((one) => ofSeries.every((key) => seriesMatches(one, key)))
      .map(({ uid, instances }) => ({
        uid,
        instances: instances.filter((one) => ofInstances.every((key) => instanceMatches(one, key))),
      }))
      .filter(({ instances }) => ofInstances.length === 0 || instances.length > 0);
    if (level === 'series') found.push(...series.map(({ uid }) => uid));
    else if (level === 'instance') found.push(...series.flatMap(({ instances }) => instances.map(({ uid }) => uid)));
    else if (ofSeries.length + ofInstances.length === 0 || series.length > 0) found.push(study.uid);
  }
  return found;
}

const seriesKeys = new Set([
  'Modality',
  'SeriesNumber',
  'SeriesDescription',
  'SeriesInstanceUID',
  'PerformedProcedureStepStartDate',
  'RequestAttributesSequence.RequestedProcedureID',
]);
const instanceKeys = new Set(['SOPClassUID', 'InstanceNumber', 'Rows', 'SequenceName', 'SliceThickness']);

function studyMatches(study: Study, [name, value]: Keys[number], keys: Keys): boolean {
  if (name === 'StudyInstanceUID') return value.split(/[,\\]/).includes(study.uid);
  if (name === 'ModalitiesInStudy') {
    return value.split(',').some((one) => modalitiesOf(study).some((modality) => textMatches(modality, one)));
  }
  const joined = joinedRange(keys);
  if (joined !== undefined && name === 'StudyTime') return true;
  if (joined !== undefined && name === 'StudyDate') {
    const { StudyDate: date, StudyTime: time } = study.values;
    if (date == null) return false;
    // Without a time it is within the days between, and neither before nor after a time of the first or last.
    const moment = `${date}${(time ?? '').replaceAll(/[:.]/g, '').padEnd(12, '0')}`;
    const isTimed = time != null;
    const isFirst = joined.fromTime !== '' && date === joined.fromDate;
    const isLast = joined.toTime !== '' && date === joined.toDate;
    if ((isFirst || isLast) && !isTimed) return false;
    return (
      (joined.fromDate === '' || moment >= `${joined.fromDate}${joined.fromTime.replace('.', '').padEnd(12, '0')}`) &&
      (joined.toDate === '' || moment <= `${joined.toDate}${joined.toTime.replace('.', '').padEnd(12, '9')}`)
    );
  }
  return !(name in study.values) || valueMatches(name, study.values[name]!, value);
}

/** A range of dates and one of times whose ends go together. */
function joinedRange(keys: Keys) {
  const date = keys.find(([name]) => name === 'StudyDate')?.[1];
  const time = keys.find(([name]) => name === 'StudyTime')?.[1];
  if (date === undefined || time?.includes('-') !== true) return undefined;
  const [fromDate, toDate] = (date.includes('-') ? date.split('-') : [date, date]) as [string, string];
  const [fromTime, toTime] = time.split('-') as [string, string];
  const goTogether = (fromTime === '' || fromDate !== '') && (toTime === '' || toDate !== '');
  return goTogether ? { fromDate, toDate, fromTime, toTime } : undefined;
}

function seriesMatches(series: Series, [name, value]: Keys[number]): boolean {
  if (name === 'SeriesInstanceUID') return value === '' || value.split(/[,\\]/).includes(series.uid);
  if (name === 'SeriesNumber')
    return value === '' || (series.values[name] != null && Number(series.values[name]) === Number(value));
  if (name === 'RequestAttributesSequence.RequestedProcedureID') {
    return /^\**$/.test(value) || series.requestedProcedureIds.some((id) => textMatches(id, value));
  }
  return !(name in series.values) || valueMatches(name, series.values[name]!, value);
}

function instanceMatches(instance: Instance, [name, value]: Keys[number]): boolean {
  if (name === 'SOPClassUID') return value === '' || value.split(',').includes(instance.sopClassUid);
  if (name === 'InstanceNumber') return value === '' || instance.instanceNumber === Number(value);
  if (name === 'Rows') return value === '' || instance.rows === Number(value);
  if (name === 'SequenceName') return valueMatches(name, instance.sequenceName, value);
  return instance.sliceThickness === Number(value);
}

function valueMatches(name: string, stored: string | null, value: string): boolean {
  if (value === '' || (/^\*+$/.test(value) && !name.endsWith('Date') && !name.endsWith('Time'))) return true;
  if (stored === null) return false;
  if (name.endsWith('Date') || name.endsWith('Time')) {
    const [from, to] = value.includes('-') ? value.split('-') : [value, value];
    const seconds = name.endsWith('Time');
    const moment = seconds ? stored.replaceAll(/[:.]/g, '').padEnd(12, '0') : stored;
    const isAfter = from === '' || moment >= (seconds ? from!.replace('.', '').padEnd(12, '0') : from!);
    const isBefore = to === '' || moment <= (seconds ? to!.replace('.', '').padEnd(12, '9') : to!);
    return isAfter && isBefore;
  }
  return name === 'PatientName' ? textMatches(stored.toLowerCase(), value.toLowerCase()) : textMatches(stored, value);
}

/** `*` is any run of characters, `?` any one, all else itself. */
function textMatches(stored: string, pattern: string): boolean {
  if (pattern === '') return stored === '';
  if (pattern[0] === '*')
    return textMatches(stored, pattern.slice(1)) || (stored !== '' && textMatches(stored.slice(1), pattern));
  return (
    stored !== '' && (pattern[0] === '?' || pattern[0] === stored[0]) && textMatches(stored.slice(1), pattern.slice(1))
  );
}

function randomKeys(random: () => number): Keys {
  const wild = (text: string) => {
    const dice = random();
    if (dice < 0.4) return text;
    if (dice < 0.55) return `*${text.slice(1, 3)}*`;
    if (dice < 0.7) return `${text.slice(0, 2)}*`;
    if (dice < 0.85) return text.replace(/./, '?');
    return dice < 0.95 ? '*' : '';
  };
  const range = (values: readonly string[], query: readonly string[]) => {
    const [a, b] = [pick(random, query), pick(random, query)].sort() as [string, string];
    return pick(random, [pick(random, values), `${a}-${b}`, `${a}-`, `-${b}`, '']);
  };
  const generators: Record<string, () => string> = {
    StudyDate: () => range(dates, dates),
    StudyTime: () => range(['10', '1015', '101500', '101600.123456'], ['09', '1015', '101600', '101600.2', '2359']),
    AccessionNumber: () => wild(pick(random, ids)),
    StudyDescription: () => wild(pick(random, texts)),
    PatientName: () =>
      wild(pick(random, names)).replace(/^./, (letter) => (random() < 0.5 ? letter.toLowerCase() : letter)),
    PatientID: () => wild(pick(random, ids)),
    PatientSex: () => wild(pick(random, ['M', 'F'])),
    StudyInstanceUID: () => pick(random, ['1.2.1', '1.2.1,1.2.3', '1.2.5\\1.2.6\\1.2.7', '9.9', '']),
    ModalitiesInStudy: () => pick(random, ['CT', 'CT,MR', 'C?', 'C_', 'SR,MR', 'XX', '']),
    Modality: () => wild(pick(random, modalities)),
    SeriesNumber: () => pick(random, ['0', '1', '02', '']),
    SeriesDescription: () => wild(pick(random, texts)),
    SeriesInstanceUID: () => pick(random, ['1.2.3.1', '1.2.3.1,1.2.3.2', '']),
    PerformedProcedureStepStartDate: () => range(dates, dates),
    'RequestAttributesSequence.RequestedProcedureID': () => wild(pick(random, ids)),
    SOPClassUID: () =>
      pick(random, ['1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.4,1.2.840.10008.5.1.4.1.1.2']),
    InstanceNumber: () => String(Math.floor(random() * 6)),
    Rows: () => pick(random, ['256', '512', '1']),
    SequenceName: () => wild(pick(random, texts)),
    SliceThickness: () => pick(random, ['0.5', '.50', '1', '1.25', '125e-2', '2', '']),
  };
  const keys: Keys = [];
  const names_ = Object.keys(generators);
  const count = Math.floor(random() * 3);
  for (let at = 0; at < count; at++) {
    const name = pick(random, names_);
    if (!keys.some(([used]) => used === name)) keys.push([name, generators[name]!()]);
  }
  // Dates and times together often enough: their ranges are one.
  if (random() < 0.15) {
    keys.splice(0, keys.length, ['StudyDate', generators['StudyDate']!()], ['StudyTime', generators['StudyTime']!()]);
  }
  return keys;
}
