import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { EventStream } from './event-stream.js';

let server: Server | undefined;
let client: Socket | undefined;
afterEach(() => {
  client?.destroy();
  server?.close();
});

/** A client's socket and the stream that serves it. @param heartbeatMilliseconds of the stream */
async function open(heartbeatMilliseconds?: number) {
  let closed = 0;
  const opened = new Promise<EventStream>((done) => {
    server = createServer((_request, response) => {
      done(new EventStream(response, () => closed++, heartbeatMilliseconds));
    });
  });
  server!.listen(0, '127.0.0.1');
  await once(server!, 'listening');
  client = connect((server!.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  return { stream: await opened, client, closed: () => closed };
}

async function until(client: Socket, wanted: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of client) {
    text += String(chunk);
    if (wanted.test(text)) return text;
  }
  throw new Error(`The stream ended without ${wanted}: ${text}`);
}

describe('EventStream', () => {
  it('opens with a comment and sends events a browser understands', async () => {
    const { stream, client } = await open();
    stream.send('worklist', 'x-1', { text: 'two\nlines' });
    const text = await until(client, /\n\n.*data/s);
    expect(text).toContain('content-type: text/event-stream; charset=utf-8');
    expect(text).toContain('retry: 2000\n: here from now on\n\n');
    expect(text).toContain('event: worklist\nid: x-1\ndata: {"text":"two\\nlines"}\n\n');
  });

  it('says that it is still here', async () => {
    const { client } = await open(5);
    expect(await until(client, /: still here/)).toContain(': still here\n\n');
  });

  it('says once that it is closed, and takes no more', async () => {
    const { stream, client, closed } = await open();
    client.destroy();
    while (closed() === 0) await new Promise((done) => setTimeout(done, 5));
    stream.send('worklist', 'x-1', {});
    stream.close();
    expect(closed()).toBe(1);
  });

  it('cuts off a client that does not read, rather than remember for it', async () => {
    const { stream, client, closed } = await open();
    client.pause();
    const data = 'x'.repeat(64 * 1024);
    // The kernel's buffers take some megabytes; then it is ours to hold, or not.
    for (let sent = 0; sent < 2_000 && closed() === 0; sent++) {
      stream.send('worklist', String(sent), data);
      await new Promise((done) => setImmediate(done));
    }
    expect(closed()).toBe(1);
  });
});
