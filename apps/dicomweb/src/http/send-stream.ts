import { pipeline, Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#libs/telemetry';

export interface StreamAnswer {
  /** Header fields, set once the source is open: an error answer must not carry them. */
  headers: Record<string, string>;
  /** When known. */
  length?: number;
  /** Called for GET only: HEAD reads nothing. What fails before the first byte rejects, and can still be an error answer. */
  open: () => Promise<Readable>;
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

/** Compressed on its way. An error on either side ends both. */
export function gzipped(source: Readable): Readable {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  pipeline(source, gzip, () => undefined);
  return gzip;
}
