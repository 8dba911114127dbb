import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AllowedAddresses } from '../outbound/allowed-address.js';
import { postWebhook } from './post-webhook.js';

const { signal } = new AbortController();
const here = new AllowedAddresses(['127.0.0.0/8', '::1']);
const nowhere = new AllowedAddresses([]);

let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
});

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  servers.push(server);
  server.listen(0);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, asked };
}

const ok = (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(204).end();

describe('postWebhook', () => {
  it('sends body and headers, and takes any 2xx', async () => {
    let body = '';
    const { port } = await listen(async (request, response) => {
      for await (const chunk of request) body += String(chunk);
      response.writeHead(request.headers['x-a'] === 'b' ? 201 : 400).end();
    });
    expect(await postWebhook(`http://127.0.0.1:${port}/`, { 'x-a': 'b' }, '{"ä":1}', here, signal)).toBe(201);
    expect(body).toBe('{"ä":1}');
  });

  it.each(['127.0.0.1', '[::1]', 'localhost', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'])(
    'connects to %s only where that is allowed',
    async (host) => {
      const { port, asked } = await listen(ok);
      await expect(postWebhook(`http://${host}:${port}/`, {}, '', nowhere, signal)).rejects.toThrow('Nothing is sent');
      await expect(postWebhook(`https://${host}:${port}/`, {}, '', nowhere, signal)).rejects.toThrow('Nothing is sent');
      expect(asked).toEqual([]);
      if (host === 'localhost') expect(await postWebhook(`http://${host}:${port}/`, {}, '', here, signal)).toBe(204);
    },
  );

  it('does not follow a redirect, wherever it leads', async () => {
    const inner = await listen(ok);
    const outer = await listen((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/inside` }).end();
    });
    await expect(postWebhook(`http://127.0.0.1:${outer.port}/`, {}, '', here, signal)).rejects.toThrow(
      'answered 307: redirects are not followed',
    );
    expect([outer.asked, inner.asked]).toEqual([['/'], []]);
  });

  it('says what was wrong without what the receiver said', async () => {
    const { port } = await listen((_request, response) => void response.writeHead(500).end('secret inside'));
    await expect(postWebhook(`http://127.0.0.1:${port}/`, {}, '', here, signal)).rejects.toMatchObject({
      status: 500,
      message: 'The receiver answered 500.',
    });
    for (const server of servers) server.close();
    await expect(postWebhook('http://127.0.0.1:1/', {}, '', here, signal)).rejects.toThrow('ECONNREFUSED');
    await expect(postWebhook('https://no-such-host.invalid/', {}, '', here, signal)).rejects.toThrow(
      /could not be reached/,
    );
  });
});
