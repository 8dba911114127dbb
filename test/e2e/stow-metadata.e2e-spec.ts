import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  type DicomJson,
  jsonItems,
  jsonNumber,
  jsonText,
  type ParsedInstance,
  readFrameRange,
  readPart10,
  stringifyDicomJson,
  toNativeDicomXml,
} from '#libs/dicom';
import { describeInstance, type InstanceDescription, makeInstance } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { readParts, startArchive, store } from './wado-support.js';

jest.setTimeout(600_000);

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const jpegBaseline = '1.2.840.10008.1.2.4.50';
const pixelData = '7FE00010';

let suite: Awaited<ReturnType<typeof startArchive>>;
let seed = 5000;

beforeAll(async () => {
  suite = await startArchive();
});
afterAll(async () => {
  await suite?.stop();
});

interface Part {
  contentType: string | undefined;
  location?: string;
  id?: string;
  body: Uint8Array | string;
}

interface Answer {
  status: number;
  text: string;
  stored: DicomJson[];
  failed: DicomJson[];
  others: DicomJson[];
}

async function post(body: Uint8Array, contentType: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${suite.dicomweb}/studies`, {
    method: 'POST',
    headers: { 'content-type': contentType, accept: 'application/dicom+json', ...headers },
    body: new Uint8Array(body),
  });
  const text = await response.text();
  const isDataset = response.headers.get('content-type') === 'application/dicom+json';
  const dataset = isDataset ? (JSON.parse(text) as DicomJson) : {};
  return {
    status: response.status,
    text,
    stored: jsonItems(dataset, '00081199'),
    failed: jsonItems(dataset, '00081198'),
    others: jsonItems(dataset, '0008119A'),
  };
}

function partsBody(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ contentType, location, id, body }) => [
    Buffer.from(
      `\r\n--edge\r\n${contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`}${location === undefined ? '' : `Content-Location: ${location}\r\n`}${id === undefined ? '' : `Content-ID: ${id}\r\n`}\r\n`,
    ),
    Buffer.from(body as string),
  ]);
  return Buffer.concat([...pieces, Buffer.from('\r\n--edge--')]);
}

const send = (parts: readonly Part[], type = 'application/dicom+json') =>
  post(partsBody(parts), `multipart/related; type="${type}"; boundary=edge`);

const json = (...datasets: DicomJson[]): Part => ({
  contentType: 'application/dicom+json',
  body: `[${datasets.map(stringifyDicomJson).join(', ')}]`,
});
const octets = (location: string, body: Uint8Array): Part => ({
  contentType: 'application/octet-stream',
  location,
  body,
});

/** An instance in parts: its metadata without pixel data, and the bytes of its frames. */
function take(description: InstanceDescription): { dataset: DicomJson; frames: Buffer[]; parsed: ParsedInstance } {
  const object = makeInstance({ seed: (seed += 1), ...description });
  const parsed = readPart10(object, { inlineBytesMax: 1_000_000 });
  const dataset = { ...parsed.dataset };
  const { frames } = parsed;
  if (frames.kind === 'none') return { dataset, frames: [], parsed };
  if (frames.kind === 'native') {
    const { pixelDataOffset, pixelDataLength } = frames;
    return { dataset, frames: [object.subarray(pixelDataOffset, pixelDataOffset + pixelDataLength)], parsed };
  }
  if (frames.kind !== 'encapsulated') throw new Error(frames.kind);
  const ranges = Array.from({ length: frames.numberOfFrames }, (_, index) => readFrameRange(frames.entries, index));
  return { dataset, frames: ranges.map(({ offset, length }) => object.subarray(offset, offset + length)), parsed };
}

const withPixels = (dataset: DicomJson, uri: string): DicomJson => ({
  ...dataset,
  [pixelData]: { vr: 'OW', BulkDataURI: uri },
});

async function retrieve(item: DicomJson): Promise<{ object: Buffer; parsed: ParsedInstance }> {
  const url = jsonText(item, '00081190')!;
  const response = await fetch(url, { headers: { accept: 'application/dicom; transfer-syntax=*' } });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  const object = Buffer.from(await response.arrayBuffer());
  return { object, parsed: readPart10(object, { inlineBytesMax: 1_000_000 }) };
}

async function retrieveFrames(item: DicomJson, list: string): Promise<Buffer[]> {
  const response = await fetch(`${jsonText(item, '00081190')}/frames/${list}`, {
    headers: { accept: 'multipart/related; type="application/octet-stream"; transfer-syntax=*' },
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await readParts(response)).map((part) => part.body);
}

const withoutPixels = (dataset: DicomJson): DicomJson =>
  Object.fromEntries(Object.entries(dataset).filter(([tag]) => tag !== pixelData));
const reasonOf = (item: DicomJson) => [jsonNumber(item, '00081197'), jsonText(item, '00091001')];

describe('metadata in JSON with bulk data', () => {
  it.each([
    ['relative', 'bulk/1', 'bulk/1'],
    ['absolute', 'http://example.org/a%20b', 'http://example.org/a%20b'],
    ['relative to the service, and absolute', 'x/../bulk/2', undefined],
  ])('is bound by Content-Location: %s', async (_how, uri, location) => {
    const { dataset, frames, parsed } = take({ rows: 40, columns: 30 });
    const answer = await send([
      json(withPixels(dataset, uri)),
      octets(location ?? `${suite.dicomweb}/studies/bulk/2`, frames[0]!),
    ]);
    expect([answer.status, answer.text.includes('00081198')]).toEqual([200, false]);
    const { object, parsed: found } = await retrieve(answer.stored[0]!);
    expect(found.transferSyntaxUid).toBe(explicitLittleEndian);
    expect(withoutPixels(found.dataset)).toEqual(withoutPixels(parsed.dataset));
    expect(object.subarray(-frames[0]!.length).equals(frames[0]!)).toBe(true);
    expect((await retrieveFrames(answer.stored[0]!, '1'))[0]!.equals(frames[0]!)).toBe(true);
  });

  it('is bound by Content-ID', async () => {
    const { dataset, frames } = take({});
    const answer = await send([
      json(withPixels(dataset, 'cid:pixels%20of@example.org')),
      { contentType: 'application/octet-stream', id: '<pixels of@example.org>', body: frames[0]! },
    ]);
    expect(answer.status).toBe(200);
    expect((await retrieveFrames(answer.stored[0]!, '1'))[0]!.equals(frames[0]!)).toBe(true);
  });

  it('stores many instances, whatever the order of their bulk data, and the nested one', async () => {
    const taken = [take({ rows: 10 }), take({ rows: 11 }), take({ rows: 12 })];
    const ecg = describeInstance({ modality: 'ECG', seed: (seed += 1) });
    const [group] = jsonItems(ecg, '54000100');
    const samples = Buffer.from(group!['54001010']!.InlineBinary!, 'base64');
    group!['54001010'] = { vr: 'OW', BulkDataURI: 'samples' };
    const answer = await send([
      octets('p2', taken[2]!.frames[0]!),
      json(...taken.map(({ dataset }, index) => withPixels(dataset, `p${index}`)), ecg),
      octets('samples', samples),
      octets('p0', taken[0]!.frames[0]!),
      octets('p1', taken[1]!.frames[0]!),
    ]);
    expect([answer.status, answer.stored.length]).toEqual([200, 4]);
    for (const [index, { frames }] of taken.entries()) {
      expect((await retrieveFrames(answer.stored[index]!, '1'))[0]!.equals(frames[0]!)).toBe(true);
    }
    const { parsed } = await retrieve(answer.stored[3]!);
    const [found] = jsonItems(parsed.dataset, '54000100');
    expect(found!['54001010']?.InlineBinary).toBe(samples.toString('base64'));
  });

  it.each([
    ['a part a frame', (uri: string) => [uri, uri, uri]],
    ['addresses of frames', (uri: string) => [`${uri}/frames/1`, `${uri}/frames/2`, `${uri}/frames/3`]],
  ])('makes compressed frames fragments: %s', async (_how, locationsOf) => {
    const { dataset, frames } = take({
      transferSyntaxUid: jpegBaseline,
      frames: 3,
      modality: 'US',
      samplesPerPixel: 3,
    });
    const parts = locationsOf('pixels').map((location, index) => ({
      contentType: `image/jpeg; transfer-syntax=${jpegBaseline}`,
      location,
      body: frames[index]!,
    }));
    const answer = await send([json(withPixels(dataset, 'pixels')), ...parts]);
    expect(answer.status).toBe(200);
    const { parsed } = await retrieve(answer.stored[0]!);
    expect([parsed.transferSyntaxUid, parsed.frames.kind]).toEqual([jpegBaseline, 'encapsulated']);
    expect((await retrieveFrames(answer.stored[0]!, '3,1')).map((frame) => frame.equals(frames[2]!))).toEqual([
      true,
      false,
    ]);
    const rendered = await fetch(`${jsonText(answer.stored[0]!, '00081190')}/frames/2/rendered`);
    expect(rendered.status).toBe(200);
  });

  it('finds the frames in a part that has them all', async () => {
    const { dataset, frames } = take({
      transferSyntaxUid: jpegBaseline,
      frames: 4,
      modality: 'US',
      samplesPerPixel: 3,
    });
    const whole = { contentType: 'image/jpeg', location: 'pixels', body: Buffer.concat(frames) };
    const answer = await send([json(withPixels(dataset, 'pixels')), whole]);
    expect(answer.status).toBe(200);
    const found = await retrieveFrames(answer.stored[0]!, '1,2,3,4');
    expect(found.map((frame, index) => frame.equals(frames[index]!))).toEqual([true, true, true, true]);
  });

  it('knows the syntax of a JPEG that does not say', async () => {
    const { dataset, frames } = take({ transferSyntaxUid: jpegBaseline, modality: 'CR', bitsAllocated: 8 });
    const answer = await send([
      json(withPixels(dataset, 'pixels')),
      { contentType: 'image/jpeg', location: 'pixels', body: frames[0]! },
    ]);
    expect(answer.status).toBe(200);
    expect((await retrieve(answer.stored[0]!)).parsed.transferSyntaxUid).toBe(jpegBaseline);
  });

  it('takes what this archive gives: its metadata and its bulk data, sent back under another UID', async () => {
    const object = makeInstance({ seed: (seed += 1), rows: 64, columns: 64 });
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = readPart10(object);
    await store(suite.dicomweb, [object]);
    const url = `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
    const [dataset] = (await (await fetch(`${url}/metadata`)).json()) as DicomJson[];
    const uri = new URL(dataset![pixelData]!.BulkDataURI!, suite.url).href;
    const response = await fetch(uri, { headers: { accept: 'application/octet-stream' } });
    const bytes = Buffer.from(await response.arrayBuffer());
    const copy = { ...dataset!, '00080018': { vr: 'UI', Value: [`${sopInstanceUid.slice(0, 60)}.1`] } };
    const answer = await send([json(copy), octets(uri, bytes)]);
    expect(answer.status).toBe(200);
    const { object: stored } = await retrieve(answer.stored[0]!);
    expect(stored.subarray(-8192).equals(object.subarray(-8192))).toBe(true);
  });

  it('fails the instance whose bulk data is missing, says so of bulk data nobody wants, and stores the others', async () => {
    const [good, bad] = [take({}), take({})];
    const answer = await send([
      json(withPixels(bad.dataset, 'nowhere'), withPixels(good.dataset, 'here'), { '00080016': { vr: 'UI' } }),
      octets('here', good.frames[0]!),
      octets('elsewhere', Buffer.from('??')),
    ]);
    expect([answer.status, answer.stored.length]).toEqual([202, 1]);
    expect(jsonText(answer.stored[0]!, '00081155')).toBe(good.parsed.sopInstanceUid);
    expect(answer.failed.map((item) => jsonText(item, '00081155'))).toEqual([bad.parsed.sopInstanceUid]);
    expect(answer.failed.map(reasonOf)).toEqual([
      [0xc000, 'Part 1, dataset 1: No part of the request is the bulk data "nowhere" [tag (7FE0,0010)]'],
    ]);
    expect(answer.others.map(reasonOf)).toEqual([
      [0xa900, 'Part 1, dataset 3: The dataset has no SOP Class UID [tag (0008,0016)]'],
      [0xc000, 'Part 3: It is bulk data at "elsewhere", which no instance of the request refers to'],
    ]);
  });

  it('answers 200 to the same again', async () => {
    const { dataset, frames } = take({});
    const parts = [json(withPixels(dataset, 'p')), octets('p', frames[0]!)];
    expect((await send(parts)).status).toBe(200);
    expect((await send(parts)).status).toBe(200);
    expect((await send([parts[0]!, octets('p', Buffer.alloc(frames[0]!.length, 7))])).status).toBe(409);
  });

  it.each([
    ['no JSON', 'metadata?'],
    ['a JSON that is cut off', '[{"00080018": {"vr": "UI"'],
    ['JSON and more', '[{}] x'],
    ['a list of texts', '["a"]'],
  ])('is refused with 400: %s', async (_what, body) => {
    const answer = await send([{ contentType: 'application/dicom+json', body }]);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('metadata');
  });

  it('is refused with 400 without metadata', async () => {
    expect((await send([octets('a', Buffer.from('x'))])).status).toBe(400);
  });

  it('is refused with 413 when it is more than is read', async () => {
    const answer = await send([{ contentType: 'application/dicom+json', body: Buffer.alloc(65 * 1024 ** 2, 0x20) }]);
    expect(answer.status).toBe(413);
  });
});

describe('metadata in XML', () => {
  it('stores an instance a part, with bulk data', async () => {
    const taken = [take({ patientName: 'Müller^Jörg=山田' }), take({ rows: 16 })];
    const answer = await send(
      [
        ...taken.map(({ dataset }, index) => ({
          contentType: 'application/dicom+xml; charset=utf-8',
          body: toNativeDicomXml(withPixels(dataset, `p${index}`)),
        })),
        ...taken.map(({ frames }, index) => octets(`p${index}`, frames[0]!)),
      ],
      'application/dicom+xml',
    );
    expect([answer.status, answer.stored.length]).toEqual([200, 2]);
    const { parsed } = await retrieve(answer.stored[0]!);
    expect(withoutPixels(parsed.dataset)).toEqual(withoutPixels(taken[0]!.parsed.dataset));
  });

  it('fails the part that is none, and stores the others', async () => {
    const { dataset } = take({ frames: 0 });
    const laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><NativeDicomModel>&b;</NativeDicomModel>';
    const answer = await send(
      [
        { contentType: 'application/dicom+xml', body: laughs },
        { contentType: 'application/dicom+xml', body: toNativeDicomXml(dataset) },
      ],
      'application/dicom+xml',
    );
    expect([answer.status, answer.stored.length, answer.others.length]).toEqual([202, 1, 1]);
    expect(reasonOf(answer.others[0]!)[1]).toMatch(/^Part 1: The XML is no dataset .* \[line 1, column \d+\]$/);
  });

  it('stores one without bulk data that is the whole body', async () => {
    const { dataset, parsed } = take({ modality: 'SR' });
    const answer = await post(Buffer.from(toNativeDicomXml(dataset)), 'application/dicom+xml');
    expect(answer.status).toBe(200);
    expect((await retrieve(answer.stored[0]!)).parsed.dataset).toEqual(parsed.dataset);
  });
});

describe('metadata in JSON alone', () => {
  it.each([
    ['one dataset', (text: string) => text],
    ['a list of them', (text: string) => `[${text}]`],
  ])('is stored: %s', async (_what, wrap) => {
    const { dataset, parsed } = take({ modality: 'SR' });
    const answer = await post(Buffer.from(wrap(stringifyDicomJson(dataset))), 'application/dicom+json');
    expect(answer.status).toBe(200);
    expect((await retrieve(answer.stored[0]!)).parsed.dataset).toEqual(parsed.dataset);
  });

  it('is refused instance by instance', async () => {
    const { dataset } = take({ modality: 'SR' });
    const answer = await post(
      Buffer.from(`[5, ${stringifyDicomJson(withPixels(dataset, 'x'))}]`),
      'application/dicom+json',
    );
    expect([answer.status, answer.failed.length, answer.others.length]).toEqual([409, 1, 1]);
    expect((await post(Buffer.from('{"a'), 'application/dicom+json')).status).toBe(400);
    expect((await post(Buffer.from('[]'), 'application/dicom+json')).status).toBe(400);
  });
});

describe('a body in a Content-Encoding', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('is stored as it was before: %s', async (encoding, encode) => {
    const object = makeInstance({ seed: (seed += 1), rows: 300, columns: 300 });
    const { contentType, body } = multipartBody([object]);
    const answer = await post(encode(body), contentType, { 'content-encoding': encoding });
    expect(answer.status).toBe(200);
    expect((await retrieve(answer.stored[0]!)).object.equals(object)).toBe(true);
    const { dataset } = take({ modality: 'SR' });
    const text = Buffer.from(stringifyDicomJson(dataset));
    const second = await post(encode(text), 'application/dicom+json', { 'content-encoding': encoding });
    expect(second.status).toBe(200);
  });

  it('is refused with 415 when nobody knows it, and with 400 when it is not what it says', async () => {
    const { contentType, body } = multipartBody([makeInstance({ seed: (seed += 1) })]);
    expect((await post(body, contentType, { 'content-encoding': 'compress' })).status).toBe(415);
    const damaged = await post(body, contentType, { 'content-encoding': 'gzip' });
    expect([damaged.status, damaged.text.includes('Content-Encoding')]).toEqual([400, true]);
    const cut = await post(gzipSync(body).subarray(0, -30), contentType, { 'content-encoding': 'gzip' });
    expect(cut.status).toBe(400);
    expect((await post(body, contentType, { 'content-encoding': 'identity' })).status).toBe(200);
  });
});

describe('an instance that proves bad', () => {
  it('is named by what was read of it', async () => {
    const object = makeInstance({ seed: (seed += 1), rows: 64, columns: 64 });
    const { sopClassUid, sopInstanceUid } = readPart10(object);
    const named = (item: DicomJson) => [
      jsonText(item, '00081150'),
      jsonText(item, '00081155'),
      jsonNumber(item, '00081197'),
    ];
    const cut = multipartBody([object.subarray(0, -500), object.subarray(0, 400)]);
    const answer = await post(cut.body, cut.contentType);
    expect([answer.status, answer.others.length]).toEqual([409, 0]);
    expect(answer.failed.map(named)).toEqual([
      [sopClassUid, sopInstanceUid, 0xc000],
      [sopClassUid, sopInstanceUid, 0xc000],
    ]);
    const foreign = Buffer.from(
      object.toString('latin1').replace('1.2.840.10008.1.2.1\0', '1.2.840.10008.1.2.9\0'),
      'latin1',
    );
    const unknown = await post(foreign, 'application/dicom; transfer-syntax=1.2.840.10008.1.2.9');
    expect(unknown.failed.map(named)).toEqual([[sopClassUid, sopInstanceUid, 0xc122]]);
  });

  it('is told to come by itself when it is in a multipart of its own', async () => {
    const object = makeInstance({ seed: (seed += 1) });
    const inner = Buffer.concat([Buffer.from('--in\r\n\r\n'), object, Buffer.from('\r\n--in--')]);
    const body = partsBody([
      { contentType: 'multipart/related; boundary=in', body: inner },
      { contentType: 'application/dicom', body: object },
    ]);
    const answer = await post(body, 'multipart/related; type="application/dicom"; boundary=edge');
    expect([answer.status, answer.stored.length]).toEqual([202, 1]);
    expect(reasonOf(answer.others[0]!)).toEqual([
      0xc000,
      expect.stringContaining('Part 1: It is a multipart of its own'),
    ]);
  });
});
