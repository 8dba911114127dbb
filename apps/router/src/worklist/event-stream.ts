import type { ServerResponse } from 'node:http';

/** What a slow reader may leave unread before it is cut off; it comes back and reads the whole list. */
export const unreadBytesMax = 1024 ** 2;
export const heartbeatMilliseconds = 15_000;

/**
 * One client's server-sent events (HTML 9.2). Nothing waits for a client: what it does not read is held up to
 * {@link unreadBytesMax}, then the connection is closed.
 */
export class EventStream {
  private readonly heartbeat: NodeJS.Timeout;

  /** @param response hijacked: nobody else writes to it. @param onClosed called once, however it ends */
  constructor(
    private readonly response: ServerResponse,
    onClosed: () => void,
    heartbeatEveryMilliseconds = heartbeatMilliseconds,
  ) {
    this.heartbeat = setInterval(() => this.write(': still here\n\n'), heartbeatEveryMilliseconds);
    this.heartbeat.unref();
    response.once('close', () => {
      clearInterval(this.heartbeat);
      onClosed();
    });
    // A reset connection says so here too; 'close' follows and does what there is to do.
    response.on('error', () => response.destroy());
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // For proxies that would otherwise hold events back.
      'x-accel-buffering': 'no',
      connection: 'keep-alive',
    });
    this.write('retry: 2000\n: here from now on\n\n');
  }

  send(event: string, id: string, data: unknown): void {
    this.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  close(): void {
    this.response.destroy();
  }

  private write(text: string): void {
    if (this.response.destroyed || this.response.writableEnded) return;
    this.response.write(text);
    if (this.response.writableLength > unreadBytesMax) this.response.destroy();
  }
}
