import { truncate } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import type { DicomJson } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { seededRandom } from '../support/seeded-random.js';
import { blobsIn, bytesOf, digestOf, get, readParts, startArchive, store, urisIn } from './wado-support.js';

jest.setTimeout(300_000);

const explicit = '1.2.840.10008.1.2.1';
const implicit = '1.2.840.10008.1.2';
const bigEndian = '1.2.840.10008.1.2.2';
const deflated = '1.2.840.10008.1.2.1.99';
const jpegLs = '1.2.840.10008.1.2.4.80';
const rle = '1.2.840.10008.1.2.5';

let suite: Awaited<ReturnType<typeof startArchive>>;

const random = seededRandom(11);
const randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
/** Bytes that are not JPEG-LS, but what is stored is given back whatever it is. */
const jlsFrames = Array.from({ length: 5 }, (_, at) => randomBytes(100 + 2 * at));
const nativeFrames = Array.from({ length: 3 }, () => randomBytes(8 * 8 * 2));

const place = (name: string) => ({
  studyInstanceUid: testUid(`wado study ${name}`),
  seriesInstanceUid: testUid(`wado series ${name}`),
  sopInstanceUid: testUid(`wado instance ${name}`),
});
const made = {
  native: makeInstance({ ...place('native'), frames: 3, frameBytes: nativeFrames, bitsStored: 16 }),
  jls: makeInstance({ ...place('jls'), frames: 5, transferSyntaxUid: jpegLs, frameBytes: jlsFrames }),
  fragmented: makeInstance({
    ...place('fragmented'),
    frames: 5,
    transferSyntaxUid: jpegLs,
    frameBytes: jlsFrames,
    fragmentsPerFrame: 3,
  }),
  implicit: makeInstance({ ...place('implicit'), transferSyntaxUid: implicit }),
  bigEndian: makeInstance({ ...place('bigEndian'), transferSyntaxUid: bigEndian }),
  deflated: makeInstance({ ...place('deflated'), transferSyntaxUid: deflated }),
  bits: makeInstance({ ...place('bits'), rows: 3, columns: 3, frames: 4, bitsAllocated: 1 }),
  rle: makeInstance({ ...place('rle'), transferSyntaxUid: rle, rows: 64, columns: 32 }),
  colour: makeInstance({ ...place('colour'), modality: 'US', samplesPerPixel: 3, rows: 20, columns: 40, frames: 3 }),
  ecg: makeInstance({ ...place('ecg'), modality: 'ECG' }),
  report: makeInstance({ ...place('report'), modality: 'SR' }),
  deflatedEcg: makeInstance({ ...place('deflatedEcg'), modality: 'ECG', transferSyntaxUid: deflated }),
  video: makeInstance({
    ...place('video'),
    transferSyntaxUid: '1.2.840.10008.1.2.4.102',
    frames: 20,
    frameBytes: [randomBytes(999)],
  }),
  bulky: makeInstance({
    ...place('bulky'),
    attributes: {
      '00091010': { vr: 'OB', InlineBinary: randomBytes(5000).toString('base64') },
      '00281201': { vr: 'OW', InlineBinary: randomBytes(4000).toString('base64') },
    },
  }),
};
type Name = keyof typeof made;
const series = Array.from({ length: 7 }, (_, at) =>
  makeInstance({ seed: 50, instanceNumber: at + 1, rows: 16, columns: 16 }),
);

beforeAll(async () => {
  suite = await startArchive();
  await store(suite.dicomweb, [...Object.values(made), ...series]);
});

afterAll(async () => {
  await suite?.stop();
});

function urlOf(name: Name): string {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place(name);
  return `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
}

describe('retrieving instances', () => {
  it.each(Object.keys(made) as Name[])('gives the bytes of %s back as they came', async (name) => {
    const single = await get(urlOf(name), 'application/dicom; transfer-syntax=*');
    expect(single.status).toBe(200);
    expect(single.headers.get('content-type')).toMatch(/^application\/dicom; transfer-syntax=[\d.]+$/);
    expect(single.headers.get('content-length')).toBe(String(made[name].length));
    expect((await bytesOf(single)).equals(made[name])).toBe(true);
    for (const accept of [
      'multipart/related; type="application/dicom"; transfer-syntax=*',
      'multipart/related; type=application/dicom; transfer-syntax="*"',
    ]) {
      const multi = await get(urlOf(name), accept);
      expect(multi.headers.get('content-type')).toMatch(
        /^multipart\/related; type="application\/dicom"; boundary=[0-9a-f]{32}$/,
      );
      const parts = await readParts(multi);
      expect(parts.map((part) => part.body.equals(made[name]))).toEqual([true]);
      expect(parts[0]!.headers).toMatch(/^Content-Type: application\/dicom; transfer-syntax=[\d.]+$/);
    }
  });

  it('gives a series and a study as one part an instance', async () => {
    const study = `${suite.dicomweb}/studies/${testUid('study 50')}`;
    const [{ '0020000E': uid }] = (await (await get(`${study}/series`)).json()) as [DicomJson];
    for (const url of [study, `${study}/series/${String(uid!.Value![0])}`]) {
      const parts = await readParts(await get(url, 'multipart/related; type="application/dicom"; transfer-syntax=*'));
      expect(digestOf(parts.map((part) => part.body))).toEqual(digestOf(series));
      expect((await get(url, 'application/dicom')).status).toBe(406);
    }
  });

  it('answers 406 for a transfer syntax it cannot give, saying which it can', async () => {
    const response = await get(urlOf('jls'), `application/dicom; transfer-syntax=${explicit}`);
    expect(response.status).toBe(406);
    expect(JSON.stringify(await response.json())).toContain(jpegLs);
  });

  it('has an entity tag, and answers HEAD', async () => {
    const head = await fetch(urlOf('native'), {
      method: 'HEAD',
      headers: { accept: 'application/dicom; transfer-syntax=*' },
    });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(made.native.length)]);
    const etag = head.headers.get('etag')!;
    const again = await get(urlOf('native'), 'application/dicom; transfer-syntax=*', { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('answers 404 for what is not here and 400 for what is no UID', async () => {
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place('native');
    const other = place('jls');
    for (const path of [
      '',
      '/metadata',
      '/rendered',
      '/thumbnail',
      '/frames/1',
      '/bulkdata/00091010',
      '/frames/1/rendered',
    ]) {
      for (const [url, status] of [
        [`studies/1.2.3/series/${seriesInstanceUid}/instances/${sopInstanceUid}`, 404],
        [`studies/${studyInstanceUid}/series/1.2.3/instances/${sopInstanceUid}`, 404],
        [`studies/${other.studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`, 404],
        [`studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/1.2.3`, 404],
        [`studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/1.2.`, 400],
        [`studies/${studyInstanceUid}/series/%27%20or%201/instances/${sopInstanceUid}`, 400],
        [`studies/${'1.'.repeat(32)}1/series/${seriesInstanceUid}/instances/${sopInstanceUid}`, 400],
      ] as const) {
        const response = await get(`${suite.dicomweb}/${url}${path}`);
        expect([url + path, response.status]).toEqual([url + path, status]);
        expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        await response.text();
      }
    }
    for (const path of [
      '',
      '/metadata',
      '/rendered',
      '/thumbnail',
      '/series/1.2.4',
      '/series/1.2.4/metadata',
      '/series/1.2.4/thumbnail',
    ]) {
      expect([path, (await get(`${suite.dicomweb}/studies/1.2.3${path}`)).status]).toEqual([path, 404]);
    }
  });
});

describe('a pack that is damaged', () => {
  it.each([
    ['an error, where the answer is small', 8],
    ['a broken connection, where some of it is on its way', 1200],
  ])('ends in %s, never in an answer that looks whole', async (_how, rows) => {
    const studyInstanceUid = testUid(`damaged ${rows}`);
    const here = { seed: 52, studyInstanceUid, seriesInstanceUid: `${studyInstanceUid}.1`, rows, columns: rows };
    const url = `${suite.dicomweb}/studies/${here.studyInstanceUid}`;
    await store(suite.dicomweb, [makeInstance({ ...here, instanceNumber: 1 })]);
    const before = new Set(await blobsIn(suite.dataDir));
    await store(suite.dicomweb, [makeInstance({ ...here, instanceNumber: 2 })]);
    const added = (await blobsIn(suite.dataDir)).filter((blob) => !before.has(blob));
    expect(added).toHaveLength(1);
    await truncate(added[0]!, 200);
    const response = await get(url);
    expect(response.status).toBe(rows === 8 ? 500 : 200);
    if (response.status === 200) await expect(response.arrayBuffer()).rejects.toThrow();
    const second = testUid(`instance ${here.seriesInstanceUid} 2`);
    const alone = await get(`${url}/series/${here.seriesInstanceUid}/instances/${second}`);
    expect(alone.status).toBe(500);
    expect(alone.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});

describe('metadata', () => {
  it('gives one data set an instance, compressed when asked, with an entity tag', async () => {
    const url = `${suite.dicomweb}/studies/${testUid('study 50')}/metadata`;
    const response = await get(url, 'application/dicom+json', { 'accept-encoding': 'gzip' });
    expect([response.headers.get('content-type'), response.headers.get('content-encoding')]).toEqual([
      'application/dicom+json',
      'gzip',
    ]);
    const dataSets = (await response.json()) as DicomJson[];
    expect(dataSets.map((dataSet) => dataSet['00200013']?.Value?.[0])).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const dataSet of dataSets) {
      expect(Object.keys(dataSet)).toEqual(Object.keys(dataSet).sort());
      expect(dataSet['7FE00010']?.InlineBinary).toBeUndefined();
    }
    const etag = response.headers.get('etag')!;
    expect(etag).toMatch(/^"[^"]+"$/);
    expect((await get(url, undefined, { 'if-none-match': etag, 'accept-encoding': 'gzip' })).status).toBe(304);
    const plain = await get(url, undefined, { 'accept-encoding': 'identity' });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(plain.headers.get('etag')).not.toBe(etag);
    expect(await plain.json()).toEqual(dataSets);
    // What was sent is kept, and sent again as it is.
    const again = await get(url, undefined, { 'accept-encoding': 'identity' });
    const text = await again.text();
    expect([again.headers.get('etag'), JSON.parse(text)]).toEqual([plain.headers.get('etag'), dataSets]);
    expect(again.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    const coded = await get(url, undefined, { 'accept-encoding': 'gzip' });
    expect([coded.headers.get('content-encoding'), await coded.json()]).toEqual(['gzip', dataSets]);
  });

  it('has another entity tag when an instance arrives', async () => {
    const here = { seed: 51, studyInstanceUid: testUid('growing'), seriesInstanceUid: testUid('growing series') };
    const url = `${suite.dicomweb}/studies/${here.studyInstanceUid}/metadata`;
    await store(suite.dicomweb, [makeInstance({ ...here, instanceNumber: 1 })]);
    const before = await get(url);
    await store(suite.dicomweb, [makeInstance({ ...here, instanceNumber: 2 })]);
    const after = await get(url, undefined, { 'if-none-match': before.headers.get('etag')! });
    expect([after.status, ((await after.json()) as unknown[]).length]).toEqual([200, 2]);
  });

  it('gives an instance as an array of one', async () => {
    const dataSets = (await (await get(`${urlOf('ecg')}/metadata`)).json()) as DicomJson[];
    expect(dataSets).toHaveLength(1);
    expect(dataSets[0]!['00080018']?.Value).toEqual([place('ecg').sopInstanceUid]);
  });
});

describe('frames', () => {
  const octets = 'multipart/related; type=application/octet-stream; transfer-syntax=*';

  it('gives them in the order asked for, each saying its transfer syntax', async () => {
    const response = await get(`${urlOf('jls')}/frames/3,1,2,5`, octets);
    expect(response.headers.get('content-type')).toMatch(
      /^multipart\/related; type="application\/octet-stream"; boundary=/,
    );
    const parts = await readParts(response);
    expect(parts.map((part) => part.body.equals(jlsFrames[[2, 0, 1, 4][parts.indexOf(part)]!]!))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(new Set(parts.map((part) => part.headers))).toEqual(
      new Set([`Content-Type: application/octet-stream; transfer-syntax=${jpegLs}`]),
    );
  });

  it.each([
    ['multipart/related; type="application/octet-stream"; transfer-syntax="*"', 'application/octet-stream'],
    [`multipart/related; type="image/jls"; transfer-syntax=${jpegLs}`, 'image/jls'],
    ['multipart/related; type="image/x-jls"', 'image/jls'],
    [
      `multipart/related; type="image/jls"; transfer-syntax=${jpegLs}, multipart/related; type="application/octet-stream"; transfer-syntax=${explicit}`,
      'image/jls',
    ],
    ['multipart/related; type="application/octet-stream"', 'application/octet-stream'],
    ['*/*', 'application/octet-stream'],
  ])('answers Accept: %s', async (accept, mediaType) => {
    const parts = await readParts(await get(`${urlOf('jls')}/frames/2`, accept));
    expect(parts.map((part) => part.body.equals(jlsFrames[1]!))).toEqual([true]);
    expect(parts[0]!.headers).toBe(`Content-Type: ${mediaType}; transfer-syntax=${jpegLs}`);
  });

  it('joins fragments without their headers', async () => {
    const parts = await readParts(await get(`${urlOf('fragmented')}/frames/1,2,3,4,5`, octets));
    expect(parts.map((part, at) => part.body.equals(jlsFrames[at]!))).toEqual([true, true, true, true, true]);
  });

  it('gives native frames as explicit little endian, whatever the instance is stored in', async () => {
    const asked = `multipart/related; type="application/octet-stream"; transfer-syntax=${explicit}`;
    const native = await readParts(await get(`${urlOf('native')}/frames/2,3`, asked));
    expect(native.map((part) => part.body)).toEqual([nativeFrames[1], nativeFrames[2]]);
    // The same picture, stored in three more ways.
    const expected = makeInstance({ ...place('implicit') }).subarray(-128);
    for (const name of ['implicit', 'bigEndian', 'deflated'] as const) {
      const parts = await readParts(await get(`${urlOf(name)}/frames/1`, asked));
      expect([name, parts[0]!.body.equals(expected)]).toEqual([name, true]);
      expect(parts[0]!.headers).toBe(`Content-Type: application/octet-stream; transfer-syntax=${explicit}`);
    }
  });

  it('begins each one-bit frame at a byte', async () => {
    const packed = made.bits.subarray(-6);
    const bit = (bytes: Uint8Array, at: number) => (bytes[at >> 3]! >> (at & 7)) & 1;
    const parts = await readParts(await get(`${urlOf('bits')}/frames/1,2,3,4`, octets));
    parts.forEach(({ body }, frame) => {
      expect(body).toHaveLength(2);
      expect(Array.from({ length: 9 }, (_, at) => bit(body, at))).toEqual(
        Array.from({ length: 9 }, (_, at) => bit(packed, frame * 9 + at)),
      );
    });
  });

  it('gives one frame as a single part, several only as many', async () => {
    const one = await get(`${urlOf('jls')}/frames/5`, 'application/octet-stream; transfer-syntax=*');
    expect(one.headers.get('content-type')).toBe(`application/octet-stream; transfer-syntax=${jpegLs}`);
    expect((await bytesOf(one)).equals(jlsFrames[4]!)).toBe(true);
    expect((await get(`${urlOf('jls')}/frames/1,2`, 'application/octet-stream; transfer-syntax=*')).status).toBe(406);
    const image = await get(`${urlOf('jls')}/frames/1?accept=image/jls`);
    expect(image.headers.get('content-type')).toBe(`image/jls; transfer-syntax=${jpegLs}`);
  });

  it.each([
    ['0', 400],
    ['abc', 400],
    ['1,', 400],
    ['-1', 400],
    ['6', 404],
    ['1,6', 404],
    ['99999999999999', 400],
  ])('answers frames/%s with %d', async (list, status) => {
    expect((await get(`${urlOf('jls')}/frames/${list}`, octets)).status).toBe(status);
  });

  it('answers 406 for what cannot be made, saying what can', async () => {
    const response = await get(
      `${urlOf('jls')}/frames/1`,
      `multipart/related; type="application/octet-stream"; transfer-syntax=${explicit}`,
    );
    expect(response.status).toBe(406);
    expect(await response.json()).toMatchObject({
      possible: expect.arrayContaining([`multipart/related; type="image/jls"; transfer-syntax=${jpegLs}`]),
    });
    for (const name of ['ecg', 'report'] as const)
      expect([404, 406]).toContain((await get(`${urlOf(name)}/frames/1`, octets)).status);
  });
});

describe('bulk data', () => {
  it('can be fetched wherever metadata names it', async () => {
    let found = 0;
    for (const name of ['bulky', 'ecg', 'native', 'deflatedEcg'] as const) {
      const [dataSet] = (await (await get(`${urlOf(name)}/metadata`)).json()) as [DicomJson];
      for (const uri of urisIn(dataSet)) {
        found += 1;
        const url = new URL(uri, suite.url);
        const single = await get(url.href, 'application/octet-stream');
        expect([uri, single.status]).toEqual([uri, 200]);
        const bytes = await bytesOf(single);
        expect(bytes.length).toBeGreaterThan(0);
        expect(made[name === 'deflatedEcg' ? 'ecg' : name].includes(bytes)).toBe(true);
        const parts = await readParts(await get(url.href, 'multipart/related; type="application/octet-stream"'));
        expect(parts.map((part) => part.body.equals(bytes))).toEqual([true]);
        const etag = single.headers.get('etag')!;
        expect((await get(url.href, 'application/octet-stream', { 'if-none-match': etag })).status).toBe(304);
      }
    }
    expect(found).toBeGreaterThanOrEqual(3);
  });

  it('gives compressed pixel data as its frames', async () => {
    const url = `${urlOf('jls')}/bulkdata/7FE00010`;
    const parts = await readParts(
      await get(url, 'multipart/related; type="application/octet-stream"; transfer-syntax=*'),
    );
    expect(parts.map((part, at) => part.body.equals(jlsFrames[at]!))).toEqual([true, true, true, true, true]);
    expect(parts[0]!.headers).toBe(`Content-Type: application/octet-stream; transfer-syntax=${jpegLs}`);
    expect((await get(url, 'application/octet-stream')).status).toBe(406);
  });

  it('answers 404 for an element that is not there and 400 for what is no path', async () => {
    expect((await get(`${urlOf('bulky')}/bulkdata/00420011`)).status).toBe(404);
    expect((await get(`${urlOf('bulky')}/bulkdata/00081140/0/00081150`)).status).toBe(404);
    for (const path of ['x', '0042001', '00420011/x/00420011', '00420011/0', '..%2f..']) {
      expect([path, (await get(`${urlOf('bulky')}/bulkdata/${path}`)).status]).toEqual([path, 400]);
    }
  });
});

describe('pictures', () => {
  const sizeOf = async (response: Response) => {
    const { format, width, height } = await sharp(await bytesOf(response)).metadata();
    return { format, width, height };
  };

  it('renders at every level, as JPEG unless PNG is asked for', async () => {
    const { studyInstanceUid, seriesInstanceUid } = place('rle');
    const study = `${suite.dicomweb}/studies/${studyInstanceUid}`;
    for (const url of [study, `${study}/series/${seriesInstanceUid}`, urlOf('rle'), `${urlOf('rle')}/frames/1`]) {
      const jpeg = await get(`${url}/rendered`);
      expect([url, jpeg.status, jpeg.headers.get('content-type')]).toEqual([url, 200, 'image/jpeg']);
      expect(await sizeOf(jpeg)).toEqual({ format: 'jpeg', width: 32, height: 64 });
      expect(await sizeOf(await get(`${url}/rendered`, 'image/png'))).toEqual({ format: 'png', width: 32, height: 64 });
      expect(await sizeOf(await get(`${url}/rendered?accept=image/png`, 'image/*,*/*;q=0.8'))).toMatchObject({
        format: 'png',
      });
      const thumbnail = await get(`${url}/thumbnail?viewport=16%2C16`);
      expect(thumbnail.headers.get('content-type')).toBe('image/jpeg');
      expect(await sizeOf(thumbnail)).toEqual({ format: 'jpeg', width: 8, height: 16 });
    }
  });

  it('renders every frame, and colour', async () => {
    const pictures = new Set<string>();
    for (const frame of [1, 2, 3]) {
      const response = await get(`${urlOf('colour')}/frames/${frame}/rendered`, 'image/png');
      const raw = await sharp(await bytesOf(response))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([raw.info.width, raw.info.height, raw.info.channels]).toEqual([40, 20, 3]);
      // Lossless both ways: the pixels are those of the instance.
      expect(made.colour.includes(raw.data)).toBe(true);
      pictures.add(raw.data.toString('base64'));
    }
    expect(pictures.size).toBe(3);
    expect((await get(`${urlOf('colour')}/frames/4/rendered`)).status).toBe(404);
    expect((await get(`${urlOf('colour')}/frames/0/rendered`)).status).toBe(400);
  });

  it('renders several frames as parts, in the order asked for', async () => {
    const frame = async (number: number) =>
      bytesOf(await get(`${urlOf('colour')}/frames/${number}/rendered`, 'image/png'));
    const response = await get(`${urlOf('colour')}/frames/3,1/rendered`, 'multipart/related; type="image/png"');
    const parts = await readParts(response);
    expect(parts.map((part) => part.headers)).toEqual(['Content-Type: image/png', 'Content-Type: image/png']);
    expect(parts.map((part) => part.body)).toEqual([await frame(3), await frame(1)]);
    expect((await readParts(await get(`${urlOf('colour')}/frames/1,2/rendered`))).length).toBe(2);
    expect(
      (await readParts(await get(`${urlOf('colour')}/rendered`, 'multipart/related; type="image/jpeg"'))).length,
    ).toBe(1);
    expect((await get(`${urlOf('colour')}/frames/1,2/rendered`, 'image/jpeg')).status).toBe(406);
    expect((await get(`${urlOf('colour')}/frames/1,4/rendered`)).status).toBe(404);
  });

  it('draws waveforms', async () => {
    const { width, height } = await sizeOf(await get(`${urlOf('ecg')}/rendered`));
    expect(width).toBeGreaterThan(200);
    expect(height).toBeGreaterThan(100);
    expect((await get(`${suite.dicomweb}/studies/${place('ecg').studyInstanceUid}/thumbnail`)).status).toBe(200);
    expect(
      (await bytesOf(await get(`${urlOf('deflatedEcg')}/rendered`))).equals(
        await bytesOf(await get(`${urlOf('ecg')}/rendered`)),
      ),
    ).toBe(true);
  });

  it('applies window, viewport and quality', async () => {
    const url = `${urlOf('rle')}/rendered`;
    const mean = async (query: string) =>
      (await sharp(await bytesOf(await get(`${url}?${query}`, 'image/png'))).stats()).channels[0]!.mean;
    expect(await mean('window=-1024,1,linear')).toBeGreaterThan(250);
    expect(await mean('window=30000,1,linear')).toBeLessThan(5);
    expect(await sizeOf(await get(`${url}?viewport=10,10,0,0,16,16`))).toMatchObject({ width: 10, height: 10 });
    const [low, high] = await Promise.all([get(`${url}?quality=5`), get(`${url}?quality=100`)]);
    expect((await bytesOf(low!)).length).toBeLessThan((await bytesOf(high!)).length);
    for (const query of [
      'window=1',
      'window=1,0,linear',
      'viewport=0,0',
      'viewport=100000,1',
      'quality=0',
      'quality=101',
    ]) {
      expect([query, (await get(`${url}?${query}`)).status]).toEqual([query, 400]);
    }
  });

  it('shows the same picture whatever it is stored as', async () => {
    const asked = ['implicit', 'bigEndian', 'deflated'].map((name) =>
      get(`${urlOf(name as Name)}/rendered`, 'image/png'),
    );
    const pictures = await Promise.all((await Promise.all(asked)).map(bytesOf));
    expect(pictures.map((picture) => picture.equals(pictures[0]!))).toEqual([true, true, true]);
  });

  it('has entity tags that tell renderings apart, and is asked for before it is used again', async () => {
    const url = `${urlOf('rle')}/rendered`;
    const first = await get(url);
    const etag = first.headers.get('etag')!;
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    expect((await get(url, undefined, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(`${url}?quality=50`, undefined, { 'if-none-match': etag })).status).toBe(200);
    expect((await get(url, 'image/png', { 'if-none-match': etag })).status).toBe(200);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('etag'), Number(head.headers.get('content-length')) > 100]).toEqual([
      200,
      etag,
      true,
    ]);
  });

  it('gives equal requests at one time the same picture', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => get(`${urlOf('colour')}/rendered?viewport=400,400`)),
    );
    const pictures = await Promise.all(answers.map(bytesOf));
    expect(new Set(pictures.map((picture) => picture.toString('base64'))).size).toBe(1);
  });

  it('says why there is no picture', async () => {
    const raw = { ...place('raw'), modality: 'MR', sopClassUid: '1.2.840.10008.5.1.4.1.1.66', frames: 0 };
    await store(suite.dicomweb, [makeInstance(raw)]);
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = raw;
    const study = `${suite.dicomweb}/studies/${studyInstanceUid}`;
    for (const url of [`${study}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`, urlOf('video')]) {
      const response = await get(`${url}/rendered`);
      expect([404, 406]).toContain(response.status);
      expect(((await response.json()) as { detail: string }).detail).toMatch(/image|video/);
    }
    expect((await get(`${study}/thumbnail`)).status).toBe(404);
    expect((await get(`${urlOf('rle')}/rendered`, 'image/tiff')).status).toBe(406);
  });

  it('passes over a series that cannot be shown', async () => {
    const study = testUid('mixed');
    await store(suite.dicomweb, [
      makeInstance({
        studyInstanceUid: study,
        modality: 'SR',
        seed: 60,
        attributes: { '00200011': { vr: 'IS', Value: [1] } },
      }),
      // Says JPEG-LS and is not: decoding fails.
      makeInstance({
        studyInstanceUid: study,
        modality: 'MR',
        seed: 60,
        transferSyntaxUid: jpegLs,
        frameBytes: [jlsFrames[0]!],
        attributes: { '00200011': { vr: 'IS', Value: [2] } },
      }),
      makeInstance({
        studyInstanceUid: study,
        modality: 'CT',
        seed: 60,
        rows: 24,
        columns: 12,
        attributes: { '00200011': { vr: 'IS', Value: [3] } },
      }),
    ]);
    expect(await sizeOf(await get(`${suite.dicomweb}/studies/${study}/rendered`))).toMatchObject({
      width: 12,
      height: 24,
    });
  });
});
