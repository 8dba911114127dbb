import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Answer } from './answer.js';
import { Mismatch } from './behaviour.js';

export interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  /** Several buffers are sent in chunks, without a Content-Length. */
  body?: Uint8Array | string | readonly Uint8Array[];
}

const answerMillisecondsMax = 120_000;
const shownHeaders = /^(accept|content-type|range|if-none-match|origin|forwarded|x-forwarded-.*|access-control-.*)$/i;

/**
 * One HTTP request over a connection of its own, with no header field but those given: what libraries add by themselves
 * (Accept, Accept-Encoding) is what many of these checks are about. The path is sent as it is written.
 */
export function sendRequest(base: URL, path: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  const shown = Object.entries(headers).filter(([name]) => shownHeaders.test(name));
  const sent = `${method} ${path.length > 300 ? `${path.slice(0, 300)}... (${path.length} characters)` : path}${shown.map(([name, value]) => ` [${name}: ${value}]`).join('')}`;
  const isChunked = Array.isArray(body);
  const bytes = body === undefined || isChunked ? undefined : Buffer.from(body as Uint8Array);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new Mismatch(`${sent}\n  expected: an answer\n  came:     ${error.message}`));
    const outgoing = (base.protocol === 'https:' ? httpsRequest : httpRequest)(
      {
        host: base.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: base.port || (base.protocol === 'https:' ? 443 : 80),
        path: `${base.pathname.replace(/\/$/, '')}${path}`,
        method,
        agent: false,
        headers: { ...headers, ...(bytes && { 'content-length': String(bytes.length) }) },
        signal: AbortSignal.timeout(answerMillisecondsMax),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', fail);
        incoming.on('end', () => {
          resolve(
            new Answer(sent, incoming.statusCode ?? 0, incoming.headers, incoming.rawHeaders, Buffer.concat(chunks)),
          );
        });
      },
    );
    outgoing.on('error', fail);
    if (isChunked) for (const chunk of body as readonly Uint8Array[]) outgoing.write(chunk);
    outgoing.end(bytes);
  });
}
