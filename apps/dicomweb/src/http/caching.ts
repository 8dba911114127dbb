import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchesEtag } from '../wire/request-fields.js';

/**
 * Clients keep what they got, but ask before they use it. Nothing here is for good: an instance may be deleted, stored
 * anew or replaced, and no picture of it may outlive that in somebody's cache. Asking costs one search by UID.
 */
export const revalidate = 'private, no-cache';

/** Answers 304 when the client has it already. @returns whether it did */
export function answeredNotModified(
  request: FastifyRequest,
  reply: FastifyReply,
  headers: { etag: string } & Record<string, string>,
): boolean {
  if (!matchesEtag(request.headers['if-none-match'], headers.etag)) return false;
  void reply.status(304).headers(headers).send();
  return true;
}
