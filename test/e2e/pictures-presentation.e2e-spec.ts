import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import type { DicomJson } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { get, readParts, startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

let suite: Awaited<ReturnType<typeof startArchive>>;
const studyInstanceUid = testUid('presented study');
const place = (name: string) => ({
  studyInstanceUid,
  seriesInstanceUid: testUid(`presented series ${name}`),
  sopInstanceUid: testUid(`presented instance ${name}`),
});
const text = (vr: string, ...Value: string[]) => ({ vr, Value });
const number = (vr: string, ...Value: number[]) => ({ vr, Value });
const items = (...Value: DicomJson[]) => ({ vr: 'SQ', Value });
const code = (meaning: string) =>
  items({ '00080100': text('SH', '1'), '00080102': text('SH', '99'), '00080104': text('LO', meaning) });

const pixels = Buffer.from([0, 50, 100, 150, 10, 60, 110, 160]);
const image = makeInstance({
  ...place('image'),
  modality: 'OT',
  rows: 2,
  columns: 4,
  bitsAllocated: 8,
  frameBytes: [pixels],
  attributes: {
    '00281050': text('DS', '127.5'),
    '00281051': text('DS', '255'),
    '00281056': text('CS', 'LINEAR_EXACT'),
    // One bit at the top right.
    '60000010': number('US', 2),
    '60000011': number('US', 4),
    '60000040': text('CS', 'G'),
    '60000050': number('SS', 1, 1),
    '60000100': number('US', 1),
    '60000102': number('US', 0),
    '60003000': { vr: 'OW', InlineBinary: Buffer.of(8, 0).toString('base64') },
  },
});
const state = (name: string, about: string, more: DicomJson): Buffer =>
  makeInstance({
    ...place(name),
    modality: 'PR',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.11.1',
    frames: 0,
    attributes: {
      '00081115': items({
        '0020000E': text('UI', place(about).seriesInstanceUid),
        '00081140': items({
          '00081150': text('UI', '1.2.840.10008.5.1.4.1.1.7'),
          '00081155': text('UI', place(about).sopInstanceUid),
        }),
      }),
      ...more,
    },
  });
const report = makeInstance({
  ...place('report'),
  modality: 'SR',
  sopClassUid: '1.2.840.10008.5.1.4.1.1.88.33',
  frames: 0,
  attributes: {
    '0040A040': text('CS', 'CONTAINER'),
    '0040A043': code('Imaging <b>Report</b>'),
    '0040A375': items({
      '0020000D': text('UI', studyInstanceUid),
      '00081115': items({
        '0020000E': text('UI', place('image').seriesInstanceUid),
        '00081199': items({ '00081155': text('UI', place('image').sopInstanceUid) }),
      }),
    }),
    '0040A730': items(
      {
        '0040A010': text('CS', 'CONTAINS'),
        '0040A040': text('CS', 'TEXT'),
        '0040A043': code('Finding'),
        '0040A160': text('UT', '<script>alert(1)</script> & more'),
      },
      {
        '0040A010': text('CS', 'CONTAINS'),
        '0040A040': text('CS', 'NUM'),
        '0040A043': code('Length'),
        '0040A300': items({
          '0040A30A': text('DS', '12.5'),
          '004008EA': items({ '00080100': text('SH', 'mm'), '00080104': text('LO', 'millimetre') }),
        }),
      },
      {
        '0040A010': text('CS', 'CONTAINS'),
        '0040A040': text('CS', 'IMAGE'),
        '0040A043': code('Source'),
        '00081199': items({ '00081155': text('UI', place('image').sopInstanceUid) }),
      },
    ),
  },
});

beforeAll(async () => {
  suite = await startArchive();
  await store(suite.dicomweb, [
    image,
    state('mirrored', 'image', {
      '00700041': text('CS', 'Y'),
      '20500020': text('CS', 'INVERSE'),
      '00283110': items({
        '00281050': text('DS', '127.5'),
        '00281051': text('DS', '255'),
        '00281056': text('CS', 'LINEAR_EXACT'),
      }),
    }),
    state('orphan', 'elsewhere', {}),
    report,
  ]);
});
afterAll(async () => {
  await suite?.stop();
});

const urlOf = (name: string) => {
  const { seriesInstanceUid, sopInstanceUid } = place(name);
  return `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
};
async function greys(response: Response): Promise<number[]> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const picture = sharp(Buffer.from(await response.arrayBuffer()));
  return [...(await picture.toColourspace('b-w').raw().toBuffer())];
}
const mirrored = [105, 155, 205, 255, 95, 145, 195, 245];

describe('presentation states', () => {
  it('are rendered as the image they are of, as they have it', async () => {
    expect(await greys(await get(`${urlOf('mirrored')}/rendered`, 'image/png'))).toEqual(mirrored);
    expect(await greys(await get(`${urlOf('mirrored').split('/instances')[0]}/rendered`, 'image/png'))).toEqual(
      mirrored,
    );
  });

  it('are applied over WADO-URI, and must be of that study', async () => {
    const base = suite.dicomweb.replace(/\/dicom-web$/, '/wado');
    const search = `requestType=WADO&objectUID=${place('image').sopInstanceUid}&contentType=image/png`;
    const by = (name: string, more = '') =>
      fetch(
        `${base}?${search}&presentationUID=${place(name).sopInstanceUid}&presentationSeriesUID=${place(name).seriesInstanceUid}${more}`,
      );
    expect(await greys(await by('mirrored'))).toEqual(mirrored);
    for (const [response, status] of [
      [await by('image'), 404],
      [await by('nowhere'), 404],
      [await by('mirrored', '&windowCenter=1&windowWidth=2'), 400],
    ] as const) {
      expect(response.status).toBe(status);
      await response.arrayBuffer();
    }
  });

  it('say when the image they are of is not here', async () => {
    const response = await get(`${urlOf('orphan')}/rendered`, 'image/png');
    expect(response.status).toBe(406);
    expect(((await response.json()) as { detail: string }).detail).toMatch(/none of the images that it is of is here/);
    const frame = await get(`${urlOf('mirrored')}/frames/1/rendered`, 'image/png');
    expect(frame.status).toBe(404);
    await frame.arrayBuffer();
  });
});

describe('pictures', () => {
  it('have their overlays drawn over them', async () => {
    const seen = await greys(await get(`${urlOf('image')}/rendered`, 'image/png'));
    expect(seen).toEqual([0, 50, 100, 255, 10, 60, 110, 160]);
  });

  it('have text in them when asked for, and a profile', async () => {
    const bare = await get(`${urlOf('image')}/rendered?viewport=400,400`, 'image/png');
    const written = await get(`${urlOf('image')}/rendered?viewport=400,400&annotation=patient,technique`, 'image/png');
    expect(written.headers.get('warning')).toBeNull();
    expect(written.headers.get('etag')).not.toBe(bare.headers.get('etag'));
    expect(await greys(written)).not.toEqual(await greys(bare));
    const managed = await get(`${urlOf('image')}/rendered?iccprofile=srgb`, 'image/jpeg');
    expect((await sharp(Buffer.from(await managed.arrayBuffer())).metadata()).icc).toBeDefined();
  });

  it('are kept on disk: those that are quickly made once they are asked for again, others at once', async () => {
    const folder = path.join(suite.dataDir, 'cache', 'pictures');
    const isOnDisk = async (picture: Buffer): Promise<boolean> => {
      for (const name of await readdir(folder, { recursive: true })) {
        const file = path.join(folder, name);
        if (/[0-9a-f]{64}$/.test(name) && (await readFile(file)).includes(picture)) return true;
      }
      return false;
    };
    const untilOnDisk = async (picture: Buffer): Promise<void> => {
      for (let tries = 0; !(await isOnDisk(picture)) && tries < 200; tries++)
        await new Promise((done) => setTimeout(done, 50));
      expect(await isOnDisk(picture)).toBe(true);
    };
    const asked = async (url: string) => Buffer.from(await (await get(url, 'image/png')).arrayBuffer());
    await untilOnDisk(await asked(`${urlOf('mirrored')}/rendered?viewport=8,8`));
    const url = `${urlOf('image')}/rendered?window=100,60,linear`;
    const first = await asked(url);
    expect((await asked(url)).equals(first)).toBe(true);
    await untilOnDisk(first);
  });
});

describe('structured reports', () => {
  it('are pages, in which nothing is run, with links to what they are of', async () => {
    const response = await get(`${urlOf('report')}/rendered`, 'text/html,*/*;q=0.1');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).not.toContain("script-src 'unsafe-inline'");
    const page = await response.text();
    expect(page).toContain('Imaging &lt;b&gt;Report&lt;/b&gt;');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; more');
    expect(page).not.toMatch(/<script|<b>/);
    expect(page).toContain('12.5 mm');
    const href = /href="([^"]+)"/.exec(page)?.[1];
    expect(new URL(href!, `${urlOf('report')}/rendered`).href).toBe(`${urlOf('image')}/rendered`);
  });

  it('are asked for once, come as parts, and are no pictures', async () => {
    const url = `${urlOf('report')}/rendered`;
    const etag = (await get(url, 'text/html')).headers.get('etag')!;
    expect((await get(url, 'text/html', { 'if-none-match': etag })).status).toBe(304);
    const parts = await readParts(await get(url, 'multipart/related; type="text/html"'));
    expect(parts).toHaveLength(1);
    expect(parts[0]!.body.toString()).toMatch(/^<!doctype html>/);
    for (const [where, accept, status] of [
      [url, 'image/jpeg', 406],
      [`${urlOf('report')}/thumbnail`, 'image/jpeg', 404],
    ] as const) {
      const response = await get(where, accept);
      expect(response.status).toBe(status);
      await response.arrayBuffer();
    }
  });
});
