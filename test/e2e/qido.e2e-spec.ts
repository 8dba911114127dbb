import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance, testUid } from '../support/make-instance.js';
import { readParts, startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

let suite: Awaited<ReturnType<typeof startArchive>>;
const study = (seed: number) => testUid(`study ${seed}`);

beforeAll(async () => {
  suite = await startArchive();
  const instances = [];
  for (let seed = 1; seed <= 3; seed++) {
    for (let instanceNumber = 1; instanceNumber <= 3; instanceNumber++) {
      instances.push(
        makeInstance({
          seed,
          instanceNumber,
          patientName: `Query^Person${seed}`,
          patientId: `Q%${seed}`,
          studyDate: `2024010${seed}`,
        }),
      );
    }
  }
  instances.push(
    makeInstance({ seed: 1, modality: 'SR', patientName: 'Query^Person1', patientId: 'Q%1', studyDate: '20240101' }),
  );
  await store(suite.dicomweb, instances);
});

afterAll(async () => {
  await suite?.stop();
});

type Item = Record<string, { vr: string; Value?: unknown[] }>;

async function search(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ response: Response; items: Item[] }> {
  const response = await fetch(`${suite.dicomweb}/${path}`, { headers });
  const text = await response.text();
  return { response, items: text === '' || response.status !== 200 ? [] : (JSON.parse(text) as Item[]) };
}
const values = (items: Item[], tag: string) => items.map((item) => item[tag]?.Value?.[0]);

describe('QIDO-RS', () => {
  it('finds studies by keyword and by tag, newest first', async () => {
    const { response, items } = await search('studies?PatientName=query*');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/dicom+json');
    expect(values(items, '0020000D')).toEqual([study(3), study(2), study(1)]);
    expect(items[2]!['00080061']).toEqual({ vr: 'CS', Value: expect.arrayContaining(['CT', 'SR']) });
    expect(items[2]!['00201206']).toEqual({ vr: 'IS', Value: [2] });
    expect(items[2]!['00201208']).toEqual({ vr: 'IS', Value: [4] });
    expect(items[2]!['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Query^Person1' }] });
    expect(items[2]!['00081190']).toEqual({ vr: 'UR', Value: [`${suite.dicomweb}/studies/${study(1)}`] });
    for (const query of [
      `0020000d=${study(2)}`,
      `StudyInstanceUID=${study(2)}`,
      'PatientID=Q%252',
      'StudyDate=20240102',
      'StudyDate=20240102-20240102&ModalitiesInStudy=MR,CT',
      `?&includefield=00081030&0020000D=${study(2)}`.slice(1),
    ]) {
      expect([query, values((await search(`studies?${query}`)).items, '0020000D')]).toEqual([query, [study(2)]]);
    }
  });

  it('answers 204 without a body when nothing matches, and beyond the last page', async () => {
    for (const path of [
      'studies?PatientID=nobody',
      'studies?PatientID=Q_1',
      'studies?offset=1000',
      'instances?offset=99999',
      'studies?limit=0',
      // Neither is what is not here at all anything but empty: PS3.18 table 10.6.3-1 has no 404.
      'studies/1.2.3.4/series',
      'studies/1.2.3.4/instances',
      `studies/${study(1)}/series/1.2.3/instances`,
    ]) {
      const { response } = await search(path);
      expect([path, response.status, response.headers.get('content-type')]).toEqual([path, 204, null]);
    }
  });

  it('answers 400 for what cannot be, saying what and why', async () => {
    for (const [path, status] of [
      ['studies/1.2.x/series', 400],
      ['studies/..%2f..%2fetc/series', 400],
      ['studies?StudyDate=yesterday', 400],
      ['studies?StudyDate=-', 400],
      ['studies?StudyInstanceUID=1.2.*', 400],
      ['studies?limit=many', 400],
    ] as const) {
      const { response } = await search(path);
      expect([path, response.status]).toEqual([path, status]);
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    }
  });

  it('says what it did not do', async () => {
    const { response, items } = await search('studies?PatientName=Query*&NoSuchKey=1&PixelData=x');
    expect(items).toHaveLength(3);
    const warning = response.headers.get('warning') ?? '';
    expect(warning).toContain(`299 ${suite.dicomweb}: 'NoSuchKey' is not known and has not been matched.`);
    expect(warning).toContain("'PixelData'");
  });

  it('lists series and instances in their places', async () => {
    const series = (await search(`studies/${study(1)}/series`)).items;
    expect(values(series, '00080060').sort()).toEqual(['CT', 'SR']);
    const ct = String(series.find((item) => item['00080060']?.Value?.[0] === 'CT')!['0020000E']!.Value![0]);
    const instances = (await search(`studies/${study(1)}/series/${ct}/instances`)).items;
    expect(values(instances, '00200013')).toEqual([1, 2, 3]);
    expect(instances[0]!['00280010']).toEqual({ vr: 'US', Value: [8] });
    expect(instances[0]!['00083002']).toEqual({ vr: 'UI', Value: ['1.2.840.10008.1.2.1'] });
    expect(instances[0]!['00081190']!.Value![0]).toBe(
      `${suite.dicomweb}/studies/${study(1)}/series/${ct}/instances/${String(instances[0]!['00080018']!.Value![0])}`,
    );
    // As Weasis asks for the middle one.
    const middle = (await search(`studies/${study(1)}/series/${ct}/instances?includefield=00080018&limit=1&offset=1`))
      .items;
    expect(values(middle, '00200013')).toEqual([2]);
    expect((await search(`studies/${study(1)}/instances`)).items).toHaveLength(4);
    expect((await search(`series?0020000E=${ct}&includefield=00081030`)).items[0]!['00081030']).toEqual({
      vr: 'LO',
      Value: ['Test study'],
    });
    expect(
      (await search(`instances?SOPInstanceUID=${String(instances[0]!['00080018']!.Value![0])}&includefield=00281053`))
        .items[0]!['00281053'],
    ).toMatchObject({ vr: 'DS' });
  });

  it.each([
    ['application/dicom+json', 'application/dicom+json'],
    ['application/json', 'application/json'],
    ['application/dicom+json, application/json', 'application/dicom+json'],
    [
      'application/dicom+json, multipart/related; type="application/octet-stream"; transfer-syntax=*',
      'application/dicom+json',
    ],
    ['*/*', 'application/dicom+json'],
  ])('answers Accept: %s', async (accept, contentType) => {
    const { response } = await search(`studies/${study(1)}/series`, { accept });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, contentType]);
  });

  it('lets the accept parameter overrule the header field, its plus sign encoded or not', async () => {
    for (const accept of ['application/dicom%2Bjson', 'application/dicom+json']) {
      const { response } = await search(`studies?accept=${accept}`, { accept: 'application/json' });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/dicom+json']);
    }
  });

  it('gives results as XML, one document a part', async () => {
    const response = await fetch(`${suite.dicomweb}/studies?PatientName=query*`, {
      headers: { accept: 'multipart/related; type="application/dicom+xml"' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(
      /^multipart\/related; type="application\/dicom\+xml"; boundary=/,
    );
    const parts = await readParts(response);
    expect(parts.map((part) => part.headers)).toEqual(Array(3).fill('Content-Type: application/dicom+xml'));
    const texts = parts.map((part) => part.body.toString());
    for (const [at, text] of texts.entries()) {
      expect(text).toContain('<NativeDicomModel');
      expect(text).toContain(`keyword="StudyInstanceUID"><Value number="1">${study(3 - at)}</Value>`);
      expect(text).toContain('<FamilyName>Query</FamilyName>');
    }
    const none = await fetch(`${suite.dicomweb}/studies?PatientID=nobody`, {
      headers: { accept: 'multipart/related; type="application/dicom+xml"' },
    });
    expect([none.status, await none.text()]).toEqual([204, '']);
  });

  it('answers 406 for what it cannot give, saying what is possible', async () => {
    const response = await fetch(`${suite.dicomweb}/studies`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(406);
    expect(await response.json()).toMatchObject({
      possible: ['application/dicom+json', 'application/json', 'multipart/related; type="application/dicom+xml"'],
    });
  });

  it('makes addresses that a browser behind a proxy can follow', async () => {
    const { items } = await search(`studies?StudyInstanceUID=${study(1)}`, {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'pacs.example',
      'x-forwarded-prefix': '/imaging',
    });
    expect(items[0]!['00081190']!.Value).toEqual([`https://pacs.example/imaging/dicom-web/studies/${study(1)}`]);
  });

  it('answers HEAD like GET, without a body', async () => {
    const response = await fetch(`${suite.dicomweb}/studies`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/dicom+json');
    expect(await response.text()).toBe('');
  });
});
