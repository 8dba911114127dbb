import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { type InstanceDescription, makeInstance, testUid } from '../support/make-instance.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

/** Names as devices write them: in the character sets of their countries (PS3.5 annexes H and I), not in UTF-8. */
const names = {
  german: { characterSets: ['ISO_IR 100'], bytes: 'M\xfcller^J\xf6rg' },
  japanese: {
    characterSets: [null, 'ISO 2022 IR 87'],
    bytes: 'Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B',
  },
  korean: {
    characterSets: [null, 'ISO 2022 IR 149'],
    bytes: 'Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf',
  },
  russian: { characterSets: ['ISO_IR 144'], bytes: '\xb8\xd2\xd0\xdd\xde\xd2^\xbf\xf1\xe2\xe0' },
} as const;
type Country = keyof typeof names;
const countries = Object.keys(names) as Country[];
const study = (country: Country) => testUid(`study of ${country}`);

let suite: RunningProcess;
let removeData: () => Promise<void>;

beforeAll(async () => {
  const { dataDir, remove } = await makeDataDir();
  removeData = remove;
  const modelsDir = path.join(dataDir, 'no-models');
  await mkdir(modelsDir);
  suite = await startApp({
    dataDir,
    environment: { ISOCENTER_MODELS_DIR: modelsDir, ISOCENTER_EMPTY_SEARCH_STATUS: '200' },
  });
  await store(
    suite.dicomweb,
    countries.flatMap((country, at) => [instance(country, at, 1), instance(country, at, 2)]),
  );
});

afterAll(async () => {
  await suite?.stop();
  await removeData?.();
});

function instance(country: Country, at: number, instanceNumber: number): Buffer {
  const { characterSets, bytes } = names[country];
  const placeholder = 'x'.repeat(bytes.length);
  const attributes: DicomJson = {
    '00080005': { vr: 'CS', Value: [...characterSets] },
    '00080030': { vr: 'TM', Value: [`${10 + at}0000`] },
    '00081032': { vr: 'SQ', Value: [code('A', country === 'german' ? 'X' : 'Y'), code(country, 'X')] },
    '00090010': { vr: 'LO', Value: ['ISOCENTER TEST'] },
    '00091001': { vr: 'LO', Value: [`private ${country}`] },
    '00180050': { vr: 'DS', Value: [at + 0.5] },
  };
  const description: InstanceDescription = {
    studyInstanceUid: study(country),
    modality: 'CT',
    patientName: placeholder,
    patientId: country.toUpperCase(),
    studyDate: `2024010${at + 1}`,
    instanceNumber,
    attributes,
    ...(country === 'korean' && { omit: ['00081030'] }),
  };
  const part10 = makeInstance(description);
  const found = part10.indexOf(placeholder, 0, 'latin1');
  part10.write(bytes, found, 'latin1');
  return part10;
}

function code(value: string, scheme: string): DicomJson {
  return { '00080100': { vr: 'SH', Value: [value] }, '00080102': { vr: 'SH', Value: [scheme] } };
}

async function search(resource: string, parameters: Record<string, string> = {}) {
  const response = await fetch(`${suite.dicomweb}/${resource}?${new URLSearchParams(parameters).toString()}`);
  return { response, items: response.ok ? ((await response.json()) as DicomJson[]) : [] };
}

/** At the three levels, which must agree. @returns whose studies were found */
async function find(parameters: Record<string, string>): Promise<Country[]> {
  const of = (items: DicomJson[]) =>
    countries.filter((country) => items.some((item) => item['0020000D']?.Value?.[0] === study(country)));
  const studies = of((await search('studies', parameters)).items);
  expect(of((await search('series', parameters)).items)).toEqual(studies);
  expect(of((await search('instances', parameters)).items)).toEqual(studies);
  return studies;
}

describe('names in the character sets of the world', () => {
  it('come back in UTF-8, by their groups', async () => {
    const nameOf = async (country: Country) =>
      (await search('studies', { PatientID: country.toUpperCase() })).items[0]!['00100010'];
    expect(await nameOf('german')).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Müller^Jörg' }] });
    expect(await nameOf('japanese')).toEqual({
      vr: 'PN',
      Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }],
    });
    expect(await nameOf('korean')).toEqual({
      vr: 'PN',
      Value: [{ Alphabetic: 'Hong^Gildong', Ideographic: '洪^吉洞', Phonetic: '홍^길동' }],
    });
    expect(await nameOf('russian')).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Иванов^Пётр' }] });
  });

  it.each([
    ['müller^jörg', 'german'],
    ['MÜLL*', 'german'],
    ['山田^太郎', 'japanese'],
    ['*太郎', 'japanese'],
    ['やまだ*', 'japanese'],
    ['yamada^tarou=山田^太郎', 'japanese'],
    ['홍^길동', 'korean'],
    ['洪*', 'korean'],
    ['иванов^пётр', 'russian'],
  ] as const)('are found by %s', async (name, country) => {
    expect(await find({ PatientName: name })).toEqual([country]);
  });

  it.each([
    ['Joerg Mueller', 'german'],
    ['muller', 'german'],
    ['Tarou Yamada', 'japanese'],
    ['山田太郎', 'japanese'],
    ['ヤマダ', 'japanese'],
    ['홍길동', 'korean'],
    ['Gil-Dong, Hong', 'korean'],
    ['Петр', 'russian'],
  ] as const)('are found by %s when matching is fuzzy, and without a warning', async (name, country) => {
    expect(await find({ PatientName: name })).toEqual([]);
    expect(await find({ PatientName: name, fuzzymatching: 'true' })).toEqual([country]);
    const { response } = await search('studies', { PatientName: name, fuzzymatching: 'true' });
    expect(response.headers.get('warning')).toBeNull();
  });
});

describe('any attribute, at any level', () => {
  it.each([
    [{ SliceThickness: '1.5' }, ['japanese']],
    [{ SliceThickness: '01.50', InstanceNumber: '2' }, ['japanese']],
    [{ '00091001': 'private k*' }, ['korean']],
    [{ 'ProcedureCodeSequence.CodeValue': 'russian' }, ['russian']],
    [{ 'ProcedureCodeSequence.CodeValue': 'A', '00081032.00080102': 'X' }, ['german']],
    [{ StudyDate: '20240101-20240103', StudyTime: '1001-1159' }, ['japanese']],
    [{ StudyDescription: '""', emptyvaluematching: 'true' }, ['korean']],
    [{ ImageType: '""', emptyvaluematching: 'true' }, countries],
    [{ ModalitiesInStudy: 'CT\\MR', multiplevaluematching: 'true' }, []],
    [{ ModalitiesInStudy: 'CT\\MR' }, countries],
    [{ Manufacturer: 'Isocenter', Rows: '8' }, countries],
    [{ Rows: '8', SliceThickness: '1.5', PatientID: 'GERMAN' }, []],
  ] as [Record<string, string>, Country[]][])('%j', async (parameters, expected) => {
    expect(await find(parameters)).toEqual(expected);
  });

  it('is told of one that it does not know', async () => {
    const { response, items } = await search('studies', { NoSuchThing: '1', SliceThickness: '0.5' });
    expect(items).toHaveLength(1);
    expect(response.headers.get('warning')).toBe(
      `299 ${suite.dicomweb}: 'NoSuchThing' is not known and has not been matched.`,
    );
  });

  it('gives a private element with the name of its owner', async () => {
    const { items } = await search('instances', { PatientID: 'GERMAN', includefield: '00091001', limit: '1' });
    expect(items[0]!['00091001']).toEqual({ vr: 'LO', Value: ['private german'] });
    expect(items[0]!['00090010']).toEqual({ vr: 'LO', Value: ['ISOCENTER TEST'] });
  });
});

describe('a search without results, told to answer 200', () => {
  it.each(['studies', 'series', 'instances', 'studies/1.2.3/series', 'studies/1.2.3/series/1.2.4/instances'])(
    'is an empty list of %s',
    async (resource) => {
      const response = await fetch(`${suite.dicomweb}/${resource}?PatientID=nobody`);
      expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
        200,
        'application/dicom+json',
        '[]',
      ]);
    },
  );

  it('is one beyond the last page too, and no part in XML', async () => {
    expect((await search('studies', { offset: '100' })).items).toEqual([]);
    const response = await fetch(`${suite.dicomweb}/studies?PatientID=nobody`, {
      headers: { accept: 'multipart/related; type="application/dicom+xml"' },
    });
    const boundary = /boundary=([^;]+)/.exec(response.headers.get('content-type') ?? '')?.[1];
    expect([response.status, await response.text()]).toEqual([200, `--${boundary}--\r\n`]);
  });

  it('answers HEAD alike', async () => {
    const response = await fetch(`${suite.dicomweb}/studies?PatientID=nobody`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/dicom+json']);
  });
});

describe('hostile text', () => {
  it.each([`'; drop table study; --`, `%`, `$1`, `x' | !'y':*`, `"}]`, '\\', '('])(
    'finds nothing: %s',
    async (text) => {
      for (const key of ['PatientID', 'PatientName', '00091001', 'ProcedureCodeSequence.CodeValue']) {
        for (const fuzzymatching of ['true', 'false']) expect(await find({ [key]: text, fuzzymatching })).toEqual([]);
      }
      expect(await find({})).toEqual(countries);
    },
  );
});
