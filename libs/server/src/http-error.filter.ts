import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGGER, type Logger } from '#libs/telemetry';
import { HttpProblem } from './http-problem.js';
import { sendProblem } from './send-problem.js';

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
    if (problem.getStatus() >= 500) {
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
    sendProblem(reply, problem);
  }
}

function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof HttpException) return problemOf(error.getStatus(), error.message);
  if (error instanceof Error) {
    const { code, statusCode, retryAfterSeconds } = error as Error & {
      code?: string;
      statusCode?: number;
      retryAfterSeconds?: number;
    };
    const status = (code !== undefined ? statusOfCode.get(code) : undefined) ?? statusCode;
    if (status !== undefined && (status < 500 || status === 503 || status === 507)) {
      const extra = status < 500 && code !== undefined ? { code } : {};
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return problemOf(status, error.message, extra, headers);
    }
  }
  // What we did not foresee stays in the log; it may hold what the client must not see.
  return problemOf(500, 'The request failed; the log has the details.');
}

function problemOf(
  status: number,
  detail: string,
  extra: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): HttpProblem {
  return new HttpProblem(status, STATUS_CODES[status] ?? 'Error', detail, extra, headers);
}
