import { setTimeout as sleep } from 'node:timers/promises';
import { Mismatch } from './behaviour.js';
import type { ConformanceServer } from './conformance-server.js';
import { type Dataset, isDataset } from './dataset.js';

const eventMillisecondsMax = 30_000;

/** A subscription and its WebSocket (PS3.18 8.10.4), which keeps what came. */
export class EventChannel {
  private readonly server: ConformanceServer;
  private readonly path: string;
  private readonly address: string;
  private readonly events: Dataset[] = [];
  private readonly faults: string[] = [];
  private readonly socket: WebSocket;

  private constructor(server: ConformanceServer, path: string, address: string, socket: WebSocket) {
    this.server = server;
    this.path = path;
    this.address = address;
    this.socket = socket;
    socket.addEventListener('message', ({ data }: { data: unknown }) => this.take(data));
  }

  /** @param aeTitle of the subscriber, at most 16 characters */
  static async subscribe(server: ConformanceServer, resource: string, aeTitle: string): Promise<EventChannel> {
    const path = `/workitems/${resource}/subscribers/${aeTitle}`;
    const answer = await server.send(path, { method: 'POST' });
    const address = answer.is(201).header('content-location');
    answer.holds(/^wss?:\/\//.test(address), 'Content-Location ws://... or wss://...', address || 'none');
    return new EventChannel(server, path, address, await open(server, address));
  }

  private take(data: unknown): void {
    try {
      if (typeof data !== 'string') throw new TypeError('a frame that is not text');
      const value = JSON.parse(data) as unknown;
      const dataset = Array.isArray(value) ? (value[0] as unknown) : value;
      if (!isDataset(dataset)) throw new TypeError(`no DICOM JSON: ${data.slice(0, 200)}`);
      this.events.push(dataset);
    } catch (error) {
      this.faults.push(String(error));
    }
  }

  /** The first event that fits, of those that came and those to come. @throws Mismatch when none came in time */
  async wait(what: string, fits: (event: Dataset) => boolean): Promise<Dataset> {
    const deadline = Date.now() + eventMillisecondsMax;
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      if (Date.now() > deadline || this.faults.length > 0) {
        const came = [...this.faults, ...this.events.map((event) => JSON.stringify(event))].join(' | ').slice(0, 500);
        throw new Mismatch(`WebSocket ${this.address}\n  expected: ${what}\n  came:     ${came || 'nothing'}`);
      }
      await sleep(50);
    }
  }

  async disconnect(): Promise<void> {
    const closed = new Promise((resolve) => this.socket.addEventListener('close', resolve));
    this.socket.close();
    await Promise.race([closed, sleep(5_000)]);
  }

  /** The same subscription over a new connection. */
  async reconnect(): Promise<EventChannel> {
    return new EventChannel(this.server, this.path, this.address, await open(this.server, this.address));
  }

  async close(): Promise<void> {
    await this.disconnect();
    await this.server.send(this.path, { method: 'DELETE' });
  }
}

function open(server: ConformanceServer, address: string): Promise<WebSocket> {
  const { token } = server.options;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  // Node's WebSocket takes header fields, which that of browsers does not.
  const socket = new WebSocket(address, { headers } as unknown as string[]);
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(socket));
    socket.addEventListener('error', () =>
      reject(new Mismatch(`WebSocket ${address}\n  expected: to open\n  came:     an error`)),
    );
  });
}
