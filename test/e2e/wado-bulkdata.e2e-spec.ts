import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { seededRandom } from '../support/seeded-random.js';
import { bytesOf, get, readParts, startArchive, store, urisIn } from './wado-support.js';

jest.setTimeout(300_000);

const explicit = '1.2.840.10008.1.2.1';
const implicit = '1.2.840.10008.1.2';
const bigEndian = '1.2.840.10008.1.2.2';
const deflated = '1.2.840.10008.1.2.1.99';
const jpeg = '1.2.840.10008.1.2.4.50';
const jpegLs = '1.2.840.10008.1.2.4.80';
const h264 = '1.2.840.10008.1.2.4.102';
const fragmentable = '1.2.840.10008.1.2.4.102.1';

let suite: Awaited<ReturnType<typeof startArchive>>;

const random = seededRandom(13);
const randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
const ob = (bytes: Buffer) => ({ vr: 'OB', InlineBinary: bytes.toString('base64') });
const ow = (bytes: Buffer) => ({ vr: 'OW', InlineBinary: bytes.toString('base64') });

const place = (name: string) => ({
  studyInstanceUid: testUid(`bulk study ${name}`),
  seriesInstanceUid: testUid(`bulk series ${name}`),
  sopInstanceUid: testUid(`bulk instance ${name}`),
});
/** Large values at the top and in sequences within sequences. */
const values = { top: randomBytes(3000), words: randomBytes(4000), nested: randomBytes(2000), deep: randomBytes(6000) };
const attributes: DicomJson = {
  '00091010': ob(values.top),
  '00281201': ow(values.words),
  '00081140': {
    vr: 'SQ',
    Value: [{}, { '00091011': ob(values.nested), '00081199': { vr: 'SQ', Value: [{ '00281202': ow(values.deep) }] } }],
  },
};
const pdf = Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(5000)]);
const videoBytes = randomBytes(100_000);
const jlsFrames = Array.from({ length: 4 }, (_, at) => randomBytes(100 + 2 * at));
const syntaxes = { explicit, implicit, bigEndian, deflated, jpeg };
const made = {
  explicit: makeInstance({ ...place('explicit'), attributes }),
  implicit: makeInstance({ ...place('implicit'), attributes, transferSyntaxUid: implicit }),
  bigEndian: makeInstance({ ...place('bigEndian'), attributes, transferSyntaxUid: bigEndian }),
  deflated: makeInstance({ ...place('deflated'), attributes, transferSyntaxUid: deflated }),
  jpeg: makeInstance({ ...place('jpeg'), attributes, transferSyntaxUid: jpeg, rows: 16, columns: 16 }),
  jls: makeInstance({
    ...place('jls'),
    transferSyntaxUid: jpegLs,
    frames: 4,
    frameBytes: jlsFrames,
    fragmentsPerFrame: 2,
  }),
  wide: makeInstance({ ...place('wide'), bitsAllocated: 32, transferSyntaxUid: bigEndian }),
  ecg: makeInstance({ ...place('ecg'), modality: 'ECG' }),
  report: makeInstance({ ...place('report'), modality: 'SR' }),
  pdf: makeInstance({
    ...place('pdf'),
    modality: 'DOC',
    frames: 0,
    sopClassUid: '1.2.840.10008.5.1.4.1.1.104.1',
    attributes: { '00420011': ob(pdf), '00420012': { vr: 'LO', Value: ['application/pdf'] } },
  }),
  cda: makeInstance({
    ...place('cda'),
    modality: 'DOC',
    frames: 0,
    sopClassUid: '1.2.840.10008.5.1.4.1.1.104.2',
    attributes: { '00420011': ob(pdf), '00420012': { vr: 'LO', Value: ['text/XML'] } },
  }),
  html: makeInstance({
    ...place('html'),
    modality: 'DOC',
    frames: 0,
    attributes: { '00420011': ob(pdf), '00420012': { vr: 'LO', Value: ['text/html'] } },
  }),
  video: makeInstance({ ...place('video'), transferSyntaxUid: h264, frames: 20, frameBytes: [videoBytes] }),
  piecesOfVideo: makeInstance({
    ...place('piecesOfVideo'),
    transferSyntaxUid: fragmentable,
    frames: 20,
    frameBytes: [videoBytes],
    fragmentsPerFrame: 7,
  }),
};
type Name = keyof typeof made;
/** One study of everything, to be had at once. */
const together = { studyInstanceUid: testUid('bulk together'), seriesInstanceUid: testUid('bulk together series') };
const mixed = [explicit, bigEndian, jpegLs].map((transferSyntaxUid, at) =>
  makeInstance({
    ...together,
    instanceNumber: at + 1,
    sopInstanceUid: testUid(`bulk together ${at}`),
    transferSyntaxUid,
    attributes: { '00281201': ow(values.words) },
    ...(transferSyntaxUid === jpegLs && { frames: 4, frameBytes: jlsFrames }),
  }),
);

beforeAll(async () => {
  suite = await startArchive();
  await store(suite.dicomweb, [...Object.values(made), ...mixed]);
});

afterAll(async () => {
  await suite?.stop();
});

function urlOf(name: Name): string {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place(name);
  return `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
}
const metadataOf = async (name: Name, headers?: Record<string, string>) =>
  ((await (await get(`${urlOf(name)}/metadata`, undefined, headers)).json()) as [DicomJson])[0];

const octets = 'application/octet-stream';
const anyOctets = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';

describe('BulkDataURIs', () => {
  it.each(Object.keys(made) as Name[])('of %s can all be fetched as they stand, whole and in part', async (name) => {
    const uris = urisIn(await metadataOf(name));
    if (name !== 'report') expect(uris.length).toBeGreaterThan(0);
    for (const uri of uris) {
      expect(uri.startsWith(`${suite.dicomweb}/studies/`)).toBe(true);
      const parts = await readParts(await get(uri, anyOctets));
      const whole = Buffer.concat(parts.map(({ body }) => body));
      expect([uri, whole.length > 0]).toEqual([uri, true]);
      if (parts.length > 1) continue;
      const single = await get(uri, `${octets}; transfer-syntax=*`);
      expect([uri, single.status, (await bytesOf(single)).equals(whole)]).toEqual([uri, 200, true]);
      expect(single.headers.get('content-length')).toBe(String(whole.length));
      const part = await get(uri, `${octets}; transfer-syntax=*`, { range: 'bytes=3-40' });
      expect([uri, part.status, part.headers.get('content-range')]).toEqual([uri, 206, `bytes 3-40/${whole.length}`]);
      expect((await bytesOf(part)).equals(whole.subarray(3, 41))).toBe(true);
      const etag = single.headers.get('etag')!;
      const again = await get(uri, `${octets}; transfer-syntax=*`, { 'if-none-match': etag });
      expect([again.status, await again.text()]).toEqual([304, '']);
      const head = await fetch(uri, { method: 'HEAD', headers: { accept: `${octets}; transfer-syntax=*` } });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(whole.length)]);
    }
  });

  it.each(Object.keys(syntaxes) as (keyof typeof syntaxes)[])('lead to the same values in %s', async (name) => {
    const url = `${urlOf(name)}/bulkdata`;
    for (const [path, expected] of [
      ['00091010', values.top],
      ['00281201', values.words],
      ['00081140/1/00091011', values.nested],
      ['00081140/1/00081199/0/00281202', values.deep],
    ] as const) {
      expect([path, (await bytesOf(await get(`${url}/${path}`, octets))).equals(expected)]).toEqual([path, true]);
    }
  });

  it('of native pixel data lead to what frames give', async () => {
    for (const name of ['explicit', 'implicit', 'bigEndian', 'deflated', 'wide'] as const) {
      const [frame] = await readParts(await get(`${urlOf(name)}/frames/1`, anyOctets));
      const pixels = await bytesOf(await get(`${urlOf(name)}/bulkdata/7FE00010`, octets));
      expect([name, pixels.equals(frame!.body)]).toEqual([name, true]);
    }
  });

  it('are those by which the client sees the server', async () => {
    const metadata = await metadataOf('ecg', {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'pacs.example',
      'x-forwarded-prefix': '/archive',
    });
    for (const uri of urisIn(metadata)) expect(uri).toMatch(/^https:\/\/pacs\.example\/archive\/dicom-web\/studies\//);
    const byHost = await get(`${urlOf('ecg')}/metadata`);
    const byName = await get(`${urlOf('ecg')}/metadata`, undefined, { 'x-forwarded-host': 'pacs.example' });
    expect(byHost.headers.get('etag')).not.toBe(byName.headers.get('etag'));
  });

  it('that metadata does not give lead nowhere', async () => {
    expect((await get(`${urlOf('explicit')}/bulkdata/00420011`)).status).toBe(404);
    expect((await get(`${urlOf('explicit')}/bulkdata/00081140/0/00091011`)).status).toBe(404);
    expect((await get(`${urlOf('explicit')}/bulkdata/..%2f..%2fx`)).status).toBe(400);
  });
});

describe('an encapsulated document', () => {
  it('is given as what it is, or as bytes', async () => {
    const url = `${urlOf('pdf')}/bulkdata/00420011`;
    for (const [accept, contentType] of [
      ['application/pdf', 'application/pdf'],
      ['application/pdf, */*;q=0.1', 'application/pdf'],
      [octets, octets],
    ] as const) {
      const response = await get(url, accept);
      expect([accept, response.status, response.headers.get('content-type')]).toEqual([accept, 200, contentType]);
      expect((await bytesOf(response)).subarray(0, pdf.length).equals(pdf)).toBe(true);
    }
    expect((await get(`${url}?accept=application/pdf`, 'text/html')).headers.get('content-type')).toBe(
      'application/pdf',
    );
    const [part] = await readParts(await get(url, 'multipart/related; type="application/pdf"'));
    expect(part!.headers).toBe(`Content-Type: application/pdf\r\nContent-Location: ${url}`);
  });

  it('is never a page of ours', async () => {
    const html = `${urlOf('html')}/bulkdata/00420011`;
    expect((await get(html, 'text/html')).status).toBe(406);
    expect((await get(html, 'text/html, */*;q=0.1')).headers.get('content-type')).not.toMatch(/html/);
    const cda = await get(`${urlOf('cda')}/bulkdata/00420011`, 'text/xml');
    expect([cda.headers.get('content-type'), cda.headers.get('content-disposition')]).toEqual([
      'text/xml',
      'attachment',
    ]);
  });
});

describe('a video', () => {
  it.each(['video', 'piecesOfVideo'] as const)('is one stream, from any place on (%s)', async (name) => {
    const url = `${urlOf(name)}/bulkdata/7FE00010`;
    const whole = await get(url, 'video/mp4');
    const type = `video/mp4; transfer-syntax=${name === 'video' ? h264 : fragmentable}`;
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, type]);
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    expect((await bytesOf(whole)).equals(videoBytes)).toBe(true);
    for (const [range, from, to] of [
      ['bytes=0-', 0, 100_000],
      ['bytes=50000-59999', 50_000, 60_000],
      ['bytes=-10', 99_990, 100_000],
    ] as const) {
      const part = await get(url, 'video/mp4', { range });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/100000`]);
      expect((await bytesOf(part)).equals(videoBytes.subarray(from, to))).toBe(true);
    }
    expect((await get(url, 'video/mp4', { range: 'bytes=100000-' })).status).toBe(416);
  });
});

describe('all bulk data', () => {
  const studyUrl = () => `${suite.dicomweb}/studies/${together.studyInstanceUid}`;
  const locationsOf = (parts: { headers: string }[]) =>
    parts.map(({ headers }) => /\r\nContent-Location: (\S+)$/.exec(headers)?.[1]);

  it.each(['', '/series/:series'])('of a study or series (%s) comes with its addresses', async (path) => {
    const url = `${studyUrl()}${path.replace(':series', together.seriesInstanceUid)}`;
    const dataSets = (await (await get(`${url}/metadata`)).json()) as DicomJson[];
    const response = await get(`${url}/bulkdata`, anyOctets);
    expect(response.status).toBe(200);
    const parts = await readParts(response);
    expect(new Set(locationsOf(parts))).toEqual(new Set(dataSets.flatMap(urisIn)));
    // Two values of each instance, and four frames in place of one pixel data.
    expect(parts).toHaveLength(6 + 3);
    const words = parts.filter(({ headers }) => headers.endsWith('/00281201'));
    expect(words.map(({ body }) => body.equals(values.words))).toEqual([true, true, true]);
    const frames = parts.filter(({ headers }) =>
      headers.startsWith(`Content-Type: ${octets}; transfer-syntax=${jpegLs}`),
    );
    expect(frames.map(({ body }, at) => body.equals(jlsFrames[at]!))).toEqual([true, true, true, true]);
  });

  it('of an instance, or its pixel data alone', async () => {
    const parts = await readParts(await get(`${urlOf('explicit')}/bulkdata`));
    expect(locationsOf(parts).map((location) => location!.split('/bulkdata/')[1])).toEqual([
      '00081140/1/00081199/0/00281202',
      '00081140/1/00091011',
      '00091010',
      '00281201',
      '7FE00010',
    ]);
    const pixels = await readParts(await get(`${urlOf('explicit')}/pixeldata`));
    expect(locationsOf(pixels)).toEqual([`${urlOf('explicit')}/bulkdata/7FE00010`]);
    expect(pixels[0]!.body.equals(parts[4]!.body)).toBe(true);
  });

  it('can be the pixel data of a study or series', async () => {
    for (const url of [studyUrl(), `${studyUrl()}/series/${together.seriesInstanceUid}`]) {
      const parts = await readParts(await get(`${url}/pixeldata`, anyOctets));
      expect(parts).toHaveLength(2 + 4);
      expect(parts.every(({ headers }) => headers.endsWith('/bulkdata/7FE00010'))).toBe(true);
    }
  });

  it('leaves out pixel data in syntaxes that are not taken, and says so', async () => {
    const response = await get(
      `${studyUrl()}/bulkdata`,
      `multipart/related; type="${octets}"; transfer-syntax=${explicit}`,
    );
    expect([response.status, response.headers.get('warning')]).toEqual([
      206,
      expect.stringMatching(/ 1 of 3 instances /),
    ]);
    expect(await readParts(response)).toHaveLength(5);
    const none = await get(`${studyUrl()}/bulkdata`, `multipart/related; type="${octets}"; transfer-syntax=1.2.3`);
    expect(none.status).toBe(406);
    expect((await get(`${studyUrl()}/bulkdata`, 'application/pdf')).status).toBe(406);
  });

  it('is 404 where there is none, and answers HEAD and If-None-Match', async () => {
    expect((await get(`${urlOf('report')}/bulkdata`)).status).toBe(404);
    expect((await get(`${urlOf('ecg')}/pixeldata`)).status).toBe(404);
    expect((await get(`${suite.dicomweb}/studies/1.2.3/bulkdata`)).status).toBe(404);
    expect((await get(`${suite.dicomweb}/studies/1.2./pixeldata`)).status).toBe(400);
    const head = await fetch(`${studyUrl()}/bulkdata`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    const again = await get(`${studyUrl()}/bulkdata`, undefined, { 'if-none-match': head.headers.get('etag')! });
    expect(again.status).toBe(304);
  });
});

describe('metadata', () => {
  const seriesUrl = () => `${suite.dicomweb}/studies/${together.studyInstanceUid}/series/${together.seriesInstanceUid}`;

  it('says in what syntax frames and bulk data come', async () => {
    for (const [name, uid] of [
      ['explicit', explicit],
      ['implicit', explicit],
      ['bigEndian', explicit],
      ['deflated', explicit],
      ['jls', jpegLs],
    ] as const) {
      const metadata = await metadataOf(name);
      expect([name, metadata['00083002']]).toEqual([name, { vr: 'UI', Value: [uid] }]);
      expect(Object.keys(metadata)).toEqual(Object.keys(metadata).sort());
      // Searches say the same: viewers choose by them before they ask for metadata.
      const sopInstanceUid = String(metadata['00080018']?.Value?.[0]);
      const [found] = (await (await get(`${suite.dicomweb}/instances?SOPInstanceUID=${sopInstanceUid}`)).json()) as [
        DicomJson,
      ];
      expect([name, found['00083002']]).toEqual([name, metadata['00083002']]);
    }
  });

  it('is the same dataset in every uncompressed syntax', async () => {
    const comparable = async (name: Name) => {
      const { '00080018': _, '0020000D': __, '0020000E': ___, ...rest } = await metadataOf(name);
      return JSON.stringify(rest).replaceAll(/studies\/[\d.]+\/series\/[\d.]+\/instances\/[\d.]+/g, 'here');
    };
    const expected = (await comparable('explicit')).replaceAll(testUid('frame of reference'), '');
    const strip = (text: string) => text.replace(/"00200052":\{[^}]*\},/, '');
    for (const name of ['implicit', 'bigEndian', 'deflated'] as const) {
      expect([name, strip(await comparable(name))]).toEqual([name, strip(expected)]);
    }
  });

  it('comes as XML, one part an instance, or alone', async () => {
    const response = await get(`${seriesUrl()}/metadata`, 'multipart/related; type="application/dicom+xml"');
    expect(response.headers.get('content-type')).toMatch(
      /^multipart\/related; type="application\/dicom\+xml"; boundary=/,
    );
    const parts = await readParts(response);
    expect(parts.map(({ headers }) => headers)).toEqual(Array(3).fill('Content-Type: application/dicom+xml'));
    for (const { body } of parts) {
      expect(body.toString()).toMatch(
        /^<\?xml version="1.0" encoding="UTF-8"\?>\n<NativeDicomModel .*<\/NativeDicomModel>$/s,
      );
      expect(body.toString()).toContain(`<BulkData uri="${suite.dicomweb}/studies/${together.studyInstanceUid}/`);
    }
    const one = await get(`${urlOf('ecg')}/metadata`, 'application/dicom+xml');
    expect([one.status, one.headers.get('content-type')]).toEqual([200, 'application/dicom+xml']);
    expect(await one.text()).toContain('<DicomAttribute tag="54000100" vr="SQ" keyword="WaveformSequence">');
    expect((await get(`${seriesUrl()}/metadata`, 'application/dicom+xml')).status).toBe(406);
    const both = 'multipart/related; type="application/dicom+xml";q=0.5, application/dicom+json';
    expect((await get(`${seriesUrl()}/metadata`, both)).headers.get('content-type')).toBe('application/dicom+json');
  });

  it.each(['br', 'gzip'])('is compressed with %s where that is preferred', async (coding) => {
    const plain = await (await get(`${seriesUrl()}/metadata`, undefined, { 'accept-encoding': 'identity' })).text();
    const response = await get(`${seriesUrl()}/metadata`, undefined, { 'accept-encoding': `deflate, ${coding};q=0.9` });
    expect([response.headers.get('content-encoding'), await response.text()]).toEqual([coding, plain]);
    const etag = response.headers.get('etag')!;
    expect(etag).toMatch(new RegExp(`-${coding}"$`));
    const again = await get(`${seriesUrl()}/metadata`, undefined, {
      'accept-encoding': coding,
      'if-none-match': `"x", ${etag}`,
    });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const head = await fetch(`${seriesUrl()}/metadata`, { method: 'HEAD', headers: { 'accept-encoding': coding } });
    expect([head.status, head.headers.get('etag'), head.headers.get('content-type')]).toEqual([
      200,
      etag,
      'application/dicom+json',
    ]);
    const xml = await get(`${seriesUrl()}/metadata`, 'multipart/related; type="application/dicom+xml"', {
      'accept-encoding': coding,
    });
    expect(xml.headers.get('content-encoding')).toBe(coding);
    expect(await readParts(xml)).toHaveLength(3);
  });
});
