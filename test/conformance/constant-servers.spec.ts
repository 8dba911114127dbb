import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, jest } from '@jest/globals';
import { behaviours } from './behaviours/index.js';
import { ConformanceServer } from './conformance-server.js';
import { runBehaviours } from './run-behaviours.js';

jest.setTimeout(120_000);

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

// Whatever passes on a server that gives everybody the same answer says nothing of a server.
it.each([
  ['204', 204, {}, ''],
  ['200 and an empty array', 200, { 'content-type': 'application/dicom+json' }, '[]'],
  ['200 and an empty object', 200, { 'content-type': 'application/dicom+json' }, '{}'],
  ['404', 404, { 'content-type': 'application/problem+json' }, '{"status":404}'],
  ['400', 400, { 'content-type': 'application/problem+json' }, '{"status":400}'],
  ['500', 500, {}, ''],
] as const)('no behaviour passes on a server that answers all with %s', async (_what, status, headers, body) => {
  server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(status, headers).end(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`;
  const options = { base, token: 'token', origin: 'https://viewer.example.org', searchLimit: 3 };
  const outcomes = await runBehaviours(behaviours, new ConformanceServer(options));
  expect(outcomes.filter(({ result }) => result === 'pass').map(({ id }) => id)).toEqual([]);
});
