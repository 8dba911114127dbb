import { once } from 'node:events';
import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance } from '../support/make-instance.js';
import { freePort, launchApp, makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';

jest.setTimeout(300_000);

const token = 'a-token-of-more-than-thirty-two-characters';

describe('a suite with an API token', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;

  beforeAll(async () => {
    data = await makeDataDir();
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_API_TOKEN: token } });
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  const get = (path: string, headers: Record<string, string> = {}) => fetch(suite.url + path, { headers });

  it.each([
    '/dicom-web/studies',
    '/dicom-web/workitems',
    '/api/worklist',
    '/api/worklist/events',
    '/api/models',
    '/api/storage',
  ])('asks for it at %s', async (path) => {
    for (const headers of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic abc' },
      { cookie: 'isocenter_token=wrong' },
    ]) {
      const response = await get(path, headers as Record<string, string>);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      await response.body?.cancel();
    }
  });

  it('asks for it before it takes anything in', async () => {
    const response = await fetch(`${suite.dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': 'application/dicom' },
      body: new Uint8Array(makeInstance()),
    });
    expect(response.status).toBe(401);
    expect((await get('/dicom-web/studies', { authorization: `Bearer ${token}` })).status).toBe(204);
  });

  it('lets a browser sign in once, and tells everybody its health', async () => {
    const wrong = await post('/api/session', { token: 'x'.repeat(40) });
    expect(wrong.status).toBe(401);
    const right = await post('/api/session', { token });
    expect(right.status).toBe(204);
    const cookie = right.headers.get('set-cookie') ?? '';
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    expect((await get('/api/worklist', { cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
    expect((await get('/health/live')).status).toBe(200);
  });

  it('answers what it does not know with a problem, not with a stack', async () => {
    const response = await get('/api/nothing-here');
    expect(response.status).toBe(404);
    expect(await response.text()).not.toMatch(/at .*\.js/);
  });

  const post = (path: string, body: unknown) =>
    fetch(suite.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
});

describe('a suite without a token', () => {
  it('answers this machine, and no page that only has its name point here', async () => {
    const { dataDir, remove } = await makeDataDir();
    const suite = await startApp({ dataDir });
    const statusFor = async (host: string) => {
      const request = http.get(`${suite.url}/api/worklist`, { headers: { host } });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await statusFor('127.0.0.1')).toBe(200);
    expect(await statusFor('localhost:8080')).toBe(200);
    expect(await statusFor('[::1]:8080')).toBe(200);
    expect(await statusFor('evil.example')).toBe(403);
    expect(await statusFor('127.0.0.1.evil.example')).toBe(403);
    await suite.stop();
    await remove();
  });
});

describe('two suites', () => {
  it('run side by side with different ports and folders, and not on one folder', async () => {
    const [first, second] = await Promise.all([makeDataDir(), makeDataDir()]);
    const suites = await Promise.all([startApp({ dataDir: first.dataDir }), startApp({ dataDir: second.dataDir })]);
    try {
      await fetch(`${suites[0]!.dicomweb}/studies`, {
        method: 'POST',
        headers: { 'content-type': 'application/dicom' },
        body: new Uint8Array(makeInstance()),
      });
      expect((await fetch(`${suites[0]!.dicomweb}/studies`)).status).toBe(200);
      expect((await fetch(`${suites[1]!.dicomweb}/studies`)).status).toBe(204);
      await expect(startApp({ dataDir: first.dataDir })).rejects.toThrow('Another suite is running');
      // Unharmed.
      expect((await fetch(`${suites[0]!.dicomweb}/studies`)).status).toBe(200);
    } finally {
      for (const suite of suites) expect(await suite.stop()).toBe(0);
      await first.remove();
      await second.remove();
    }
  });
});

describe('a start that cannot work', () => {
  it.each([
    ['an address others can reach, without a token', { ISOCENTER_HOST: '0.0.0.0' }, 'ISOCENTER_API_TOKEN'],
    ['a database that is not there', { DATABASE_URL: 'postgresql://nobody:x@127.0.0.1:1/none' }, 'ECONNREFUSED'],
    ['a folder without models', { ISOCENTER_MODELS_DIR: '/nowhere' }, '/nowhere'],
  ])('%s: ends and says why', async (_what, environment, message) => {
    const { dataDir, remove } = await makeDataDir();
    await expect(startApp({ dataDir, environment: environment as unknown as Record<string, string> })).rejects.toThrow(
      message,
    );
    await remove();
  });

  it('a port in use: ends and says why, and leaves no database behind', async () => {
    const port = await freePort();
    const [first, second] = await Promise.all([makeDataDir(), makeDataDir()]);
    const suite = await startApp({ dataDir: first.dataDir, port });
    const refused = await launchApp({ dataDir: second.dataDir, port });
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toContain('EADDRINUSE');
    expect(await suite.stop()).toBe(0);
    // The folder of the one that failed is free: its database ended with it.
    const again = await startApp({ dataDir: second.dataDir });
    expect(await again.stop()).toBe(0);
    await first.remove();
    await second.remove();
  });
});
