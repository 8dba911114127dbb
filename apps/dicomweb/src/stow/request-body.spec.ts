import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { requestBody } from './request-body.js';

describe('requestBody', () => {
  let server: Server;
  /** What the server does with the request, and answers. */
  let handle: (incoming: IncomingMessage) => Promise<string>;

  beforeEach(async () => {
    server = createServer((incoming, response) => {
      handle(incoming).then(
        (text) => response.end(text),
        (error: Error) => response.end(`failed: ${error.message}`),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise<unknown>((resolve) => server.close(resolve).closeAllConnections()));

  /** Bytes whose place can be told from their value. */
  const numbered = (bytes: number) => Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, index) => index).buffer);

  function send(body: Buffer): Promise<string> {
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const outgoing = request({ port, host: '127.0.0.1', method: 'POST' }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text));
      });
      outgoing.on('error', reject).end(body);
    });
  }

  it.each([0, 4, 64 * 1024, 3_000_000])(
    'gives %i bytes in their order, to a reader that takes its time',
    async (bytes) => {
      const sent = numbered(bytes);
      handle = async (incoming) => {
        const chunks: Buffer[] = [];
        for await (const chunk of requestBody(incoming)) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          chunks.push(Buffer.from(chunk));
        }
        return String(Buffer.concat(chunks).equals(sent));
      };
      expect(await send(sent)).toBe('true');
    },
  );

  it('lets the answer out when its reader gives up in the middle, and the next request in', async () => {
    handle = async (incoming) => {
      const body = requestBody(incoming)[Symbol.asyncIterator]();
      const { value } = await body.next();
      await body.return?.();
      incoming.resume();
      return value instanceof Buffer && value.length > 0 ? 'enough' : 'nothing came';
    };
    expect(await send(numbered(2_000_000))).toBe('enough');
    expect(await send(numbered(4))).toBe('enough');
  });

  it('fails when the sender hangs up', async () => {
    const { port } = server.address() as AddressInfo;
    const failure = new Promise<unknown>((resolve) => {
      handle = async (incoming) => {
        try {
          for await (const chunk of requestBody(incoming)) if (chunk.length > 0) outgoing.destroy();
        } catch (error) {
          resolve(error);
        }
        return '';
      };
    });
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-length': 1000 } });
    outgoing.on('error', () => undefined).write('some');
    expect(await failure).toMatchObject({ code: 'ECONNRESET' });
  });
});
