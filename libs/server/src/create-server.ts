import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '#libs/config';
import { type Logger, nestLogger } from '#libs/telemetry';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { answerUnknownRoutes } from './answer-unknown-routes.js';
import { allowOrigins, resourcePolicy } from './cors.js';
import { acceptWebSockets } from './web-sockets.js';
import { decodeBodies } from './decode-body.js';
import { HttpErrorFilter } from './http-error.filter.js';
import { noteReads } from './note-reads.js';
import { refuseOverload } from './refuse-overload.js';
import { RouteTable } from './route-table.js';
import { answerFrameworkError, answerUnreadable } from './unreadable-requests.js';
import type { DynamicModule } from '@nestjs/common';

/** Nest on Fastify: JSON is parsed, every other body reaches its route as the stream it is. */
export async function createServer(
  module: DynamicModule,
  config: Config,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    logger: false,
    bodyLimit: config.limits.jsonBodyBytesMax,
    // Uploads may take as long as they like while bytes come; a silent peer is cut off.
    connectionTimeout: 0,
    requestTimeout: 0,
    http: { headersTimeout: 20_000, maxHeaderSize: config.limits.requestHeadBytesMax },
    forceCloseConnections: true,
    genReqId: () => randomUUID(),
    // A root that was configured with a slash at its end is one people write; a frame list may be long.
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      maxParamLength: config.limits.requestHeadBytesMax,
    },
    frameworkErrors: answerFrameworkError as never,
    clientErrorHandler: answerUnreadable as never,
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const routes = new RouteTable(fastify);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: nestLogger(logger),
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.useGlobalFilters(new HttpErrorFilter(logger));
  await acceptWebSockets(fastify);
  decodeBodies(fastify);
  acceptBodies(fastify);
  secureAnswers(fastify, config);
  logRequests(fastify, logger);
  await allowOrigins(fastify, config);
  answerUnknownRoutes(fastify, routes);
  refuseOverload(fastify, config);
  noteReads(fastify);
  fastify.server.setTimeout(config.limits.requestIdleMillisecondsMax);
  return app;
}

function acceptBodies(fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser('application/dicom+json', { parseAs: 'string' }, (request, body, done) => {
    // Clients name the media type of a body that they leave out, too.
    if (body === '' && isBodyOptional(request)) done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

function isBodyOptional(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { isBodyOptional?: boolean }).isBodyOptional === true;
}

function secureAnswers(fastify: FastifyInstance, config: Config): void {
  const fields = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': resourcePolicy(config),
    'content-security-policy':
      "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
  };
  // Hooks that every request goes through have a callback: each promise is two more turns of the queue.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    void reply.headers(fields);
    done(null, payload);
  });
}

/** One line a request. The route's pattern, not the URL: queries hold patients' names. */
function logRequests(fastify: FastifyInstance, logger: Logger): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    logger.info(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
      },
      'request',
    );
    done();
  });
}
