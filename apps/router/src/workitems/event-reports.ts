import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CONFIG, type Config } from '#libs/config';
import { DATABASE_URL, DataSource, Listener } from '#libs/database';
import { HttpProblem, serveWebSockets, type WebSocketConnection } from '#libs/server';
import { type Logger, LOGGER } from '#libs/telemetry';
import {
  readUpsEvents,
  recentUpsEventKeys,
  subscribedSince,
  toEventReport,
  type UpsEvent,
  upsEventType,
  wellKnownWorklists,
} from '#libs/workitems';
import type { FastifyRequest } from 'fastify';
import { aeTitle } from './ae-title.js';

export const connectionsMax = 200;
const keysPerRead = 500;
/** After a loss of the database's connection, events of so long ago are looked through for what was missed. */
const gapSecondsMax = 600;
/** Keys of events heard of, to know what was missed: more than come in that time. */
const keysRemembered = 50_000;
const retryMilliseconds = 1_000;
const farewellMilliseconds = 1_000;

/**
 * Sends event reports on workitems to who has subscribed and is connected (PS3.18 8.10.4, 8.10.5, 11.13), whichever
 * process changed them. Of one workitem they come in the order of its changes. Nothing is kept for who is not connected:
 * PS3.18 asks for no more, and what a workitem has come to is found by searching.
 */
@Injectable()
export class EventReports implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly clients = new Map<string, Set<Client>>();
  private numberOfClients = 0;
  private readonly listener: Listener;
  private readonly startedAt = new Date();
  /** Who has been told that this process is not the one it was connected to before. */
  private readonly greeted = new Set<string>();
  private readonly heard = new Set<number>();
  private pending: number[] = [];
  private delivering: Promise<void> | undefined;
  private isClosed = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly host: HttpAdapterHost,
    @Inject(DATABASE_URL) url: string,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.listener = new Listener(
      url,
      'ups',
      (eventKey) => this.hear([Number(eventKey)]),
      () => void this.hearMissed(),
    );
  }

  onModuleInit(): void {
    serveWebSockets(
      this.host,
      this.config,
      '/dicom-web/subscribers/:aet',
      (request) => this.check(request),
      (connection, request) => this.open(connection, aetOf(request)),
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.listener.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    await this.listener.close();
    await this.delivering;
    const clients = [...this.clients.values()].flatMap((set) => [...set]);
    for (const client of clients) {
      client.send(scpStatus('GOING DOWN'));
      client.connection.close(1001, 'The server stops.');
    }
    const end = Date.now() + farewellMilliseconds;
    while (this.numberOfClients > 0 && Date.now() < end) await sleep(20);
    for (const client of clients) client.connection.terminate();
  }

  private check(request: FastifyRequest): void {
    aetOf(request);
    if (this.numberOfClients >= connectionsMax || this.isClosed) {
      const detail = 'No more notification connections can be served here; try again later.';
      throw new HttpProblem(503, 'Service Unavailable', detail, {}, { 'retry-after': '30' });
    }
  }

  private open(connection: WebSocketConnection, aet: string): void {
    const client = new Client(connection);
    const ofAet = this.clients.get(aet) ?? new Set();
    this.clients.set(aet, ofAet.add(client));
    this.numberOfClients += 1;
    connection.onClosed(() => {
      ofAet.delete(client);
      if (ofAet.size === 0 && this.clients.get(aet) === ofAet) this.clients.delete(aet);
      this.numberOfClients -= 1;
    });
    void this.greet(client, aet);
  }

  /** Who subscribed before this process started may have missed something: it hears so once, and can search. */
  private async greet(client: Client, aet: string): Promise<void> {
    if (this.greeted.has(aet)) return;
    this.greeted.add(aet);
    try {
      const since = await subscribedSince(this.dataSource, aet);
      if (since !== undefined && since < this.startedAt) client.send(scpStatus('RESTARTED'));
    } catch (error) {
      this.greeted.delete(aet);
      this.logger.warn({ err: error }, 'notification connections');
    }
  }

  private hear(eventKeys: number[]): void {
    for (const key of eventKeys) {
      if (this.heard.has(key)) continue;
      this.heard.add(key);
      if (this.numberOfClients > 0) this.pending.push(key);
    }
    for (const key of this.heard) {
      if (this.heard.size <= keysRemembered) break;
      this.heard.delete(key);
    }
    this.deliver();
  }

  /** The connection to the database is there (again): what was said meanwhile is read from the table. */
  private async hearMissed(): Promise<void> {
    if (this.numberOfClients === 0) return;
    const upSeconds = (Date.now() - this.startedAt.getTime()) / 1000;
    try {
      this.hear(await recentUpsEventKeys(this.dataSource, Math.min(gapSecondsMax, upSeconds)));
    } catch (error) {
      this.logger.warn({ err: error }, 'event reports that may have been missed could not be read');
    }
  }

  private deliver(): void {
    this.delivering ??= this.deliverAll().finally(() => {
      this.delivering = undefined;
      if (this.pending.length > 0 && !this.isClosed) this.deliver();
    });
  }

  private async deliverAll(): Promise<void> {
    while (this.pending.length > 0 && !this.isClosed) {
      const keys = this.pending.slice(0, keysPerRead);
      const aets = [...this.clients.keys()];
      try {
        const events = aets.length === 0 ? [] : await readUpsEvents(this.dataSource, aets, keys);
        for (const event of events) this.send(event);
        this.pending.splice(0, keys.length);
      } catch (error) {
        // The database is away for a moment; the events wait in it.
        this.logger.warn({ err: error }, 'event reports');
        await sleep(retryMilliseconds);
      }
    }
  }

  private send(event: UpsEvent): void {
    for (const client of this.clients.get(event.subscriberAet) ?? []) client.send(event);
  }
}

/** A connection and its count of messages. */
class Client {
  private messageId = 0;

  constructor(readonly connection: WebSocketConnection) {}

  send(event: Pick<UpsEvent, 'workitemUid' | 'eventType' | 'content'>): void {
    this.messageId = (this.messageId % 0xffff) + 1;
    this.connection.send(JSON.stringify(toEventReport(event, this.messageId)));
  }
}

function aetOf(request: FastifyRequest): string {
  return aeTitle((request.params as { aet: string }).aet);
}

/** SCP Status Change (PS3.4 table CC.2.4-1); subscriptions and workitems survive a restart. */
function scpStatus(status: 'RESTARTED' | 'GOING DOWN'): Pick<UpsEvent, 'workitemUid' | 'eventType' | 'content'> {
  return {
    workitemUid: wellKnownWorklists.all,
    eventType: upsEventType.scpStatusChange,
    content: {
      '00741242': { vr: 'CS', Value: [status] },
      ...(status === 'RESTARTED' && {
        '00741244': { vr: 'CS', Value: ['WARM START'] },
        '00741246': { vr: 'CS', Value: ['WARM START'] },
      }),
    },
  };
}
