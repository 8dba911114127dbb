import { HttpException } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import fastifyWebSocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkAccess } from '#libs/auth';
import type { Config } from '#libs/config';
import { HttpProblem } from './http-problem.js';
import { sendProblem } from './send-problem.js';

/** Clients have nothing to say to us: enough for a greeting. */
const receivedBytesMax = 4 * 1024;
/** What a client may leave unread before its connection is cut; it comes back and asks what it missed. */
const unreadBytesMax = 4 * 1024 ** 2;
const pingMilliseconds = 20_000;

/** Registers the plugin; before the routes, all of which it looks at. */
export async function acceptWebSockets(fastify: FastifyInstance): Promise<void> {
  await fastify.register(fastifyWebSocket, {
    options: { maxPayload: receivedBytesMax },
    // A connection that breaks is no fault of ours; closing it is all there is to do.
    errorHandler: (_error, socket) => socket.terminate(),
  });
}

/**
 * One client to which texts are sent. Nothing waits for it: what it does not read is held up to a limit, then the
 * connection is cut; so it is when the client does not answer a ping.
 */
export class WebSocketConnection {
  private isAlive = true;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    pingEveryMilliseconds = pingMilliseconds,
  ) {
    this.timer = setInterval(() => this.ping(), pingEveryMilliseconds);
    this.timer.unref();
    socket.on('pong', () => (this.isAlive = true));
    socket.once('close', () => clearInterval(this.timer));
  }

  onClosed(listener: () => void): void {
    this.socket.once('close', listener);
  }

  send(text: string): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.socket.send(text);
    if (this.socket.bufferedAmount > unreadBytesMax) this.socket.terminate();
  }

  /** @param code RFC 6455 7.4, e.g. 1001 when the server stops @param reason at most 123 bytes */
  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.socket.terminate();
  }

  private ping(): void {
    if (!this.isAlive) {
      this.socket.terminate();
      return;
    }
    this.isAlive = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }
}

/**
 * Serves WebSocket connections at a path, to whom the routes that need a token would answer.
 * @param path Fastify's pattern, e.g. `/dicom-web/subscribers/:aet`
 * @param check refuses a request before it becomes a connection, by throwing an HttpProblem
 */
export function serveWebSockets(
  host: HttpAdapterHost,
  config: Config,
  path: string,
  check: (request: FastifyRequest) => void,
  open: (connection: WebSocketConnection, request: FastifyRequest) => void,
): void {
  const fastify = host.httpAdapter.getInstance() as FastifyInstance;
  fastify.route({
    method: 'GET',
    url: path,
    onRequest: async (request, reply) => {
      try {
        checkAccess(config, request.headers);
        refuseForeignOrigin(config, request);
        check(request);
      } catch (error) {
        sendProblem(reply, toProblem(error));
        return reply;
      }
    },
    handler: (_request: FastifyRequest, reply: FastifyReply) => {
      const detail = 'This address is for WebSocket connections: connect to it with ws:// or wss://.';
      sendProblem(reply, new HttpProblem(426, 'Upgrade Required', detail, {}, { upgrade: 'websocket' }));
    },
    wsHandler: (socket: WebSocket, request: FastifyRequest) => open(new WebSocketConnection(socket), request),
  });
}

/**
 * Browsers let any page connect anywhere and say only where it comes from; what a connection tells is not for pages
 * elsewhere. Who sends the token itself is no such page.
 */
function refuseForeignOrigin({ corsOrigins }: Config, { headers }: FastifyRequest): void {
  const { origin, host, authorization } = headers;
  if (origin === undefined || authorization !== undefined || corsOrigins === '*' || corsOrigins.includes(origin))
    return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new HttpProblem(
    403,
    'Forbidden',
    'Web pages of other origins may not connect; ISOCENTER_CORS_ORIGINS names those that may.',
  );
}

function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof HttpException) {
    return new HttpProblem(error.getStatus(), error.getStatus() === 401 ? 'Unauthorized' : 'Forbidden', error.message);
  }
  throw error;
}
