import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import type { DicomJson } from '#libs/dicom';
import { makePdf } from '../../libs/images/src/document/pdf.fixture.js';
import { type InstanceDescription, makeInstance, testUid } from '../support/make-instance.js';
import { readParts, startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

let suite: Awaited<ReturnType<typeof startArchive>>;
const place = (name: string, study = name) => ({
  studyInstanceUid: testUid(`pictures study ${study}`),
  seriesInstanceUid: testUid(`pictures series ${name}`),
  sopInstanceUid: testUid(`pictures instance ${name}`),
});

/** Frames of 8 bits, each of one shade. */
const shades = [10, 90, 170, 250];
const cine: InstanceDescription = {
  modality: 'US',
  rows: 20,
  columns: 30,
  frames: shades.length,
  bitsAllocated: 8,
  frameBytes: shades.map((shade) => Buffer.alloc(20 * 30, shade)),
  attributes: { '00181063': { vr: 'DS', Value: ['50'] } },
};
const encapsulated = (sopClass: string, document: Buffer, mediaType: string, said = true): InstanceDescription => {
  const attributes: DicomJson = {
    '00420011': { vr: 'OB', InlineBinary: document.toString('base64') },
    '00420012': { vr: 'LO', Value: [mediaType] },
    ...(said && { '00420015': { vr: 'UL', Value: [document.length] } }),
  };
  return { modality: 'DOC', sopClassUid: `1.2.840.10008.5.1.4.1.1.104.${sopClass}`, frames: 0, attributes };
};
const pdf = Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.alloc(5000, 'x'), Buffer.from('%%EOF\n')]);
const locked = makePdf([{ width: 200, height: 100, content: '' }], {
  trailer: `/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'5a'.repeat(32)}> /U <${'a5'.repeat(32)}> >>`,
});
const xml = Buffer.from(`<ClinicalDocument>${'x'.repeat(2000)}</ClinicalDocument>`);
const h264 = '1.2.840.10008.1.2.4.102';
const mp4 = Buffer.concat([Buffer.from('000000206674797069736f6d', 'hex'), Buffer.alloc(10_000, 7)]);
const transport = Buffer.alloc(188 * 50, 1).map((byte, at) => (at % 188 === 0 ? 0x47 : byte)) as Buffer;

const made = {
  // Left half black, right half white, the top row grey.
  halves: makeInstance({
    ...place('halves', 'mixed'),
    modality: 'US',
    rows: 4,
    columns: 4,
    bitsAllocated: 8,
    frameBytes: [Buffer.from([0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 255, 255, 128, 128, 128, 128])],
    attributes: { '00281050': { vr: 'DS', Value: ['128'] }, '00281051': { vr: 'DS', Value: ['256'] } },
  }),
  report: makeInstance({ ...place('report', 'mixed'), modality: 'SR' }),
  damaged: makeInstance({
    ...place('damaged', 'mixed'),
    transferSyntaxUid: '1.2.840.10008.1.2.4.80',
    frameBytes: [Buffer.alloc(50, 3)],
  }),
  ecg: makeInstance({ ...place('ecg', 'mixed'), modality: 'ECG' }),
  cine: makeInstance({ ...place('cine'), ...cine }),
  pdf: makeInstance({ ...place('pdf'), ...encapsulated('1', pdf, 'application/pdf') }),
  page: makeInstance({
    ...place('page'),
    ...encapsulated(
      '1',
      makePdf([{ width: 200, height: 100, content: '1 0 0 rg 0 0 200 100 re f' }]),
      'application/pdf',
    ),
  }),
  locked: makeInstance({ ...place('locked'), ...encapsulated('1', locked, 'application/pdf') }),
  html: makeInstance({ ...place('html'), ...encapsulated('1', Buffer.from('<script>1</script>'), 'text/html') }),
  cda: makeInstance({ ...place('cda'), ...encapsulated('2', xml, 'text/XML') }),
  stl: makeInstance({ ...place('stl'), ...encapsulated('3', Buffer.alloc(3000, 9), 'model/stl', false) }),
  video: makeInstance({ ...place('video'), transferSyntaxUid: h264, frames: 20, frameBytes: [mp4] }),
  fragmented: makeInstance({
    ...place('fragmented'),
    transferSyntaxUid: h264,
    frames: 20,
    frameBytes: [mp4],
    fragmentsPerFrame: 3,
  }),
  transport: makeInstance({ ...place('transport'), transferSyntaxUid: h264, frames: 20, frameBytes: [transport] }),
  mpeg2: makeInstance({
    ...place('mpeg2'),
    transferSyntaxUid: '1.2.840.10008.1.2.4.100',
    frames: 20,
    frameBytes: [Buffer.concat([Buffer.from('000001b3', 'hex'), Buffer.alloc(600)])],
  }),
};
type Name = keyof typeof made;

beforeAll(async () => {
  suite = await startArchive();
  await store(suite.dicomweb, Object.values(made));
});
afterAll(async () => {
  await suite?.stop();
});

const studyOf = (name: string) => `${suite.dicomweb}/studies/${testUid(`pictures study ${name}`)}`;
const mixed = ['halves', 'report', 'damaged', 'ecg'];
function urlOf(name: Name): string {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place(name, mixed.includes(name) ? 'mixed' : name);
  return `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
}
const get = (url: string, accept = '*/*', headers: Record<string, string> = {}, method = 'GET') =>
  fetch(url, { method, headers: { accept, ...headers } });
async function pictureOf(response: Response): Promise<Buffer> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}
const greys = async (response: Response) => [
  ...(await sharp(await pictureOf(response))
    .toColourspace('b-w')
    .raw()
    .toBuffer()),
];

describe('waveforms', () => {
  it('can be had as lines, too, where that is asked for', async () => {
    const response = await get(`${urlOf('ecg')}/rendered`, 'image/svg+xml');
    expect(response.headers.get('content-type')).toBe('image/svg+xml');
    const svg = (await pictureOf(response)).toString();
    expect(svg).toMatch(/^<svg [\s\S]*<path [\s\S]*<\/svg>$/);
    expect(svg).not.toMatch(/<script|<text|href/);
    const any = await get(`${urlOf('ecg')}/rendered`, 'image/*');
    expect(any.headers.get('content-type')).toBe('image/jpeg');
    await any.arrayBuffer();
    const image = await get(`${urlOf('halves')}/rendered`, 'image/svg+xml');
    expect(image.status).toBe(406);
    await image.arrayBuffer();
  });
});

describe('pictures', () => {
  it.each([
    ['*/*', 'jpeg'],
    ['image/*', 'jpeg'],
    ['image/jpeg', 'jpeg'],
    ['image/png', 'png'],
    ['image/gif', 'gif'],
    ['image/webp', 'webp'],
    ['image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5', 'webp'],
  ])('are given for %s', async (accept, format) => {
    const response = await get(`${urlOf('halves')}/rendered`, accept);
    expect(response.headers.get('content-type')).toBe(`image/${format}`);
    expect(await sharp(await pictureOf(response)).metadata()).toMatchObject({ format, width: 4, height: 4 });
    const byQuery = await get(`${urlOf('halves')}/rendered?accept=${encodeURIComponent(accept)}`, 'text/html');
    expect(byQuery.headers.get('content-type')).toBe(`image/${format}`);
    await byQuery.arrayBuffer();
  });

  it('are of the frame asked for, one after the other and in any order', async () => {
    const all = `window=127.5,255,linear-exact`;
    for (const number of [1, shades.length, 2, 1]) {
      const frame = `${urlOf('cine')}/frames/${number}/rendered`;
      const values = await greys(await get(`${frame}?${all}`, 'image/png'));
      expect([values.length, ...new Set(values)]).toEqual([20 * 30, shades[number - 1]]);
      // Another picture of it, which is not at hand; the dataset is.
      const dark = await greys(await get(`${frame}?window=1000,2,linear`, 'image/png'));
      expect([...new Set(dark)]).toEqual([0]);
    }
    const missing = await get(`${urlOf('cine')}/frames/${shades.length + 1}/rendered`);
    expect(missing.status).toBe(404);
    await missing.arrayBuffer();
  });

  it('are given in JPEG XL to who asks for it, and to nobody else', async () => {
    const response = await get(`${urlOf('halves')}/rendered`, 'image/jxl');
    expect(response.headers.get('content-type')).toBe('image/jxl');
    expect((await pictureOf(response)).subarray(0, 2).toString('hex')).toBe('ff0a');
    const thumbnail = await get(`${urlOf('halves')}/thumbnail`, 'image/jxl');
    expect(thumbnail.headers.get('content-type')).toBe('image/jxl');
    await thumbnail.arrayBuffer();
    const preferring = await get(`${urlOf('halves')}/rendered`, 'image/jxl;q=0.9,image/*');
    expect(preferring.headers.get('content-type')).toBe('image/jpeg');
    await preferring.arrayBuffer();
    const unlike = await get(`${urlOf('halves')}/rendered?iccprofile=adobergb`, 'image/jxl');
    expect(unlike.status).toBe(400);
    expect(await unlike.text()).toContain('iccprofile=srgb');
  });

  it('answer 406 with what is possible', async () => {
    const response = await get(`${urlOf('halves')}/rendered`, 'image/tiff');
    expect(response.status).toBe(406);
    expect(((await response.json()) as { possible: string[] }).possible).toContain('image/gif');
  });

  it('show the part asked for, turned as asked for', async () => {
    const rendered = async (viewport: string) =>
      greys(await get(`${urlOf('halves')}/rendered?viewport=${viewport}`, 'image/png'));
    const upright = await rendered('4,4');
    expect(upright.slice(0, 4)).toEqual([0, 0, 255, 255]);
    expect((await rendered('4,4,0,0,-4,4')).slice(0, 4)).toEqual([255, 255, 0, 0]);
    expect((await rendered('4,4,0,0,4,-4')).slice(12)).toEqual([0, 0, 255, 255]);
    expect(await rendered('2,2,2,0,2,2')).toEqual([255, 255, 255, 255]);
    expect(await rendered('2%2C2%2C0%2C0%2C-2%2C-2')).toEqual([0, 0, 0, 0]);
  });

  it('take windows in any spelling of their function, and refuse what makes no sense', async () => {
    const pixels = [];
    for (const name of ['linear-exact', 'LINEAR_EXACT', 'linear_exact', 'Linear-Exact']) {
      pixels.push(await greys(await get(`${urlOf('halves')}/rendered?window=128,256,${name}`, 'image/png')));
    }
    expect(new Set(pixels.map((one) => one.join())).size).toBe(1);
    for (const search of [
      'window=1,2,cubic',
      'quality=0',
      'viewport=0,5',
      'iccprofile=perhaps',
      'quality=1&quality=2',
    ]) {
      const response = await get(`${urlOf('halves')}/rendered?${search}`);
      expect([search, response.status, response.headers.get('content-type')]).toEqual([
        search,
        400,
        expect.stringContaining('application/problem+json'),
      ]);
      await response.arrayBuffer();
    }
  });

  it('say what they leave out', async () => {
    const response = await get(`${urlOf('halves')}/rendered?annotation=patient,dose&charset=utf-8`);
    expect(response.status).toBe(200);
    expect(response.headers.get('warning')).toMatch(
      /^299 http:\/\/\S+: The following annotation values are not supported: dose$/,
    );
    await response.arrayBuffer();
  });

  it('answer HEAD, If-None-Match and ranges', async () => {
    const url = `${urlOf('halves')}/rendered`;
    const whole = await get(url, 'image/png');
    const bytes = await pictureOf(whole);
    const etag = whole.headers.get('etag')!;
    const head = await get(url, 'image/png', {}, 'HEAD');
    expect([head.status, head.headers.get('etag'), head.headers.get('content-type')]).toEqual([200, etag, 'image/png']);
    expect((await get(url, 'image/png', { 'if-none-match': etag })).status).toBe(304);
    const part = await get(url, 'image/png', { range: 'bytes=1-3' });
    expect([part.status, Buffer.from(await part.arrayBuffer()).toString()]).toEqual([206, 'PNG']);
    expect(whole.headers.get('content-length')).toBe(String(bytes.length));
  });

  it('of a study are one for all, or one part for each instance that has one', async () => {
    expect(await greys(await get(`${studyOf('mixed')}/rendered`, 'image/png'))).toHaveLength(16);
    const response = await get(`${studyOf('mixed')}/rendered`, 'multipart/related; type="image/png"');
    const parts = await readParts(response);
    const sizes = await Promise.all(parts.map(async ({ body }) => (await sharp(body).metadata()).width!));
    expect(sizes).toHaveLength(2);
    expect(sizes).toContain(4);
    const etag = response.headers.get('etag')!;
    const again = await get(`${studyOf('mixed')}/rendered`, 'multipart/related; type="image/png"', {
      'if-none-match': etag,
    });
    expect(again.status).toBe(304);
    for (const study of ['cda', 'nobody']) {
      for (const accept of ['image/png', 'multipart/related; type="image/png"']) {
        expect([study, (await get(`${studyOf(study)}/rendered`, accept)).status]).toEqual([study, 404]);
      }
    }
  });

  it('are refused for reports: no thumbnail is there, and no picture is possible', async () => {
    for (const [name, thumbnail, rendered] of [
      ['report', 404, 406],
      ['damaged', 404, 406],
    ] as const) {
      const of = async (what: string) => (await get(`${urlOf(name)}/${what}`, 'image/*')).status;
      expect([name, await of('thumbnail'), await of('rendered')]).toEqual([name, thumbnail, rendered]);
    }
  });
});

describe('cines', () => {
  it('play as GIF when asked for, at their speed', async () => {
    const gif = await pictureOf(await get(`${urlOf('cine')}/rendered`, 'image/gif'));
    expect(await sharp(gif, { animated: true }).metadata()).toMatchObject({ pages: 4, delay: [50, 50, 50, 50] });
    for (const [page, shade] of shades.entries()) {
      const [value] = await sharp(gif, { page }).toColourspace('b-w').raw().toBuffer();
      expect(Math.abs(value! - shade)).toBeLessThanOrEqual(3);
    }
    const small = await pictureOf(await get(`${urlOf('cine')}/rendered?viewport=15,15`, 'image/gif'));
    expect(await sharp(small, { animated: true }).metadata()).toMatchObject({ pages: 4, width: 15, pageHeight: 10 });
    for (const still of ['thumbnail', 'frames/2/rendered']) {
      const one = await pictureOf(await get(`${urlOf('cine')}/${still}`, 'image/gif'));
      expect([still, (await sharp(one).metadata()).pages ?? 1]).toEqual([still, 1]);
    }
  });
});

describe('documents', () => {
  it.each([
    ['pdf', pdf, 'application/pdf'],
    ['cda', xml, 'text/xml'],
    ['stl', Buffer.alloc(3000, 9), 'model/stl'],
  ] as const)('give %s as it is stored', async (name, document, mediaType) => {
    for (const accept of ['*/*', mediaType]) {
      const response = await get(`${urlOf(name)}/rendered`, accept);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, mediaType]);
      expect(response.headers.get('content-length')).toBe(String(document.length));
      expect(Buffer.from(await response.arrayBuffer()).equals(document)).toBe(true);
    }
    const range = await get(`${urlOf(name)}/rendered`, '*/*', { range: 'bytes=5-8' });
    expect([range.status, Buffer.from(await range.arrayBuffer()).equals(document.subarray(5, 9))]).toEqual([206, true]);
    const parts = await readParts(await get(`${urlOf(name)}/rendered`, `multipart/related; type="${mediaType}"`));
    expect(parts.map((part) => [part.headers, part.body.equals(document)])).toEqual([
      [`Content-Type: ${mediaType}`, true],
    ]);
    const picture = await get(`${urlOf(name)}/rendered`, 'image/jpeg');
    const problem = (await picture.json()) as { possible?: string[]; detail: string };
    expect([picture.status, problem.possible?.[0] ?? problem.detail]).toEqual([
      406,
      name === 'pdf' ? expect.stringContaining('damaged') : mediaType,
    ]);
    expect((await get(`${urlOf(name)}/thumbnail`)).status).toBe(404);
  });

  it('show the first page of a PDF to who takes pictures, as a thumbnail to all', async () => {
    const document = await get(`${urlOf('page')}/rendered`, 'text/html,image/avif,image/webp,image/apng,*/*;q=0.8');
    expect(document.headers.get('content-type')).toBe('application/pdf');
    await document.arrayBuffer();
    for (const [accept, format] of [
      ['image/jpeg', 'jpeg'],
      ['image/png', 'png'],
      ['image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8', 'webp'],
      ['application/pdf;q=0.1,image/png', 'png'],
    ] as const) {
      const picture = await pictureOf(await get(`${urlOf('page')}/rendered?viewport=100,100`, accept));
      expect([accept, await sharp(picture).metadata()]).toMatchObject([accept, { format, width: 100, height: 50 }]);
    }
    for (const url of [urlOf('page'), studyOf('page')]) {
      const thumbnail = await pictureOf(await get(`${url}/thumbnail`, 'image/png'));
      expect(await sharp(thumbnail).metadata()).toMatchObject({ width: 256, height: 128 });
      expect([...(await sharp(thumbnail).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 0, 0]);
    }
    expect((await get(`${urlOf('page')}/rendered`, 'image/tiff')).status).toBe(406);
  });

  it('say why a PDF has no picture, and are still had as they are stored', async () => {
    const picture = await get(`${urlOf('locked')}/rendered`, 'image/png');
    const { detail } = (await picture.json()) as { detail: string };
    expect([picture.status, detail]).toEqual([406, expect.stringContaining('encrypted')]);
    expect((await get(`${urlOf('locked')}/thumbnail`)).status).toBe(404);
    const stored = await get(`${urlOf('locked')}/rendered`);
    expect(
      Buffer.from(await stored.arrayBuffer())
        .subarray(0, locked.length)
        .equals(locked),
    ).toBe(true);
  });

  it('never are what their class is not: a script does not run in our name', async () => {
    const response = await get(`${urlOf('html')}/rendered`);
    expect(response.headers.get('content-type')).toBe('application/pdf');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    await response.arrayBuffer();
  });
});

describe('videos', () => {
  it.each(['video', 'fragmented'] as const)(
    'give an MP4 file as it is stored, and any range of it (%s)',
    async (name) => {
      const url = `${urlOf(name)}/rendered`;
      for (const accept of ['*/*', 'video/mp4', 'video/webm,video/*;q=0.9']) {
        const response = await get(url, accept);
        expect([response.headers.get('content-type'), response.headers.get('accept-ranges')]).toEqual([
          'video/mp4',
          'bytes',
        ]);
        expect(Buffer.from(await response.arrayBuffer()).equals(mp4)).toBe(true);
      }
      const range = await get(url, '*/*', { range: 'bytes=4000-9000' });
      expect([range.status, range.headers.get('content-range')]).toEqual([206, `bytes 4000-9000/${mp4.length}`]);
      expect(Buffer.from(await range.arrayBuffer()).equals(mp4.subarray(4000, 9001))).toBe(true);
      const head = await get(url, '*/*', {}, 'HEAD');
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(mp4.length)]);
      expect((await get(url, '*/*', { 'if-none-match': head.headers.get('etag')! })).status).toBe(304);
      expect((await get(url, 'image/jpeg')).status).toBe(406);
    },
  );

  it('give MPEG-2 as video/mpeg, and say where to get what no browser plays', async () => {
    const mpeg2 = await get(`${urlOf('mpeg2')}/rendered`, 'video/mpeg');
    expect([mpeg2.status, mpeg2.headers.get('content-type')]).toEqual([200, 'video/mpeg']);
    await mpeg2.arrayBuffer();
    const stream = await get(`${urlOf('transport')}/rendered`, 'video/mp4');
    const { detail } = (await stream.json()) as { detail: string };
    expect([stream.status, detail]).toEqual([406, expect.stringContaining('transport stream')]);
    // As the message says.
    const [, path, accept] = /GET (\S+) with Accept: (.+)\.$/.exec(detail)!;
    const stored = await get(`${suite.url}${path}`, accept);
    expect(Buffer.from(await stored.arrayBuffer()).equals(transport)).toBe(true);
  });
});
