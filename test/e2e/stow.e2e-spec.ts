import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { api } from 'dicomweb-client';
import XMLHttpRequest from 'xhr2';
import { DicomError, type DicomJson, jsonItems, jsonNumber, jsonText, readPart10 } from '#libs/dicom';
import { type InstanceDescription, makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { waitFor } from '../support/start-suite.js';
import { startArchive } from './wado-support.js';

jest.setTimeout(600_000);
(globalThis as Record<string, unknown>)['XMLHttpRequest'] ??= XMLHttpRequest;

let suite: Awaited<ReturnType<typeof startArchive>>;
let seed = 1000;

beforeAll(async () => {
  suite = await startArchive();
});
afterAll(async () => {
  await suite?.stop();
});

const make = (description: InstanceDescription = {}) => makeInstance({ seed: (seed += 1), ...description });

interface Answer {
  status: number;
  contentType: string | null;
  text: string;
  dataset: DicomJson;
}

async function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream,
  contentType: string | undefined,
  { to = '/studies', headers = {} }: { to?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(`${suite.dicomweb}${to}`, {
    method: 'POST',
    headers: {
      ...(contentType !== undefined && { 'content-type': contentType }),
      accept: 'application/dicom+json',
      ...headers,
    },
    body,
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  } as RequestInit);
  const text = await response.text();
  const type = response.headers.get('content-type');
  return {
    status: response.status,
    contentType: type,
    text,
    dataset: type === 'application/dicom+json' ? (JSON.parse(text) as DicomJson) : {},
  };
}

function send(objects: readonly Uint8Array[], options: Parameters<typeof post>[2] = {}): Promise<Answer> {
  const { contentType, body } = multipartBody(objects);
  return post(new Uint8Array(body), contentType, options);
}

const stored = ({ dataset }: Answer) => jsonItems(dataset, '00081199');
const failed = ({ dataset }: Answer) => jsonItems(dataset, '00081198');
const otherFailures = ({ dataset }: Answer) => jsonItems(dataset, '0008119A');

/** The Part 10 object as it was stored. */
async function retrieve(url: string): Promise<Buffer> {
  const response = await fetch(url, { headers: { accept: 'application/dicom; transfer-syntax=*' } });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}

async function studyCounts(studyInstanceUid: string): Promise<number[] | undefined> {
  const response = await fetch(
    `${suite.dicomweb}/studies?StudyInstanceUID=${studyInstanceUid}&includefield=00201206&includefield=00201208`,
  );
  if (response.status === 204) return undefined;
  const [study] = (await response.json()) as DicomJson[];
  return study && [jsonNumber(study, '00201206')!, jsonNumber(study, '00201208')!];
}

describe('STOW-RS', () => {
  it('stores what dcmjs sends, and says where it is', async () => {
    const object = make();
    const body = Buffer.concat([
      Buffer.from('\r\n--guid-1\r\nContent-Type: application/dicom\r\n\r\n'),
      object,
      Buffer.from('\r\n--guid-1--'),
    ]);
    const answer = await post(new Uint8Array(body), 'multipart/related; type="application/dicom"; boundary="guid-1"');
    expect([answer.status, answer.contentType]).toEqual([200, 'application/dicom+json']);
    expect(Object.keys(answer.dataset)).toEqual(['00081190', '00081199']);
    const [item] = stored(answer);
    const { studyInstanceUid, sopClassUid, sopInstanceUid } = readPart10(object);
    expect([jsonText(item!, '00081150'), jsonText(item!, '00081155')]).toEqual([sopClassUid, sopInstanceUid]);
    expect(jsonText(answer.dataset, '00081190')).toBe(`${suite.dicomweb}/studies/${studyInstanceUid}`);
    expect((await retrieve(jsonText(item!, '00081190')!)).equals(object)).toBe(true);
  });

  it.each([
    ['unquoted', 'multipart/related;type=application/dicom;boundary=b1'],
    ['in capitals and another order', 'Multipart/Related; Boundary=b1; Type="APPLICATION/DICOM"'],
    ['without a type', 'multipart/related; boundary="b1"'],
  ])('takes the parameters %s', async (_how, contentType) => {
    const body = Buffer.concat([
      Buffer.from('--b1\r\nX-Other: 1\r\nContent-Type: application/dicom\r\n\r\n'),
      make(),
      Buffer.from('\r\n--b1--\r\n'),
    ]);
    expect((await post(new Uint8Array(body), contentType)).status).toBe(200);
  });

  it('takes a single object that is the whole body', async () => {
    const object = make();
    const answer = await post(new Uint8Array(object), 'application/dicom');
    expect(answer.status).toBe(200);
    expect((await retrieve(jsonText(stored(answer)[0]!, '00081190')!)).equals(object)).toBe(true);
  });

  it('takes a body of unknown length in chunks', async () => {
    const object = make({ rows: 900, columns: 900 });
    const { contentType, body } = multipartBody([object, make()]);
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < body.length; at += 50_000)
          controller.enqueue(new Uint8Array(body.subarray(at, at + 50_000)));
        controller.close();
      },
    });
    const answer = await post(chunks, contentType);
    expect(answer.status).toBe(200);
    expect((await retrieve(jsonText(stored(answer)[0]!, '00081190')!)).equals(object)).toBe(true);
  });

  it('answers in XML who asks for it, whether all or nothing was stored', async () => {
    const object = make();
    const headers = { accept: 'application/dicom+xml' };
    const good = await send([object], { headers });
    expect([good.status, good.contentType]).toEqual([200, 'application/dicom+xml']);
    expect(good.text).toContain('<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"');
    expect(good.text).toContain(
      `<DicomAttribute tag="00081155" vr="UI" keyword="ReferencedSOPInstanceUID"><Value number="1">${readPart10(object).sopInstanceUid}</Value></DicomAttribute>`,
    );
    const bad = await send([make({ sopInstanceUid: readPart10(object).sopInstanceUid })], { headers });
    expect([bad.status, bad.contentType]).toEqual([409, 'application/dicom+xml']);
    expect(bad.text).toContain('keyword="FailureReason"><Value number="1">273</Value>');
  });

  it.each(['*/*', 'image/png', 'application/dicom+json, application/dicom+xml;q=0.5', 'application/json'])(
    'answers in JSON who takes %s',
    async (accept) => {
      const answer = await send([make()], { headers: { accept } });
      expect([answer.status, answer.contentType]).toEqual([200, 'application/dicom+json']);
    },
  );

  it('is spoken by dicomweb-client', async () => {
    const client = new api.DICOMwebClient({ url: suite.dicomweb });
    const objects = [make(), make()];
    await client.storeInstances({ datasets: objects.map((object) => new Uint8Array(object).buffer as ArrayBuffer) });
    for (const object of objects) {
      const { studyInstanceUid } = readPart10(object);
      const [found] = await client.retrieveStudy({ studyInstanceUID: studyInstanceUid });
      expect(Buffer.from(found!).equals(object)).toBe(true);
    }
  });

  it('gives addresses as the sender sees this server', async () => {
    const answer = await send([make()], {
      headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'pacs.example.org' },
    });
    expect(jsonText(answer.dataset, '00081190')).toMatch(/^https:\/\/pacs\.example\.org\/dicom-web\/studies\//);
  });

  it('answers 202 when some parts are bad, with a reason for each, and stores the others', async () => {
    const good = make();
    const answer = await send([
      Buffer.from('not DICOM, whatever its header says '.repeat(9)),
      good,
      make({ rows: 70, columns: 70 }).subarray(0, 3000),
    ]);
    expect([answer.status, answer.contentType]).toEqual([202, 'application/dicom+json']);
    expect(stored(answer)).toHaveLength(1);
    const reasons = [...failed(answer), ...otherFailures(answer)].map((item) => jsonNumber(item, '00081197'));
    expect(reasons).toEqual([0xc000, 0xc000]);
    expect((await retrieve(jsonText(stored(answer)[0]!, '00081190')!)).equals(good)).toBe(true);
  });

  it('answers 409 when nothing could be stored', async () => {
    const answer = await send([Buffer.from('no')]);
    expect([answer.status, answer.contentType]).toEqual([409, 'application/dicom+json']);
    expect(stored(answer)).toEqual([]);
  });

  it('answers 200 to the same again, and 409 to other content under its UID, which it does not take', async () => {
    const object = make();
    await send([object]);
    const again = await send([object]);
    expect([again.status, stored(again).length]).toEqual([200, 1]);
    const { studyInstanceUid, sopInstanceUid } = readPart10(object);
    const other = await send([make({ studyInstanceUid, sopInstanceUid, rows: 9 })]);
    expect(other.status).toBe(409);
    expect(failed(other).map((item) => [jsonText(item, '00081155'), jsonNumber(item, '00081197')])).toEqual([
      [sopInstanceUid, 0x0111],
    ]);
    expect((await retrieve(jsonText(stored(again)[0]!, '00081190')!)).equals(object)).toBe(true);
    expect(await studyCounts(studyInstanceUid)).toEqual([1, 1]);
  });

  it('answers 202 with a warning when an instance names another patient than its study has', async () => {
    const studyInstanceUid = testUid('contradicting');
    await send([make({ studyInstanceUid, patientId: 'ONE', instanceNumber: 1 })]);
    const answer = await send([make({ studyInstanceUid, patientId: 'TWO', instanceNumber: 2 })]);
    expect(answer.status).toBe(202);
    expect(failed(answer)).toEqual([]);
    expect(stored(answer).map((item) => jsonNumber(item, '00081196'))).toEqual([0xb007]);
  });

  it('stores only the instances of the study it is told to', async () => {
    const [mine, other] = [make(), make()];
    const { studyInstanceUid } = readPart10(mine);
    const answer = await send([mine, other], { to: `/studies/${studyInstanceUid}` });
    expect(answer.status).toBe(202);
    expect(stored(answer)).toHaveLength(1);
    expect(failed(answer).map((item) => [jsonText(item, '00081155'), jsonNumber(item, '00081197')])).toEqual([
      [readPart10(other).sopInstanceUid, 0xa900],
    ]);
    expect(await studyCounts(readPart10(other).studyInstanceUid)).toBeUndefined();
    expect((await send([mine], { to: '/studies/1.2.x' })).status).toBe(400);
  });

  it('stores one instance of many that come at the same time', async () => {
    const objects = Array.from({ length: 5 }, (_, index) =>
      makeInstance({ studyInstanceUid: testUid('at once'), instanceNumber: index + 1 }),
    );
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => send(index % 2 === 0 ? objects : objects.toReversed())),
    );
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await studyCounts(testUid('at once'))).toEqual([1, 5]);
  });
});

describe('a STOW-RS request that cannot be taken', () => {
  const problem = (answer: Answer) => [answer.status, answer.contentType?.split(';')[0]];

  it.each([
    ['pictures inside', 'multipart/related; type="image/jpeg"; boundary=b'],
    ['another multipart', 'multipart/form-data; boundary=b'],
    ['a picture', 'image/jpeg'],
    ['JSON', 'application/json'],
  ])('is refused with 415: %s', async (_what, contentType) => {
    expect(problem(await post('{}', contentType))).toEqual([415, 'application/problem+json']);
  });

  it.each([
    ['no boundary parameter', 'multipart/related; type="application/dicom"', '--b\r\n\r\nx\r\n--b--'],
    ['no boundary in the body', 'multipart/related; type="application/dicom"; boundary=b', 'nothing here'],
    ['no parts', 'multipart/related; type="application/dicom"; boundary=b', '--b--'],
    ['no body', 'multipart/related; type="application/dicom"; boundary=b', ''],
  ])('is refused with 400: %s', async (_what, contentType, body) => {
    expect(problem(await post(body, contentType))).toEqual([400, 'application/problem+json']);
  });

  it('is refused with 400, and nothing of it is stored, when its end is missing', async () => {
    const object = make();
    const { contentType, body } = multipartBody([object, make()]);
    const answer = await post(new Uint8Array(body.subarray(0, -200)), contentType);
    expect(problem(answer)).toEqual([400, 'application/problem+json']);
    expect(answer.text).toContain('part 2');
    expect(await studyCounts(readPart10(object).studyInstanceUid)).toBeUndefined();
  });

  it('is refused with 413 for more parts than a request may have', async () => {
    const body = `${'--b\r\n\r\nx\r\n'.repeat(10_001)}--b--`;
    expect(problem(await post(body, 'multipart/related; type="application/dicom"; boundary=b'))).toEqual([
      413,
      'application/problem+json',
    ]);
  });

  it.each([
    ['at once', 'image/jpeg'],
    ['at the first part', 'multipart/related; type="application/dicom"; boundary=absent'],
  ])('hears so although it still has much to send: %s', async (_when, contentType) => {
    const answer = await post(new Uint8Array(20_000_000), contentType);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).toContain('detail');
  });

  it('leaves nothing when its sender hangs up in the middle', async () => {
    const object = make();
    // So large that the pack is begun before all of it is here.
    const { contentType, body } = multipartBody([object, make({ rows: 1500, columns: 1500 })]);
    const outgoing = httpRequest(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': contentType, 'content-length': body.length },
    });
    outgoing.on('error', () => undefined);
    outgoing.write(body.subarray(0, body.length - 50_000));
    const staging = path.join(suite.dataDir, 'blobs', 'staging');
    await waitFor('the upload to begin', async () => (readdirSync(staging).length > 0 ? true : undefined));
    outgoing.destroy();
    await waitFor('the upload to be given up', async () => (readdirSync(staging).length === 0 ? true : undefined));
    expect(await studyCounts(readPart10(object).studyInstanceUid)).toBeUndefined();
    expect((await send([object])).status).toBe(200);
  });
});

const shared = path.resolve(import.meta.dirname, '../../../shared/data/dicom');
// Real instances are too large for this repository: where they are not, there is nothing to try.
(existsSync(shared) ? describe : describe.skip)('real instances', () => {
  const filesIn = (folder: string): string[] =>
    readdirSync(path.join(shared, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => statSync(file).size > 132 && readFileSync(file).toString('latin1', 128, 132) === 'DICM');

  const seen = new Set<string>();
  const sopInstanceUidOf = (object: Buffer): string | undefined => {
    try {
      return readPart10(object).sopInstanceUid;
    } catch (error) {
      if (error instanceof DicomError) return undefined;
      throw error;
    }
  };

  it.each(['ct', 'ecg', 'sm-pathology', 'cr-dx', 'enhanced', 'sr', 'transfer-syntaxes'])(
    'come back byte for byte: %s',
    async (folder) => {
      // One of each UID: some of these files are the same instance in another transfer syntax, and some are fragments of
      // instances, without the UIDs that make one.
      const byUid = new Map<string, Buffer>();
      for (const file of filesIn(folder)) {
        const object = readFileSync(file);
        const sopInstanceUid = sopInstanceUidOf(object);
        if (sopInstanceUid === undefined || seen.has(sopInstanceUid)) continue;
        seen.add(sopInstanceUid);
        byUid.set(sopInstanceUid, object);
      }
      expect(byUid.size).toBeGreaterThan(0);
      const answer = await send([...byUid.values()]);
      expect(failed(answer)).toEqual([]);
      expect(otherFailures(answer)).toEqual([]);
      expect(stored(answer)).toHaveLength(byUid.size);
      for (const item of stored(answer)) {
        const object = byUid.get(jsonText(item, '00081155')!)!;
        expect((await retrieve(jsonText(item, '00081190')!)).equals(object)).toBe(true);
      }
    },
  );

  it('answer for every damaged file, and take the server down with none', async () => {
    const objects = readdirSync(path.join(shared, 'bad'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name)));
    expect(objects.length).toBeGreaterThan(3);
    const answer = await send(objects);
    expect([200, 202, 409]).toContain(answer.status);
    const all = [...stored(answer), ...failed(answer), ...otherFailures(answer)];
    expect(all).toHaveLength(objects.length);
    expect((await fetch(`${suite.url}/health/ready`)).status).toBe(200);
  });
});
