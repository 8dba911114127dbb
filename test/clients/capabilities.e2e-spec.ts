import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { browserProgram, openBrowser, watchTroubles } from '../support/browser.js';
import { makeInstance } from '../support/make-instance.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';

jest.setTimeout(300_000);

const viewer = 'http://viewer.example:3000';
const stranger = 'http://stranger.example';

describe('a suite that a viewer of another origin may use', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;

  beforeAll(async () => {
    data = await makeDataDir();
    suite = await startApp({
      dataDir: data.dataDir,
      environment: { ISOCENTER_CORS_ORIGINS: `${viewer}, http://127.0.0.1:1` },
    });
    const response = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': 'application/dicom' },
      body: new Uint8Array(makeInstance()),
    });
    expect(response.status).toBe(200);
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  /** Without what `fetch` adds or forbids; for header fields that only browsers send. */
  async function send(method: string, path: string, headers: Record<string, string> = {}, body = '') {
    const request = http.request(suite.url + path, { method, headers });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
  }

  it('answers preflight requests, for its origin and no other', async () => {
    const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization,range' };
    const allowed = await send('OPTIONS', '/dicom-web/studies/1.2/metadata', { origin: viewer, ...asked });
    expect(allowed.status).toBe(204);
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': viewer,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
    });
    const fields = String(allowed.headers['access-control-allow-headers']).toLowerCase().split(', ');
    const needed = ['authorization', 'accept', 'range', 'if-none-match', 'content-type'];
    expect(fields).toEqual(expect.arrayContaining(needed));
    const other = await send('OPTIONS', '/dicom-web/studies', { origin: stranger, ...asked });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('lets its origin read answers and errors, and pages in isolation show pictures', async () => {
    for (const path of ['/dicom-web/studies', '/dicom-web/studies/1.2.3', '/dicom-web/nowhere']) {
      const { headers } = await send('GET', path, { origin: viewer });
      expect([path, headers['access-control-allow-origin']]).toEqual([path, viewer]);
      expect([path, headers['cross-origin-resource-policy']]).toEqual([path, 'cross-origin']);
      const varies = String(headers.vary).toLowerCase();
      expect([path, varies.includes('origin')]).toEqual([path, true]);
      const exposed = String(headers['access-control-expose-headers']).toLowerCase();
      for (const field of ['content-range', 'etag', 'warning', 'content-location', 'retry-after']) {
        expect(exposed).toContain(field);
      }
      const refused = await send('GET', path, { origin: stranger });
      expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('does nothing for pages of other origins, which need no permission to send a form', async () => {
    const form = { 'content-type': 'text/plain', 'sec-fetch-site': 'cross-site' };
    const forged = await send('POST', '/api/storage/plan', { ...form, origin: stranger });
    expect([forged.status, forged.headers['content-type']]).toEqual([403, 'application/problem+json']);
    const sameSite = await send('POST', '/api/storage/plan', { 'sec-fetch-site': 'same-site', origin: 'null' });
    expect(sameSite.status).toBe(403);
    expect((await send('POST', '/api/storage/plan', { 'sec-fetch-site': 'cross-site', origin: viewer })).status).toBe(
      202,
    );
    expect(
      (await send('POST', '/api/storage/plan', { 'sec-fetch-site': 'same-origin', origin: suite.url })).status,
    ).toBe(202);
    expect((await send('POST', '/api/storage/plan')).status).toBe(202);
  });

  it.each([
    ['an unknown path', 'GET', '/dicom-web/nowhere?PatientName=Test', {}, '', 404],
    ['a path outside all services', 'GET', '/nowhere', {}, '', 404],
    ['a wrong method', 'PUT', '/dicom-web/studies', {}, '', 405],
    ['an escape that is none', 'GET', '/dicom-web/studies/%zz', {}, '', 400],
    ['a UID that is none', 'GET', '/dicom-web/studies/1..2/metadata', {}, '', 400],
    ['JSON that is none', 'POST', '/api/session', { 'content-type': 'application/json' }, '{"token', 400],
    ['a part of the path that is too long', 'GET', `/dicom-web/studies/${'1'.repeat(5000)}`, {}, '', 400],
    ['a URL that is too long', 'GET', `/dicom-web/studies?x=${'1'.repeat(70_000)}`, {}, '', 431],
    [
      'a body that says it is too long',
      'POST',
      '/api/session',
      { 'content-type': 'application/json', 'content-length': '17000000' },
      '"',
      413,
    ],
    ['a media type that is not taken', 'POST', '/dicom-web/studies', { 'content-type': 'image/png' }, 'x', 415],
    ['what cannot be had', 'GET', '/dicom-web/studies', { accept: 'image/png' }, '', 406],
  ])('answers %s with a problem, without a stack', async (_what, method, path, headers, body, status) => {
    const answer = await send(method, path, headers as unknown as Record<string, string>, body);
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
    const problem = JSON.parse(answer.text) as Record<string, unknown>;
    expect(problem).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
    expect(answer.text).not.toMatch(/\n\s+at |node_modules|\.[jt]s:|PatientName/);
    if (status === 405) expect(answer.headers['allow']).toBe('GET, HEAD, OPTIONS, POST');
  });

  it('answers what is not HTTP with a problem', async () => {
    const socket = net.connect(Number(new URL(suite.url).port), '127.0.0.1');
    socket.write('what is this?\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"status":400/);
  });

  it('takes roots with a slash at their end, and slashes twice', async () => {
    expect((await send('GET', '/dicom-web//studies/?limit=1')).status).toBe(200);
  });

  it('says what a path answers', async () => {
    const { status, headers } = await send('OPTIONS', '/dicom-web/studies/1.2.3');
    expect([status, headers['allow']]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, POST']);
  });

  it('describes its capabilities as WADL, in XML and JSON', async () => {
    const xml = await send('OPTIONS', '/dicom-web/');
    expect([xml.status, xml.headers['content-type']]).toEqual([200, 'application/vnd.sun.wadl+xml']);
    expect(xml.text).toContain(`<resources base="${suite.dicomweb}/">`);
    expect(xml.text).toContain('<method name="POST" id="StoreInstances">');
    const json = await send('OPTIONS', '/dicom-web', { accept: 'application/json' });
    expect(json.headers['content-type']).toBe('application/json');
    const { application } = JSON.parse(json.text) as {
      application: { resources: [{ resource: { '@path': string; method: { '@name': string; '@id': string }[] }[] }] };
    };
    const [{ resource }] = application.resources;
    const studies = resource.find((one) => one['@path'] === 'studies');
    expect(studies?.method.map((method) => method['@id']).sort()).toEqual(['SearchForStudies', 'StoreInstances']);
    // Every path of the document is one of the server's.
    const allow = await Promise.all(
      resource.map(async (one) => {
        const path = one['@path'].replaceAll(/\{\w+\}/g, '1');
        const { headers } = await send('OPTIONS', `/dicom-web/${path}`);
        return one.method.map((method) => [path, method['@name'], String(headers['allow']).includes(method['@name'])]);
      }),
    );
    expect(allow.flat().filter(([, , isAllowed]) => isAllowed !== true)).toEqual([]);
    expect((await send('OPTIONS', '/dicom-web', { accept: 'image/png' })).status).toBe(406);
  });

  it('refuses uploads beyond what it takes at once, and takes them again when some have ended', async () => {
    const uploads = new Set<http.ClientRequest>();
    // Some more than it takes: which of them come last is not ours to say.
    const keepUnderWay = () => {
      while (uploads.size < 210) {
        const request = http.request(`${suite.dicomweb}/studies`, {
          method: 'POST',
          headers: { 'content-type': 'application/dicom' },
          agent: false,
        });
        request.on('error', () => undefined).on('close', () => uploads.delete(request));
        request.on('response', () => request.destroy());
        request.write(Buffer.alloc(200));
        uploads.add(request);
      }
    };
    keepUnderWay();
    const store = () =>
      send('POST', '/dicom-web/studies', { 'content-type': 'application/dicom' }, makeInstance().toString('latin1'));
    try {
      const refused = await waitFor('a refusal', async () => {
        const answer = await store();
        if (answer.status === 503) return answer;
        // Idle as they are, they are hung up on in time.
        keepUnderWay();
        return undefined;
      });
      expect(refused.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '5' });
      // Who only reads is served.
      expect((await send('GET', '/dicom-web/studies')).status).toBe(200);
      expect((await send('GET', '/health/ready')).status).toBe(200);
    } finally {
      for (const upload of uploads) upload.destroy();
    }
    await waitFor('uploads to be taken again', async () => ((await store()).status === 503 ? undefined : true));
  });

  (browserProgram === undefined ? it.skip : it)('shows its documentation in a browser, from nowhere else', async () => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      const troubles = watchTroubles(page);
      const elsewhere: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(suite.url) && !request.url().startsWith('data:')) elsewhere.push(request.url());
      });
      // A script that the content security policy stops shows here.
      page.on('console', (message) => {
        if (message.type() === 'error') troubles.errors.push(message.text());
      });
      await page.goto(`${suite.url}/api/docs`);
      await page.locator('#operations-QIDO-RS-SearchForStudies').waitFor({ timeout: 60_000 });
      const folder = process.env['ISOCENTER_SCREENSHOTS'];
      if (folder !== undefined) await page.screenshot({ path: `${folder}/documentation.png` });
      expect({ ...troubles, elsewhere }).toEqual({ refused: [], errors: [], elsewhere: [] });
      // Only what is in sight is drawn: down to the last of all operations.
      await page.mouse.wheel(0, 100_000);
      await page.getByText('What the page consists of').waitFor({ timeout: 60_000 });
    } finally {
      await browser.close();
    }
  });
});

describe('a suite that names no origins', () => {
  it('lets no page of another origin read or send anything', async () => {
    const { dataDir, remove } = await makeDataDir();
    const suite = await startApp({ dataDir });
    try {
      const headers = { origin: stranger };
      for (const response of [
        await fetch(`${suite.dicomweb}/studies`, { headers }),
        await fetch(`${suite.dicomweb}/studies`, { method: 'OPTIONS', headers }),
      ]) {
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
        expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
        await response.arrayBuffer();
      }
    } finally {
      await suite.stop();
      await remove();
    }
  });
});
