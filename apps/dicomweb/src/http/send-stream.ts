import { pipeline, Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#libs/telemetry';
import { type Part, writeMultipart } from '../wire/write-multipart.js';

export interface StreamAnswer {
  /** Set once the source is open: an error answer must not carry them. */
  headers: Record<string, string>;
  /** Bytes, when known. */
  length?: number;
  /** Called for GET only: HEAD reads nothing. What fails here rejects, and can still be an error answer. */
  open: () => Promise<Readable>;
}

export interface MultipartParts {
  headers: Record<string, string>;
  /** Of the parts. */
  mediaType: string;
  parts: () => AsyncIterable<Part>;
}

/**
 * Sends bytes as they come. When the source fails half-way the connection is cut, so that no client takes the rest for
 * the whole; when the client goes away the source is closed.
 */
export async function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  { headers, length, open }: StreamAnswer,
  logger: Logger,
): Promise<void> {
  // An empty stream keeps the content-length of HEAD answers, where Fastify would write the length of no body.
  const body = request.method === 'HEAD' ? Readable.from([]) : await open();
  body.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    logger.error({ requestId: request.id, route: request.routeOptions.url, err: error }, 'answer cut short');
  });
  void reply.headers(headers);
  if (length !== undefined) void reply.header('content-length', length);
  void reply.send(body);
}

/** Sends multipart/related, part by part, with the same care. */
export async function sendMultipart(
  request: FastifyRequest,
  reply: FastifyReply,
  { headers, mediaType, parts }: MultipartParts,
  logger: Logger,
): Promise<void> {
  const { contentType, body } = await writeMultipart(mediaType, request.method === 'HEAD' ? none() : parts());
  await sendStream(
    request,
    reply,
    { headers: { ...headers, 'content-type': contentType }, open: async () => body },
    logger,
  );
}

async function* none(): AsyncGenerator<Part> {}

/** Compressed on its way. An error on either side ends both. */
export function gzipped(source: Readable): Readable {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  pipeline(source, gzip, () => undefined);
  return gzip;
}
