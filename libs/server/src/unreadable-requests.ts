import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from './http-problem.js';
import { sendProblem } from './send-problem.js';

/** What Fastify refuses before it has a route: escapes that are none, and parts of the path that are too long. */
export function answerFrameworkError(
  error: Error & { code: string },
  _request: FastifyRequest,
  reply: FastifyReply,
): void {
  const isTooLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH';
  sendProblem(
    reply,
    isTooLong
      ? new HttpProblem(414, 'URI Too Long', 'A part of the path is longer than anything that is served here.')
      : new HttpProblem(400, 'Bad Request', 'The path has a percent sign that escapes nothing (RFC 3986 2.1).'),
  );
}

/** What Node cannot read as HTTP has no request to answer: the answer is written to the connection, which then ends. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = describeUnreadable(error.code);
  const title = STATUS_CODES[status] ?? 'Error';
  const body = JSON.stringify({ title, status, detail });
  socket.end(
    [
      `HTTP/1.1 ${status} ${title}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

function describeUnreadable(code: string | undefined): [number, string] {
  if (code === 'HPE_HEADER_OVERFLOW')
    return [431, 'The URL and the header fields are longer together than is read here.'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'The request did not come in time.'];
  return [400, 'What came is not HTTP.'];
}
