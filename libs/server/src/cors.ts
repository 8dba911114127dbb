import fastifyCors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { Config } from '#libs/config';
import { HttpProblem } from './http-problem.js';
import { sendProblem } from './send-problem.js';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What DICOMweb clients send, beyond what browsers always allow. */
const requestFields = [
  'Accept',
  'Accept-Charset',
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'Prefer',
  'Range',
  'X-Deletion-Reason',
  'X-Reader',
  'X-Requested-With',
];

/** What they read, beyond what browsers always show. */
const answerFields = [
  'Accept-Ranges',
  'Content-Encoding',
  'Content-Length',
  'Content-Location',
  'Content-Range',
  'ETag',
  'Isocenter-Deletion',
  'Link',
  'Location',
  'Retry-After',
  'Warning',
];

const preflightSeconds = 7200;

/**
 * Lets web pages of the configured origins use this server from a browser, and no others: by default none, for without
 * a token a browser on this machine may ask everything, whichever page it shows. Cookies do not travel across origins:
 * such pages send the token as `Authorization: Bearer`.
 */
export async function allowOrigins(fastify: FastifyInstance, { corsOrigins }: Config): Promise<void> {
  if (corsOrigins.length > 0) {
    const options = {
      origin: corsOrigins === '*' ? '*' : [...corsOrigins],
      methods,
      allowedHeaders: requestFields,
      exposedHeaders: answerFields,
      maxAge: preflightSeconds,
    };
    await fastify.register(fastifyCors, {
      // Without this header field OPTIONS asks us, not for the browser's permission.
      delegator: ({ headers }, done) =>
        done(null, { ...options, preflight: headers['access-control-request-method'] !== undefined }),
    });
    if (corsOrigins !== '*') varyByOrigin(fastify);
  }
  refuseForeignPages(fastify, corsOrigins);
}

/** Routes say by what else their answers vary; what a cache keeps for one origin is of no use to another. */
function varyByOrigin(fastify: FastifyInstance): void {
  fastify.addHook('onSend', async (_request, reply) => {
    const fields = [reply.getHeader('vary') ?? []].flat().join(', ');
    if (!/\borigin\b/i.test(fields)) void reply.header('vary', fields === '' ? 'Origin' : `${fields}, Origin`);
  });
}

/**
 * A page of another origin may send some requests without asking (a form, `fetch` without CORS, a WebSocket): it cannot
 * read the answer, but what they do would be done. Browsers say where they come from.
 */
function refuseForeignPages(fastify: FastifyInstance, origins: Config['corsOrigins']): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const { 'sec-fetch-site': site, origin, upgrade } = request.headers;
    if (site !== 'cross-site' && site !== 'same-site') return done();
    if (safeMethods.has(request.method) && upgrade === undefined) return done();
    if (origins === '*' || (origin !== undefined && origins.includes(origin))) return done();
    const detail = 'Web pages of other origins may not send this; ISOCENTER_CORS_ORIGINS names those that may.';
    sendProblem(reply, new HttpProblem(403, 'Forbidden', detail));
  });
}

/** Whether pages elsewhere may show our pictures and run in isolation with them (Cross-Origin-Resource-Policy). */
export function resourcePolicy({ corsOrigins }: Config): string {
  return corsOrigins.length > 0 ? 'cross-origin' : 'same-origin';
}
