import pg from 'pg';
import { query, queryPreparedIn, type Transaction } from './transaction.js';

/** Channels between processes, through PostgreSQL's NOTIFY: delivered at commit, only to who listens then. */
export type Channel = 'worklist' | 'ups' | 'arrivals';

const reconnectMilliseconds = 1_000;

/** Tells all listeners, when and only when the transaction commits. @param payload short text, an id */
export async function notify(tx: Transaction, channel: Channel, payload: string): Promise<void> {
  await queryPreparedIn(tx, 'notify', 'select pg_notify($1, $2)', [`isocenter_${channel}`, payload]);
}

/** {@link notify} of many, in one statement. */
export async function notifyAll(tx: Transaction, channel: Channel, payloads: readonly string[]): Promise<void> {
  if (payloads.length === 0) return;
  await query(tx, 'select pg_notify($1, p) from unnest($2::text[]) p', [`isocenter_${channel}`, payloads]);
}

/** One connection that listens, and comes back by itself when the server was away. */
export class Listener {
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  /**
   * @param onPayload called for each notification, in order
   * @param onGap called after each (re)connection: what was said before is missed and must be read from the tables
   */
  constructor(
    private readonly url: string,
    private readonly channel: Channel,
    private readonly onPayload: (payload: string) => void,
    private readonly onGap: () => void = () => undefined,
  ) {}

  async start(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'isocenter-listener',
      keepAlive: true,
    });
    client.on('error', () => this.comeBack(client));
    client.on('end', () => this.comeBack(client));
    client.on('notification', (message) => this.onPayload(message.payload ?? ''));
    this.client = client;
    try {
      await client.connect();
      await client.query(`listen isocenter_${this.channel}`);
      this.onGap();
    } catch {
      this.comeBack(client);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }

  private comeBack(client: pg.Client): void {
    if (this.isClosed || client !== this.client || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void client.end().catch(() => undefined);
      void this.start();
    }, reconnectMilliseconds);
  }
}
