import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchesEtag } from '../wire/request-fields.js';

/** For what the next instance to arrive may change: keep it, but ask. */
export const revalidate = 'private, no-cache';
/** For what an instance's UID and bytes decide: they never change, unless instances are replaced here. */
export let immutable = 'private, max-age=86400, immutable';

/** Called at the start where a new version takes an instance's place: clients then ask for everything. */
export function letInstancesChange(): void {
  immutable = revalidate;
}

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
