import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { makeInstance } from '../../../../test/support/make-instance.js';
import { multipartBody } from '../../../../test/support/multipart.js';
import { sendSamples } from './send-samples.js';
import { sendStudy } from './send-study.js';

interface Request {
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
  parts: number;
}

interface Answer {
  status: number;
  body: string;
}

/** An archive's answer that names so many instances as stored. */
function stored(count: number, failed: { uid: string; reason: number }[] = []): Answer {
  const item = { '00081155': { vr: 'UI', Value: ['2.25.1'] } };
  return {
    status: failed.length > 0 ? 202 : 200,
    body: JSON.stringify({
      '00081199': { vr: 'SQ', Value: Array.from({ length: count }, () => item) },
      ...(failed.length > 0 && {
        '00081198': {
          vr: 'SQ',
          Value: failed.map(({ uid, reason }) => ({
            '00081155': { vr: 'UI', Value: [uid] },
            '00081197': { vr: 'US', Value: [reason] },
          })),
        },
      }),
    }),
  };
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function archive(answer: (request: Request) => Answer | undefined) {
  const requests: Request[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const body = Buffer.concat(chunks);
      const parts = body.toString('latin1').split('Content-Type: application/dicom\r\n\r\n').length - 1;
      const request = { url: message.url ?? '', headers: message.headers, body, parts };
      requests.push(request);
      const answered = answer(request);
      if (answered) response.writeHead(answered.status).end(answered.body);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`;
  return { url, requests };
}

async function* instances(count: number, bytes = 0): AsyncGenerator<Buffer> {
  for (let number = 1; number <= count; number++) {
    const instance = makeInstance({ instanceNumber: number });
    yield bytes > 0 ? Buffer.concat([instance, Buffer.alloc(bytes - instance.length)]) : instance;
  }
}

describe('sendStudy', () => {
  it('stores as many instances a request as it may, each a part as it is', async () => {
    const { url, requests } = await archive(({ parts }) => stored(parts));
    const destination = { dicomwebUrl: `${url}/`, headers: { authorization: 'Bearer x' } };
    const sent = await sendStudy('test', instances(41), destination, { instancesMax: 20, bytesMax: 2 ** 20 });
    expect(sent.instances).toBe(41);
    expect(requests.map(({ parts }) => parts)).toEqual([20, 20, 1]);
    const [first, , last] = requests;
    expect(first?.url).toBe('/dicom-web/studies');
    expect(first?.headers).toMatchObject({ authorization: 'Bearer x', accept: 'application/dicom+json' });
    const boundary = /boundary=(.+)$/.exec(last?.headers['content-type'] ?? '')?.[1];
    if (!boundary) throw new Error('no boundary');
    const expected = multipartBody([makeInstance({ instanceNumber: 41 })], { boundary });
    expect(last?.headers['content-type']).toBe(expected.contentType);
    expect(last?.body.equals(expected.body)).toBe(true);
  });

  it('keeps a request within its bytes, but sends a larger instance by itself', async () => {
    const { url, requests } = await archive(({ parts }) => stored(parts));
    const limits = { instancesMax: 20, bytesMax: 20_000 };
    await sendStudy('test', instances(3, 10_000), { dicomwebUrl: url, headers: {} }, limits);
    await sendStudy('test', instances(3, 10_001), { dicomwebUrl: url, headers: {} }, limits);
    await sendStudy('test', instances(2, 20_001), { dicomwebUrl: url, headers: {} }, limits);
    expect(requests.map(({ parts }) => parts)).toEqual([2, 1, 1, 1, 1, 1, 1]);
  });

  it('sends a study as large as a sample in one request, so that it never looks complete in between', async () => {
    const { url, requests } = await archive(({ parts }) => stored(parts));
    await sendStudy('test', instances(60, 530_000), { dicomwebUrl: url, headers: {} });
    expect(requests.map(({ parts }) => parts)).toEqual([60]);
  });

  it('sends nothing for a study without instances', async () => {
    const { url, requests } = await archive(() => stored(0));
    expect(await sendStudy('test', instances(0), { dicomwebUrl: url, headers: {} })).toEqual({
      instances: 0,
      bytes: 0,
    });
    expect(requests).toHaveLength(0);
  });

  it('says which instances the archive refused, and why', async () => {
    const { url } = await archive(() => stored(1, [{ uid: '2.25.77', reason: 0xa700 }]));
    await expect(sendStudy('chest', instances(2), { dicomwebUrl: url, headers: {} })).rejects.toThrow(
      /sample chest, instances 1 to 2: .* refused 2\.25\.77 \(reason 0xA700\)/,
    );
  });

  it('stops at the first request that fails', async () => {
    const { url, requests } = await archive(() => ({ status: 503, body: '{"detail":"The disk is full"}' }));
    await expect(
      sendStudy('chest', instances(45), { dicomwebUrl: url, headers: {} }, { instancesMax: 20, bytesMax: 2 ** 20 }),
    ).rejects.toThrow(/instances 1 to 20: .* answered 503: .*The disk is full/);
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['names fewer stored instances than were sent', () => stored(1), /names 1 stored instances of 2/],
    ['answers with something else', () => ({ status: 200, body: '<html>' }), /did not answer in DICOM JSON: <html>/],
    ['answers with nothing', () => ({ status: 200, body: 'null' }), /did not answer in DICOM JSON/],
  ])('fails when the archive %s', async (_, answer, message) => {
    const { url } = await archive(answer);
    await expect(sendStudy('chest', instances(2), { dicomwebUrl: url, headers: {} })).rejects.toThrow(message);
  });

  it('says so when nobody answers', async () => {
    const { url } = await archive(() => stored(1));
    servers.pop()?.close();
    await expect(sendStudy('ecg', instances(1), { dicomwebUrl: url, headers: {} })).rejects.toThrow(
      /sample ecg, instances 1 to 1: no answer from .*: .*ECONNREFUSED/,
    );
  });
});

describe('sendSamples', () => {
  it('sends from a process of its own, and stops when told to', async () => {
    const stopping = new AbortController();
    // The first request is never answered: the stop must not wait for it.
    const { url, requests } = await archive(() => {
      stopping.abort(new Error('stopped by the test'));
      return undefined;
    });
    const sending = sendSamples(url, {
      signal: stopping.signal,
      headers: { authorization: 'Bearer y' },
      log: () => undefined,
    });
    await expect(sending).rejects.toThrow('stopped by the test');
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers.authorization).toBe('Bearer y');
    expect(requests[0]?.body.includes('ISOCENTER-SAMPLE-2')).toBe(true);
  }, 60_000);

  it('says what failed in the other process', async () => {
    const { url } = await archive(() => ({ status: 401, body: 'Who are you?' }));
    await expect(sendSamples(url, { signal: new AbortController().signal, log: () => undefined })).rejects.toThrow(
      /sample ecg, instances 1 to 1: .* answered 401: Who are you\?/,
    );
  }, 60_000);

  it('sends nothing when it was stopped before', async () => {
    const { url, requests } = await archive(() => stored(1));
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(sendSamples(url, { signal, log: () => undefined })).rejects.toThrow('too late');
    expect(requests).toHaveLength(0);
  });
});
