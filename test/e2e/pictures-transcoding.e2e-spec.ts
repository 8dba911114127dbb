import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import { readFrameRange, readPart10 } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { seededRandom } from '../support/seeded-random.js';
import { readParts, startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

const uid = (end: string) => `1.2.840.10008.1.2.${end}`;
const explicit = uid('1');
const implicit = '1.2.840.10008.1.2';
const bigEndian = uid('2');
const deflated = uid('1.99');
const baseline = uid('4.50');
const lossless = {
  'image/jpeg': uid('4.70'),
  'image/jls': uid('4.80'),
  'image/jp2': uid('4.90'),
  'image/jphc': uid('4.201'),
  'image/dicom-rle': uid('5'),
};

let suite: Awaited<ReturnType<typeof startArchive>>;
const random = seededRandom(12);
/** Noise over the 12 bits that are stored. */
const noise = (pixels: number) => {
  const bytes = Buffer.alloc(2 * pixels);
  for (let at = 0; at < pixels; at++) bytes.writeUInt16LE(Math.floor(random() * 4096), 2 * at);
  return bytes;
};
const frames = [noise(24 * 20), noise(24 * 20), noise(24 * 20)];
const rgb = Buffer.from(Array.from({ length: 16 * 16 * 3 }, () => Math.floor(random() * 256)));

const place = (name: string) => ({
  studyInstanceUid: testUid(`transcoding study ${name}`),
  seriesInstanceUid: testUid(`transcoding series ${name}`),
  sopInstanceUid: testUid(`transcoding instance ${name}`),
});
const size = { rows: 24, columns: 20, frames: 3 };
const private1 = { '00091010': { vr: 'OB', InlineBinary: Buffer.alloc(200_000, 5).toString('base64') } };
/** Bytes in words of the other order, an odd number of them: the last is behind the padding. */
function inBigWords(part10: Buffer, bytes: number): Buffer {
  const written = Buffer.from(part10);
  const head = written.lastIndexOf(Buffer.from('7fe000104f42', 'hex'));
  written.write('OW', head + 4, 'latin1');
  written.subarray(head + 12, head + 12 + bytes + 1).swap16();
  return written;
}
const odd = Buffer.from(Array.from({ length: 27 }, (_, at) => 9 * at));
const made = {
  native: makeInstance({ ...place('native'), ...size, frameBytes: frames, attributes: private1 }),
  implicit: makeInstance({ ...place('implicit'), ...size, frameBytes: frames, transferSyntaxUid: implicit }),
  bigEndian: makeInstance({
    ...place('bigEndian'),
    ...size,
    frameBytes: frames,
    transferSyntaxUid: bigEndian,
  }),
  oddBigEndian: inBigWords(
    makeInstance({
      ...place('oddBigEndian'),
      rows: 3,
      columns: 3,
      samplesPerPixel: 3,
      frameBytes: [odd],
      transferSyntaxUid: bigEndian,
    }),
    odd.length,
  ),
  deflated: makeInstance({ ...place('deflated'), ...size, frameBytes: frames, transferSyntaxUid: deflated }),
  rgb: makeInstance({
    ...place('rgb'),
    modality: 'US',
    samplesPerPixel: 3,
    rows: 16,
    columns: 16,
    frameBytes: [rgb],
  }),
  jpeg: makeInstance({
    ...place('jpeg'),
    modality: 'US',
    samplesPerPixel: 3,
    rows: 16,
    columns: 24,
    frames: 2,
    transferSyntaxUid: baseline,
  }),
  bits: makeInstance({ ...place('bits'), rows: 3, columns: 3, frames: 4, bitsAllocated: 1 }),
  dose: makeInstance({ ...place('dose'), modality: 'RTDOSE', bitsAllocated: 32, rows: 4, columns: 4 }),
  report: makeInstance({ ...place('report'), modality: 'SR' }),
  broken: makeInstance({
    ...place('broken'),
    frames: 2,
    transferSyntaxUid: lossless['image/jls'],
    frameBytes: [Buffer.alloc(100, 3), Buffer.alloc(100, 4)],
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

function urlOf(name: Name): string {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place(name);
  return `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
}
const get = (url: string, accept: string, method = 'GET') => fetch(url, { method, headers: { accept } });
const bytesOf = async (response: Response) => {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
};
const multipart = (mediaType: string, syntax?: string) =>
  `multipart/related; type="${mediaType}"${syntax === undefined ? '' : `; transfer-syntax=${syntax}`}`;
/** Native pixel data, whole. */
function pixelsOf(part10: Buffer): Buffer {
  const table = readPart10(part10).frames;
  if (table.kind !== 'native') throw new Error(`The frames are ${table.kind}`);
  return part10.subarray(table.pixelDataOffset, table.pixelDataOffset + table.pixelDataLength);
}

describe('frames in other transfer syntaxes', () => {
  it.each(Object.entries(lossless))('encodes and decodes %s without loss', async (mediaType, syntax) => {
    const url = urlOf('native');
    const response = await get(`${url}/frames/3,1`, multipart(mediaType));
    expect(response.headers.get('content-type')).toContain(`type="${mediaType}"`);
    const parts = await readParts(response);
    expect(parts.map((part) => part.headers)).toEqual(
      [1, 2].map(() => `Content-Type: ${mediaType}; transfer-syntax=${syntax}`),
    );
    // What was encoded, stored as an instance of its own, decodes to what it was.
    const name = `encoded ${mediaType}`;
    await store(suite.dicomweb, [
      makeInstance({
        ...place(name),
        ...size,
        frames: 2,
        transferSyntaxUid: syntax,
        frameBytes: parts.map((part) => part.body),
      }),
    ]);
    const again = await get(`${urlOf(name as Name)}/frames/1,2`, multipart('application/octet-stream'));
    const decoded = await readParts(again);
    expect(decoded[0]!.headers).toBe(`Content-Type: application/octet-stream; transfer-syntax=${explicit}`);
    expect(decoded.map((part) => part.body.equals(frames[2]!))).toEqual([true, false]);
    expect(decoded[1]!.body.equals(frames[0]!)).toBe(true);
    // A single part, and as stored unless something else is asked for.
    const single = await get(
      `${urlOf(name as Name)}/frames/1`,
      `application/octet-stream; transfer-syntax=${explicit}`,
    );
    expect(single.headers.get('content-type')).toBe(`application/octet-stream; transfer-syntax=${explicit}`);
    expect((await bytesOf(single)).equals(frames[2]!)).toBe(true);
    for (const accept of ['*/*', `${multipart('application/octet-stream')}; transfer-syntax=*`]) {
      const stored = await readParts(await get(`${urlOf(name as Name)}/frames/1`, accept));
      expect(stored[0]!.headers).toBe(`Content-Type: application/octet-stream; transfer-syntax=${syntax}`);
      // With the byte that makes a fragment even.
      expect(stored[0]!.body.subarray(0, parts[0]!.body.length).equals(parts[0]!.body)).toBe(true);
    }
  });

  it.each(['implicit', 'bigEndian', 'deflated'] as const)('gives and encodes frames of %s', async (name) => {
    const native = await readParts(await get(`${urlOf(name)}/frames/2`, multipart('application/octet-stream')));
    expect(native.map((part) => part.body.equals(frames[1]!))).toEqual([true]);
    const encoded = await readParts(await get(`${urlOf(name)}/frames/2`, multipart('image/jls')));
    const same = await readParts(await get(`${urlOf('native')}/frames/2`, multipart('image/jls')));
    expect(encoded[0]!.body.equals(same[0]!.body)).toBe(true);
  });

  it('finds the last byte of an odd number in big endian words', async () => {
    const [native] = await readParts(
      await get(`${urlOf('oddBigEndian')}/frames/1`, multipart('application/octet-stream')),
    );
    expect(native!.body.subarray(0, odd.length).equals(odd)).toBe(true);
    const picture = await bytesOf(await get(`${urlOf('oddBigEndian')}/rendered`, 'image/png'));
    expect((await sharp(picture).removeAlpha().raw().toBuffer()).equals(odd)).toBe(true);
  });

  it('makes JPEG Baseline only of bytes, and only for who names it', async () => {
    const frame = await get(`${urlOf('rgb')}/frames/1`, `image/jpeg; transfer-syntax=${baseline}`);
    expect(frame.headers.get('content-type')).toBe(`image/jpeg; transfer-syntax=${baseline}`);
    expect(await sharp(await bytesOf(frame)).metadata()).toMatchObject({ format: 'jpeg', width: 16, height: 16 });
    const unnamed = await get(`${urlOf('rgb')}/frames/1`, 'image/jpeg');
    expect(unnamed.headers.get('content-type')).toBe(`image/jpeg; transfer-syntax=${lossless['image/jpeg']}`);
    await unnamed.arrayBuffer();
    const words = await get(`${urlOf('native')}/frames/1`, `image/jpeg; transfer-syntax=${baseline}`);
    expect(words.status).toBe(406);
  });

  it('answers 406 with what is possible', async () => {
    const possible = async (name: Name, accept: string) => {
      const response = await get(`${urlOf(name)}/frames/1`, accept);
      expect(response.status).toBe(406);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      return ((await response.json()) as { possible: string[] }).possible;
    };
    const ct = await possible('native', multipart('image/jxl'));
    for (const [mediaType, syntax] of Object.entries(lossless)) expect(ct).toContain(multipart(mediaType, syntax));
    expect(ct).not.toContain(multipart('image/jpeg', baseline));
    // 32 bits fit into RLE and nothing else.
    const dose = await possible('dose', multipart('image/jls'));
    expect(dose.filter((form) => form.startsWith('multipart/'))).toEqual([
      multipart('application/octet-stream', explicit),
      multipart('image/dicom-rle', lossless['image/dicom-rle']),
    ]);
    const broken = await get(`${urlOf('broken')}/frames/1`, `application/octet-stream; transfer-syntax=${explicit}`);
    expect([broken.status, ((await broken.json()) as { detail: string }).detail]).toEqual([
      406,
      expect.stringContaining('cannot be given in the one asked for'),
    ]);
    // Who names no transfer syntax takes it as it is stored.
    const unnamed = await readParts(await get(`${urlOf('broken')}/frames/1`, multipart('application/octet-stream')));
    expect(unnamed[0]!.headers).toContain(lossless['image/jls']);
  });

  it('answers HEAD and If-None-Match without making anything', async () => {
    const accept = 'image/jls';
    const first = await get(`${urlOf('native')}/frames/1`, accept);
    const etag = first.headers.get('etag')!;
    await first.arrayBuffer();
    const head = await get(`${urlOf('native')}/frames/1`, accept, 'HEAD');
    expect([head.status, head.headers.get('etag')]).toEqual([200, etag]);
    const again = await fetch(`${urlOf('native')}/frames/1`, { headers: { accept, 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });

  it('gives ranges of stored frames', async () => {
    const url = `${urlOf('native')}/frames/2`;
    const ranged = (accept: string, range: string) => fetch(url, { headers: { accept, range } });
    const single = await ranged('application/octet-stream', 'bytes=10-19');
    expect([single.status, single.headers.get('content-range')]).toEqual([206, `bytes 10-19/${24 * 20 * 2}`]);
    expect(Buffer.from(await single.arrayBuffer()).equals(frames[1]!.subarray(10, 20))).toBe(true);
    const accept = multipart('application/octet-stream');
    const whole = await bytesOf(await get(url, accept));
    const parts = await Promise.all(
      ['bytes=0-299', 'bytes=300-'].map(async (range) =>
        Buffer.from(await (await ranged(accept, range)).arrayBuffer()),
      ),
    );
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    expect((await ranged(accept, `bytes=${whole.length}-`)).status).toBe(416);
  });
});

describe('instances in other transfer syntaxes', () => {
  it.each(['implicit', 'bigEndian', 'deflated'] as const)('gives %s as explicit little endian', async (name) => {
    const bytes = await bytesOf(await get(urlOf(name), `application/dicom; transfer-syntax=${explicit}`));
    const read = readPart10(bytes);
    expect(read.transferSyntaxUid).toBe(explicit);
    expect(pixelsOf(bytes).equals(Buffer.concat(frames))).toBe(true);
    expect(read.dataset).toEqual({ ...readPart10(made[name]).dataset, '7FE00010': read.dataset['7FE00010'] });
  });

  it.each(Object.values(lossless))('encodes in %s, and decodes to what was stored', async (syntax) => {
    for (const name of ['native', 'rgb'] as const) {
      const encoded = await bytesOf(await get(urlOf(name), `application/dicom; transfer-syntax=${syntax}`));
      const read = readPart10(encoded);
      expect(read.transferSyntaxUid).toBe(syntax);
      const { '7FE00010': _pixels, '00280004': photometric, ...same } = read.dataset;
      const stored = readPart10(made[name]).dataset;
      expect({ ...same, '00280004': stored['00280004'], '7FE00010': stored['7FE00010'] }).toEqual(stored);
      const isTransformed = name === 'rgb' && [lossless['image/jp2'], lossless['image/jphc']].includes(syntax);
      expect(photometric?.Value).toEqual(isTransformed ? ['YBR_RCT'] : stored['00280004']!.Value);

      copies += 1;
      const copy = copyOf(encoded, name, copies);
      await store(suite.dicomweb, [copy.bytes]);
      const back = await bytesOf(await get(copy.url, `application/dicom; transfer-syntax=${explicit}`));
      expect(pixelsOf(back).equals(pixelsOf(made[name]))).toBe(true);
      expect(readPart10(back).dataset['00280004']).toEqual(stored['00280004']);
    }
  });

  it('decodes lossy JPEG to RGB, and says that it was lossy', async () => {
    const bytes = await bytesOf(await get(urlOf('jpeg'), `application/dicom; transfer-syntax=${explicit}`));
    const { dataset, frames: table } = readPart10(bytes);
    expect(table).toMatchObject({ kind: 'native', numberOfFrames: 2, pixelDataLength: 16 * 24 * 3 * 2 });
    expect([dataset['00280004'], dataset['00280006'], dataset['00282110']]).toEqual([
      { vr: 'CS', Value: ['RGB'] },
      { vr: 'US', Value: [0] },
      { vr: 'CS', Value: ['01'] },
    ]);
    const stored = readPart10(made.jpeg).frames;
    if (stored.kind !== 'encapsulated') throw new Error('not encapsulated');
    const { offset, length } = readFrameRange(stored.entries, 1);
    const expected = await sharp(made.jpeg.subarray(offset, offset + length))
      .raw()
      .toBuffer();
    expect(
      pixelsOf(bytes)
        .subarray(16 * 24 * 3)
        .equals(expected),
    ).toBe(true);
  });

  it('refuses what cannot be, whole', async () => {
    const dose = await get(urlOf('dose'), `application/dicom; transfer-syntax=${lossless['image/jls']}`);
    expect(dose.status).toBe(406);
    const broken = await get(urlOf('broken'), `application/dicom; transfer-syntax=${explicit}`);
    expect(broken.status).toBe(406);
    const report = await get(urlOf('report'), `application/dicom; transfer-syntax=${lossless['image/jls']}`);
    expect(report.status).toBe(406);
  });
});

let copies = 0;

/** The object under other UIDs. */
function copyOf(bytes: Buffer, name: Name, number: number): { bytes: Buffer; url: string } {
  const changed = Buffer.from(bytes);
  let url = urlOf(name);
  for (const from of Object.values(place(name))) {
    const to = from.slice(0, -3) + String(100 + number);
    for (let at = changed.indexOf(from); at !== -1; at = changed.indexOf(from, at + 1)) changed.write(to, at, 'latin1');
    url = url.replace(from, to);
  }
  return { bytes: changed, url };
}

it('shows every frame of single bits, also those that begin within a byte', async () => {
  const bits = pixelsOf(made.bits);
  for (let frame = 0; frame < 4; frame++) {
    const png = await bytesOf(await get(`${urlOf('bits')}/frames/${frame + 1}/rendered`, 'image/png'));
    const { data, info } = await sharp(png).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([3, 3, 1]);
    const wanted = Array.from(
      { length: 9 },
      (_, pixel) => (bits[(9 * frame + pixel) >> 3]! >> ((9 * frame + pixel) & 7)) & 1,
    );
    expect([...data].map((grey) => (grey > 127 ? 1 : 0))).toEqual(wanted);
  }
});
