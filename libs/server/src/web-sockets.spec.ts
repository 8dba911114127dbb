import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { acceptWebSockets, WebSocketConnection } from './web-sockets.js';

let server: FastifyInstance | undefined;
afterEach(() => server?.close());

/** A server that hands each connection to the test, and a client that has done its handshake and then says nothing. */
async function connect(
  pingEveryMilliseconds: number,
): Promise<{ connection: WebSocketConnection; client: net.Socket }> {
  server = fastify({ forceCloseConnections: true });
  await acceptWebSockets(server);
  let isOpen: (connection: WebSocketConnection) => void = () => undefined;
  const opened = new Promise<WebSocketConnection>((done) => (isOpen = done));
  server.get('/', { websocket: true }, (socket) => isOpen(new WebSocketConnection(socket, pingEveryMilliseconds)));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const client = net.connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const connection = await opened;
  return { connection, client };
}

const closed = (connection: WebSocketConnection) => new Promise<void>((done) => connection.onClosed(done));

describe('WebSocketConnection', () => {
  it('is cut when its client answers no ping', async () => {
    const { connection, client } = await connect(20);
    // Read, but never answered.
    client.resume();
    await closed(connection);
    client.destroy();
  });

  it('is cut when its client does not read what it is sent, instead of holding it all', async () => {
    const { connection, client } = await connect(60_000);
    client.pause();
    const end = closed(connection);
    let isOver = false;
    void end.then(() => (isOver = true));
    const text = 'x'.repeat(1024 ** 2);
    let sent = 0;
    for (; !isOver && sent < 200; sent++) {
      connection.send(text);
      await new Promise((next) => setImmediate(next));
    }
    // What the system's own buffers take, and the limit; far from everything.
    expect(sent).toBeLessThan(200);
    await end;
    client.destroy();
  });

  it('is cut when its client sends what no client has to say', async () => {
    const { connection, client } = await connect(60_000);
    const end = closed(connection);
    // A masked text frame that announces 64 KiB.
    client.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]));
    client.resume();
    await end;
    client.destroy();
  });

  it('ends by a close frame', async () => {
    const { connection, client } = await connect(60_000);
    const received: Buffer[] = [];
    client.on('data', (chunk: Buffer) => received.push(chunk));
    connection.close(1001, 'bye');
    const end = closed(connection);
    await once(client, 'data');
    client.end();
    await end;
    expect(Buffer.concat(received).toString('latin1')).toContain('bye');
  });
});
