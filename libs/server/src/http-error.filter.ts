import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGGER, type Logger } from '#libs/telemetry';
import { HttpProblem } from './http-problem.js';

const statusOfCode = new Map<string, number>();

/** Says which status an error of a library answers with, by its `code`. Each app maps the errors its routes can meet. */
export function mapErrorCodes(codes: Record<string, number>): void {
  for (const [code, status] of Object.entries(codes)) statusOfCode.set(code, status);
}

/** Everything thrown in a route ends here, as application/problem+json. */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = toProblem(error);
    if (problem.status >= 500) {
      this.logger.error(
        { requestId: request.id, method: request.method, route: request.routeOptions.url, err: error },
        'request failed',
      );
    }
    // A stream was under way: the status is out, and the only honest end is a broken connection.
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    for (const [name, value] of Object.entries(problem.headers)) void reply.header(name, value);
    // As bytes: Fastify adds a charset to the media type of a text, and this one has none.
    void reply
      .status(problem.status)
      .header('content-type', 'application/problem+json')
      .send(Buffer.from(JSON.stringify(problem.body)));
  }
}

function toProblem(error: unknown): { status: number; headers: Record<string, string>; body: Record<string, unknown> } {
  if (error instanceof HttpProblem) {
    const status = error.getStatus();
    return {
      status,
      headers: error.headers,
      body: { title: error.title, status, detail: error.detail, ...error.extra },
    };
  }
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return {
      status,
      headers: status === 401 ? { 'www-authenticate': 'Bearer' } : {},
      body: { title: STATUS_CODES[status] ?? 'Error', status, detail: error.message },
    };
  }
  if (error instanceof Error) {
    const { code, statusCode } = error as Error & { code?: string; statusCode?: number };
    const status = (code !== undefined ? statusOfCode.get(code) : undefined) ?? statusCode;
    if (status !== undefined && status < 500) {
      return {
        status,
        headers: {},
        body: { title: STATUS_CODES[status] ?? 'Error', status, detail: error.message, ...(code && { code }) },
      };
    }
    if (status === 503) {
      return {
        status,
        headers: { 'retry-after': '5' },
        body: { title: 'Service Unavailable', status, detail: error.message },
      };
    }
  }
  // What we did not foresee stays in the log; it may hold what the client must not see.
  return {
    status: 500,
    headers: {},
    body: { title: 'Internal Server Error', status: 500, detail: 'The request failed; the log has the details.' },
  };
}
