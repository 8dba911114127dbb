import { createHash } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readPart10 } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { seededRandom } from '../support/seeded-random.js';
import { blobsIn, bytesOf, digestOf, get, readParts, readZip, startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

const explicit = '1.2.840.10008.1.2.1';
const implicit = '1.2.840.10008.1.2';
const bigEndian = '1.2.840.10008.1.2.2';
const deflated = '1.2.840.10008.1.2.1.99';
const jpeg = '1.2.840.10008.1.2.4.50';
const jpegLs = '1.2.840.10008.1.2.4.80';
const rle = '1.2.840.10008.1.2.5';

let suite: Awaited<ReturnType<typeof startArchive>>;

const random = seededRandom(12);
const randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));

/** One study with instances in every kind of transfer syntax, one series. */
const study = { studyInstanceUid: testUid('mixed study'), seriesInstanceUid: testUid('mixed series') };
const mixed = [explicit, implicit, bigEndian, deflated, jpeg, rle].map((transferSyntaxUid, at) => {
  const instance = { ...study, instanceNumber: at + 1, sopInstanceUid: testUid(`mixed ${transferSyntaxUid}`) };
  return {
    transferSyntaxUid,
    sopInstanceUid: instance.sopInstanceUid,
    bytes: makeInstance({ ...instance, rows: 16, columns: 16, transferSyntaxUid }),
  };
});
/** Says it is JPEG-LS, and is nothing. */
const damaged = {
  studyInstanceUid: testUid('damaged codestream study'),
  seriesInstanceUid: testUid('damaged codestream series'),
  sopInstanceUid: testUid('damaged codestream'),
};
const damagedBytes = makeInstance({ ...damaged, transferSyntaxUid: jpegLs, frameBytes: [randomBytes(200)] });

beforeAll(async () => {
  suite = await startArchive();
  await store(suite.dicomweb, [...mixed.map(({ bytes }) => bytes), damagedBytes]);
});

afterAll(async () => {
  await suite?.stop();
});

const studyUrl = () => `${suite.dicomweb}/studies/${study.studyInstanceUid}`;
const urlOf = (uids: { studyInstanceUid: string; seriesInstanceUid: string; sopInstanceUid: string }) =>
  `${suite.dicomweb}/studies/${uids.studyInstanceUid}/series/${uids.seriesInstanceUid}/instances/${uids.sopInstanceUid}`;
const mixedUrl = (at: number) => urlOf({ ...study, sopInstanceUid: mixed[at]!.sopInstanceUid });
const syntaxIn = (contentType: string) => /transfer-syntax=([\d.]+)$/.exec(contentType)?.[1];

describe('the transfer syntax of an instance', () => {
  it.each(mixed.map((_, at) => at))('is the stored one, byte for byte, for who takes any (%d)', async (at) => {
    for (const form of [
      'application/dicom; transfer-syntax=*',
      `application/dicom; transfer-syntax=${mixed[at]!.transferSyntaxUid}`,
    ]) {
      const response = await get(mixedUrl(at), form);
      expect([response.status, syntaxIn(response.headers.get('content-type')!)]).toEqual([
        200,
        mixed[at]!.transferSyntaxUid,
      ]);
      expect((await bytesOf(response)).equals(mixed[at]!.bytes)).toBe(true);
    }
  });

  it('is Explicit VR Little Endian for who names none, but what was compressed with loss stays as it is', async () => {
    const accepts = ['application/dicom', 'application/dicom;q=0.9', 'multipart/related; type="application/dicom"'];
    for (const [at, { transferSyntaxUid, bytes }] of mixed.entries()) {
      for (const accept of accepts) {
        const response = await get(mixedUrl(at), accept);
        expect(response.status).toBe(200);
        const isSingle = !accept.startsWith('multipart');
        const [part] = isSingle
          ? [{ headers: response.headers.get('content-type')!, body: await bytesOf(response) }]
          : await readParts(response);
        const given = syntaxIn(part!.headers);
        expect([transferSyntaxUid, given]).toEqual([transferSyntaxUid, transferSyntaxUid === jpeg ? jpeg : explicit]);
        const parsed = readPart10(part!.body);
        expect([parsed.transferSyntaxUid, parsed.sopInstanceUid]).toEqual([given, mixed[at]!.sopInstanceUid]);
        if (transferSyntaxUid === explicit || transferSyntaxUid === jpeg) expect(part!.body.equals(bytes)).toBe(true);
      }
    }
  });

  it('is never implicit or big endian or deflated for who takes anything', async () => {
    for (const accept of [undefined, '*/*']) {
      const parts = await readParts(await get(studyUrl(), accept));
      expect(parts.map(({ headers }) => syntaxIn(headers))).toEqual([
        explicit,
        explicit,
        explicit,
        explicit,
        jpeg,
        rle,
      ]);
    }
  });

  it('is what was stored where that cannot be decoded, unless it was ruled out', async () => {
    const response = await get(urlOf(damaged), 'application/dicom');
    expect([response.status, syntaxIn(response.headers.get('content-type')!)]).toEqual([200, jpegLs]);
    expect((await bytesOf(response)).equals(damagedBytes)).toBe(true);
    const parts = await readParts(await get(urlOf(damaged), 'multipart/related; type="application/dicom"'));
    expect(parts.map(({ headers, body }) => [syntaxIn(headers), body.equals(damagedBytes)])).toEqual([[jpegLs, true]]);
    for (const accept of [
      `application/dicom; transfer-syntax=${explicit}`,
      `multipart/related; type="application/dicom"; transfer-syntax=${explicit}`,
    ]) {
      const refused = await get(urlOf(damaged), accept);
      expect([refused.status, refused.headers.get('content-type')]).toEqual([406, 'application/problem+json']);
    }
  });

  it('can be offered in any order and by query parameter, with commas between', async () => {
    const offers = `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.999;q=1, application/dicom; transfer-syntax=${rle};q=0.9, application/zip;q=0.1`;
    const response = await get(mixedUrl(5), offers);
    expect(response.headers.get('content-type')).toBe(`application/dicom; transfer-syntax=${rle}`);
    const typed = await get(`${mixedUrl(5)}?accept=application/dicom;transfer-syntax=${rle}`, 'text/html');
    expect(typed.headers.get('content-type')).toBe(`application/dicom; transfer-syntax=${rle}`);
  });

  it('that nothing can be given in is answered with 406 and what is possible', async () => {
    for (const url of [studyUrl(), mixedUrl(4)]) {
      const response = await get(
        url,
        'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.999',
      );
      expect(response.status).toBe(406);
      const { possible } = (await response.json()) as { possible: string[] };
      expect(possible).toContain(`multipart/related; type="application/dicom"; transfer-syntax=${jpeg}`);
      expect(possible.some((form) => form.startsWith('application/zip'))).toBe(true);
    }
  });
});

describe('a study of several transfer syntaxes', () => {
  it('is given as stored for who takes any, with its length', async () => {
    const response = await get(studyUrl(), 'multipart/related; type="application/dicom"; transfer-syntax=*');
    const length = Number(response.headers.get('content-length'));
    expect(response.status).toBe(200);
    const raw = await bytesOf(response.clone() as Response);
    expect(raw).toHaveLength(length);
    const parts = await readParts(response);
    expect(digestOf(parts.map(({ body }) => body))).toEqual(digestOf(mixed.map(({ bytes }) => bytes)));
    expect(parts.map(({ headers }) => syntaxIn(headers))).toEqual(
      mixed.map(({ transferSyntaxUid }) => transferSyntaxUid),
    );
  });

  it('is given in part, with 206 and a warning, where only some can be given', async () => {
    const accept = `multipart/related; type="application/dicom"; transfer-syntax=${jpeg}`;
    const response = await get(studyUrl(), accept);
    const warning = response.headers.get('warning')!;
    expect(response.status).toBe(206);
    expect(warning).toMatch(/^299 http:\/\/[^ ]+\/dicom-web: \d of 6 instances /);
    expect(warning).toMatch(/^[\x20-\x7e]+$/);
    const parts = await readParts(response);
    expect(parts.length).toBe(6 - Number(/: (\d) of/.exec(warning)![1]));
    expect(new Set(parts.map(({ headers }) => syntaxIn(headers)))).toEqual(new Set([jpeg]));
    expect(parts.some(({ body }) => body.equals(mixed[4]!.bytes))).toBe(true);
  });
});

describe('ranges', () => {
  const single = 'application/dicom; transfer-syntax=*';

  it.each([
    ['bytes=0-99', 0, 100],
    ['bytes=132-', 132, undefined],
    ['bytes=-40', -40, undefined],
    ['bytes=0-99999999', 0, undefined],
  ])('%s of an instance', async (range, from, to) => {
    const { bytes } = mixed[0]!;
    const response = await get(mixedUrl(0), single, { range });
    const expected = bytes.subarray(from, to);
    const start = from < 0 ? bytes.length + from : from;
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${start + expected.length - 1}/${bytes.length}`);
    expect(response.headers.get('content-length')).toBe(String(expected.length));
    expect((await bytesOf(response)).equals(expected)).toBe(true);
  });

  it('behind the end are answered with 416 and the length', async () => {
    const { length } = mixed[0]!.bytes;
    const response = await get(mixedUrl(0), single, { range: `bytes=${length}-` });
    expect([response.status, response.headers.get('content-range')]).toEqual([416, `bytes */${length}`]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('of several pieces, in other units, of HEAD, or of another version are answered with the whole', async () => {
    const whole = await get(mixedUrl(0), single);
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    const etag = whole.headers.get('etag')!;
    for (const headers of [
      { range: 'bytes=0-1,5-6' },
      { range: 'items=0-1' },
      { range: 'bytes=0-1', 'if-range': '"another"' },
      { range: 'bytes=0-1', 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT' },
    ]) {
      const response = await get(mixedUrl(0), single, headers);
      expect([headers, response.status]).toEqual([headers, 200]);
      expect((await bytesOf(response)).equals(mixed[0]!.bytes)).toBe(true);
    }
    const same = await get(mixedUrl(0), single, { range: 'bytes=0-1', 'if-range': etag });
    expect(same.status).toBe(206);
    const head = await fetch(mixedUrl(0), { method: 'HEAD', headers: { accept: single, range: 'bytes=0-1' } });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(mixed[0]!.bytes.length)]);
  });

  it('of a multipart answer put together are that answer', async () => {
    const any = 'multipart/related; type="application/dicom"; transfer-syntax=*';
    const whole = await get(studyUrl(), any);
    const bytes = await bytesOf(whole);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 1500) {
      const piece = await get(studyUrl(), any, {
        range: `bytes=${at}-${at + 1499}`,
        'if-range': whole.headers.get('etag')!,
      });
      expect([piece.status, piece.headers.get('content-type')]).toEqual([206, whole.headers.get('content-type')]);
      expect(piece.headers.get('content-range')).toMatch(new RegExp(`^bytes ${at}-\\d+/${bytes.length}$`));
      pieces.push(await bytesOf(piece));
    }
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  });

  it('are not made of what is converted on the way', async () => {
    const response = await get(mixedUrl(1), 'application/dicom', { range: 'bytes=0-1' });
    expect([response.status, response.headers.get('etag')!.slice(0, 2)]).toEqual([200, 'W/']);
    await response.arrayBuffer();
  });
});

describe('a zip file', () => {
  const unzip = (bytes: Buffer) =>
    Object.fromEntries([...readZip(bytes)].map(([name, content]) => [name, sha256(content)]));
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

  it('holds every instance as it was stored, under names without a patient', async () => {
    for (const url of [studyUrl(), `${studyUrl()}/series/${study.seriesInstanceUid}`]) {
      const response = await get(url, 'application/zip');
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip']);
      expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="[\d.]+\.zip"$/);
      const bytes = await bytesOf(response);
      expect(response.headers.get('content-length')).toBe(String(bytes.length));
      expect(unzip(bytes)).toEqual(
        Object.fromEntries(
          mixed.map((one) => [`${study.seriesInstanceUid}/${one.sopInstanceUid}.dcm`, sha256(one.bytes)]),
        ),
      );
    }
    const one = await get(`${mixedUrl(3)}?accept=application/zip`);
    expect(Object.values(unzip(await bytesOf(one)))).toEqual([sha256(mixed[3]!.bytes)]);
  });

  it('holds what is asked for in another transfer syntax', async () => {
    const response = await get(mixedUrl(1), `application/zip; transfer-syntax=${explicit}`);
    const [digest] = Object.values(unzip(await bytesOf(response)));
    const single = await bytesOf(await get(mixedUrl(1), `application/dicom; transfer-syntax=${explicit}`));
    expect(digest).toBe(sha256(single));
  });

  it('has an entity tag, and answers HEAD', async () => {
    const head = await fetch(studyUrl(), { method: 'HEAD', headers: { accept: 'application/zip' } });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/zip']);
    const again = await get(studyUrl(), 'application/zip', { 'if-none-match': head.headers.get('etag')! });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('breaks off when an instance cannot be read', async () => {
    const here = { seed: 53, studyInstanceUid: testUid('broken zip'), seriesInstanceUid: testUid('broken zip series') };
    await store(suite.dicomweb, [makeInstance({ ...here, instanceNumber: 1 })]);
    const before = new Set(await blobsIn(suite.dataDir));
    await store(suite.dicomweb, [makeInstance({ ...here, instanceNumber: 2 })]);
    const [added] = (await blobsIn(suite.dataDir)).filter((blob) => !before.has(blob));
    await truncate(added!, 200);
    const url = `${suite.dicomweb}/studies/${here.studyInstanceUid}`;
    const response = await get(url, 'application/zip');
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
    const second = testUid(`instance ${here.seriesInstanceUid} 2`);
    const alone = await get(`${url}/series/${here.seriesInstanceUid}/instances/${second}`, 'application/zip');
    expect([alone.status, alone.headers.get('content-type')]).toEqual([500, 'application/problem+json']);
  });
});

describe('entity tags', () => {
  it('are matched in lists, weakly, and by a star', async () => {
    const accept = 'application/dicom; transfer-syntax=*';
    const etag = (await get(mixedUrl(0), accept)).headers.get('etag')!;
    for (const field of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const response = await get(mixedUrl(0), accept, { 'if-none-match': field, range: 'bytes=0-1' });
      expect([field, response.status, await response.text()]).toEqual([field, 304, '']);
      expect(response.headers.get('etag')).toBe(etag);
    }
    expect((await get(mixedUrl(0), accept, { 'if-none-match': '"x"' })).status).toBe(200);
  });
});
