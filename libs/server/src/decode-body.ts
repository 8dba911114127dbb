import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './http-problem.js';

const decoders: Readonly<Record<string, () => Transform & { bytesWritten: number }>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * Bodies sent with a Content-Encoding (RFC 9110 8.4) reach their route decoded, as they come; another encoding is
 * answered with 415. How much may come out is for the route to say: what decodes to much has only sent little.
 */
export function decodeBodies(fastify: FastifyInstance): void {
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    const field = request.headers['content-encoding'];
    if (field === undefined) return done(null, payload);
    const encodings = field.split(',').map((name) => name.trim().toLowerCase());
    const [encoding = ''] = encodings.filter((name) => name !== '' && name !== 'identity');
    if (encoding === '') return done(null, payload);
    const create = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
    if (create === undefined || encodings.length > 1) {
      const detail = `A body in Content-Encoding ${JSON.stringify(field)} is not read; send it as it is, or in gzip, deflate or br.`;
      const fields = { 'accept-encoding': 'gzip, deflate, br' };
      return done(new HttpProblem(415, 'Unsupported Media Type', detail, {}, fields));
    }
    done(null, decoded(request.raw, create()));
  });
}

/** The connection outlives a body that cannot be decoded: the answer goes out by it. */
function decoded(body: IncomingMessage, decoder: Transform & { bytesWritten: number }) {
  body.on('error', (error) => decoder.destroy(error));
  body.once('close', () => {
    if (!body.readableEnded) decoder.destroy(new Error('The sender hung up in the middle of the body'));
  });
  decoder.once('close', () => body.unpipe(decoder));
  // Nobody may be listening yet, or any more.
  decoder.on('error', () => undefined);
  body.pipe(decoder);
  // Fastify compares Content-Length with what was read before decoding.
  return Object.defineProperty(decoder, 'receivedEncodedLength', {
    get: () => decoder.bytesWritten,
  }) as typeof decoder & {
    receivedEncodedLength: number;
  };
}
