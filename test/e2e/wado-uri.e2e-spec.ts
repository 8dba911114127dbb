import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import { readPart10 } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { bytesOf, startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

const explicit = '1.2.840.10008.1.2.1';
const implicit = '1.2.840.10008.1.2';
const jpeg = '1.2.840.10008.1.2.4.50';
const h264 = '1.2.840.10008.1.2.4.102';

let suite: Awaited<ReturnType<typeof startArchive>>;

const place = (name: string) => ({
  studyInstanceUid: testUid(`uri study ${name}`),
  seriesInstanceUid: testUid(`uri series ${name}`),
  sopInstanceUid: testUid(`uri instance ${name}`),
});
const pdf = Buffer.from('%PDF-1.4\n' + 'x'.repeat(3000) + '\n');
const videoBytes = Buffer.from('not really a video, but nobody looks'.repeat(100));
const made = {
  ct: makeInstance({ ...place('ct'), rows: 64, columns: 32 }),
  implicit: makeInstance({ ...place('implicit'), transferSyntaxUid: implicit }),
  jpeg: makeInstance({ ...place('jpeg'), transferSyntaxUid: jpeg, rows: 16, columns: 16 }),
  cine: makeInstance({ ...place('cine'), modality: 'US', samplesPerPixel: 3, rows: 20, columns: 40, frames: 3 }),
  report: makeInstance({ ...place('report'), modality: 'SR' }),
  pdf: makeInstance({
    ...place('pdf'),
    modality: 'DOC',
    frames: 0,
    sopClassUid: '1.2.840.10008.5.1.4.1.1.104.1',
    attributes: {
      '00420011': { vr: 'OB', InlineBinary: pdf.toString('base64') },
      '00420012': { vr: 'LO', Value: ['application/pdf'] },
    },
  }),
  video: makeInstance({ ...place('video'), transferSyntaxUid: h264, frames: 20, frameBytes: [videoBytes] }),
};
type Name = keyof typeof made;

beforeAll(async () => {
  suite = await startArchive();
  await store(suite.dicomweb, Object.values(made));
});

afterAll(async () => {
  await suite?.stop();
});

const urlOf = (name: Name, more = '') => {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place(name);
  return `${suite.url}/wado?requestType=WADO&studyUID=${studyInstanceUid}&seriesUID=${seriesInstanceUid}&objectUID=${sopInstanceUid}${more}`;
};
const get = (url: string, headers: Record<string, string> = {}) => fetch(url, { headers });
const sizeOf = async (response: Response) => {
  const { format, width, height } = await sharp(await bytesOf(response)).metadata();
  return { format, width, height };
};

describe('WADO-URI', () => {
  it.each([
    ['ct', 'image/jpeg'],
    ['implicit', 'image/jpeg'],
    ['cine', 'application/dicom'],
    ['report', 'application/dicom'],
    ['pdf', 'application/dicom'],
    ['video', 'application/dicom'],
  ] as const)('gives %s as %s when no type is asked for', async (name, mediaType) => {
    for (const headers of [{}, { accept: '*/*' }]) {
      const response = await get(urlOf(name), headers);
      expect([response.status, response.headers.get('content-type')!.split(';')[0]]).toEqual([200, mediaType]);
      await response.arrayBuffer();
    }
  });

  it('gives DICOM in Explicit VR Little Endian, or in the transfer syntax asked for', async () => {
    const dicom = '&contentType=application/dicom';
    for (const [name, more, expected] of [
      ['ct', '', explicit],
      ['implicit', '', explicit],
      ['implicit', `&transferSyntax=${explicit}`, explicit],
      ['implicit', `&transferSyntax=${implicit}`, implicit],
      ['jpeg', '', jpeg],
      ['jpeg', `&transferSyntax=${jpeg}`, jpeg],
    ] as const) {
      const response = await get(urlOf(name, `${dicom}${more}`));
      expect([name, more, response.status]).toEqual([name, more, 200]);
      expect(response.headers.get('content-type')).toBe(`application/dicom; transfer-syntax=${expected}`);
      expect(readPart10(await bytesOf(response)).transferSyntaxUid).toBe(expected);
    }
    const refused = await get(urlOf('ct', `${dicom}&transferSyntax=1.2.840.10008.1.2.4.999`));
    expect([refused.status, refused.headers.get('content-type')]).toEqual([406, 'application/problem+json']);
    expect(((await refused.json()) as { possible: string[] }).possible).toContain(
      `application/dicom; transfer-syntax=${explicit}`,
    );
    const part = await get(urlOf('ct', dicom), { range: 'bytes=128-131' });
    expect([part.status, (await bytesOf(part)).toString()]).toEqual([206, 'DICM']);
  });

  it('gives pictures as they are asked for', async () => {
    const png = '&contentType=image/png';
    for (const [name, more, expected] of [
      ['ct', '', { format: 'jpeg', width: 32, height: 64 }],
      ['ct', '&contentType=image/jpeg', { format: 'jpeg', width: 32, height: 64 }],
      ['ct', '&contentType=image/gif,image/png', { format: 'png', width: 32, height: 64 }],
      ['ct', `${png}&rows=32`, { format: 'png', width: 16, height: 32 }],
      ['ct', `${png}&columns=64`, { format: 'png', width: 64, height: 128 }],
      ['ct', `${png}&rows=32&columns=32`, { format: 'png', width: 16, height: 32 }],
      ['ct', `${png}&region=0.5,0,1,0.25`, { format: 'png', width: 16, height: 16 }],
      ['ct', `${png}&region=0.5,0,1,0.25&rows=8`, { format: 'png', width: 8, height: 8 }],
      ['cine', '&frameNumber=2', { format: 'jpeg', width: 40, height: 20 }],
      ['cine', '&contentType=image/jpeg', { format: 'jpeg', width: 40, height: 20 }],
    ] as const) {
      expect([name, more, await sizeOf(await get(urlOf(name, more)))]).toEqual([name, more, expected]);
    }
    const black = await bytesOf(await get(urlOf('ct', `${png}&windowCenter=100000&windowWidth=1`)));
    const white = await bytesOf(await get(urlOf('ct', `${png}&windowCenter=-100000&windowWidth=1`)));
    const meanOf = async (bytes: Buffer) => (await sharp(bytes).greyscale().stats()).channels[0]!.mean;
    expect([await meanOf(black), await meanOf(white)]).toEqual([0, 255]);
    const frames = await Promise.all(
      [1, 2].map(async (frame) => bytesOf(await get(urlOf('cine', `${png}&frameNumber=${frame}`)))),
    );
    expect(frames[0]!.equals(frames[1]!)).toBe(false);
    const response = await get(urlOf('ct', png));
    const again = await get(urlOf('ct', png), { 'if-none-match': response.headers.get('etag')! });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('lets the link say what is wanted, and the browser where it does not', async () => {
    const browser = { accept: 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5' };
    expect((await get(urlOf('cine'), browser)).headers.get('content-type')).toBe('image/png');
    expect((await get(urlOf('ct', '&contentType=image/jpeg'), browser)).headers.get('content-type')).toBe('image/jpeg');
    expect((await get(urlOf('ct', '&contentType=image/gif'), browser)).status).toBe(406);
  });

  it('gives documents and videos as what they are', async () => {
    const document = await get(urlOf('pdf', '&contentType=application/pdf'));
    expect([document.status, document.headers.get('content-type')]).toEqual([200, 'application/pdf']);
    expect((await bytesOf(document)).subarray(0, pdf.length).equals(pdf)).toBe(true);
    const video = await get(urlOf('video', '&contentType=video/mp4'), { range: 'bytes=4-9' });
    expect([video.status, video.headers.get('content-type')]).toEqual([206, 'video/mp4']);
    expect((await bytesOf(video)).toString()).toBe('really');
    expect((await get(urlOf('report', '&contentType=application/pdf'))).status).toBe(406);
    expect((await get(urlOf('report', '&contentType=image/jpeg'))).status).toBe(406);
  });

  it('finds an instance by its own UID', async () => {
    const { sopInstanceUid } = place('ct');
    const dicom = `&contentType=application/dicom`;
    for (const uids of ['', '&studyUID=1.2.3&seriesUID=1.2.4', '&studyUID=&seriesUID=x']) {
      const response = await get(`${suite.url}/wado?requestType=WADO&objectUID=${sopInstanceUid}${uids}${dicom}`);
      expect([uids, (await bytesOf(response)).equals(made.ct)]).toEqual([uids, true]);
    }
  });

  it('is found behind the address of the other services too, where dicomweb-client looks for it', async () => {
    const { sopInstanceUid: uid } = place('implicit');
    const url = `${suite.dicomweb}?requestType=WADO&objectUID=${uid}&contentType=application/dicom&transferSyntax=*`;
    const response = await get(url);
    expect([response.status, (await bytesOf(response)).equals(made.implicit)]).toEqual([200, true]);
  });

  it.each([
    ['requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.2.3', 404],
    ['requestType=WADO&objectUID=1.2.3', 404],
    ['requestType=WADO', 400],
    ['', 400],
    ['requestType=WADO&objectUID=1.2.', 400],
    ['requestType=WADO&objectUID=..%2f..%2fetc', 400],
    [`requestType=WADO&objectUID=${'1.'.repeat(32)}1`, 400],
  ])('answers ?%s with %d', async (search, status) => {
    const response = await get(`${suite.url}/wado?${search}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
  });

  it.each([
    ['ct', '&frameNumber=2', 400],
    ['cine', '&frameNumber=4', 400],
    ['cine', '&frameNumber=0', 400],
    ['report', '&frameNumber=1', 400],
    ['ct', '&rows=x', 400],
    ['ct', '&transferSyntax=x&contentType=application/dicom', 400],
    ['ct', '&anonymize=yes', 406],
    ['ct', '&anonymize=yes&contentType=application/dicom', 406],
  ] as const)('answers %s%s with %d', async (name, more, status) => {
    const response = await get(urlOf(name, more));
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
  });
});
