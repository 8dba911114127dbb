import type { FastifyReply } from 'fastify';
import type { HttpProblem } from './http-problem.js';

/** Header fields that an answer of a status never lacks. */
const usualHeaders: Record<number, Record<string, string>> = {
  401: { 'www-authenticate': 'Bearer' },
  503: { 'retry-after': '5' },
};

/** Answers with a problem (RFC 9457). */
export function sendProblem(reply: FastifyReply, problem: HttpProblem): void {
  const status = problem.getStatus();
  const body = { title: problem.title, status, detail: problem.detail, ...problem.extra };
  // As bytes: Fastify adds a charset to the media type of a text, and this one has none.
  void reply
    .status(status)
    .headers({ ...usualHeaders[status], ...problem.headers, 'content-type': 'application/problem+json' })
    .send(Buffer.from(JSON.stringify(body)));
}
