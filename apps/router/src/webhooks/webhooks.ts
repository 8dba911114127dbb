import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, execute, query, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { newSecret } from './sign-webhook.js';
import { tellWebhooks } from './tell-webhooks.js';
import type { Webhook, WebhookDelivery } from './webhook.js';

interface WebhookRow {
  webhook_id: string;
  name: string;
  url: string;
  events: string[];
  specialties: string[] | null;
  is_enabled: boolean;
  created_by: string | null;
  created_at: Date;
  updated_at: Date;
  waiting: number;
  delivered: number;
  dead: number;
}

interface DeliveryRow {
  delivery_id: string;
  webhook_id: string;
  event: string;
  state: WebhookDelivery['state'];
  attempts: number;
  status: number | null;
  problem: string | null;
  created_at: Date;
  last_attempt_at: Date | null;
  delivered_at: Date | null;
  body: string;
}

export type WebhookSettings = Pick<Webhook, 'name' | 'url' | 'events' | 'specialties' | 'isEnabled'>;

/** Who is told of what, and what became of it. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  async list(): Promise<Webhook[]> {
    return (await this.read(null)).map(toWebhook);
  }

  async get(webhookId: string): Promise<Webhook | undefined> {
    const [row] = await this.read(webhookId);
    return row && toWebhook(row);
  }

  /** @returns the webhook with its secret, which nobody sees again */
  async create(settings: WebhookSettings, createdBy: string | null): Promise<Webhook & { secret: string }> {
    const webhookId = randomUUID();
    const secret = newSecret();
    await query(
      this.dataSource,
      `insert into webhook (webhook_id, name, url, events, specialties, secret, is_enabled, created_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        webhookId,
        settings.name,
        settings.url,
        settings.events,
        settings.specialties,
        secret,
        settings.isEnabled,
        createdBy,
      ],
    );
    return { ...(await this.get(webhookId))!, secret };
  }

  /** @returns undefined: there is none */
  async change(webhookId: string, settings: WebhookSettings): Promise<Webhook | undefined> {
    await execute(
      this.dataSource,
      `update webhook set name = $2, url = $3, events = $4, specialties = $5, is_enabled = $6, updated_at = now()
        where webhook_id = $1`,
      [webhookId, settings.name, settings.url, settings.events, settings.specialties, settings.isEnabled],
    );
    return this.get(webhookId);
  }

  /** Another secret; what is signed from now on is signed with it. @returns undefined: there is no such webhook */
  async renewSecret(webhookId: string): Promise<string | undefined> {
    const secret = newSecret();
    const changed = await execute(
      this.dataSource,
      'update webhook set secret = $2, updated_at = now() where webhook_id = $1',
      [webhookId, secret],
    );
    return changed > 0 ? secret : undefined;
  }

  /** With what was on its way to it. */
  async remove(webhookId: string): Promise<boolean> {
    return (await execute(this.dataSource, 'delete from webhook where webhook_id = $1', [webhookId])) > 0;
  }

  /** @returns the delivery that is on its way now; undefined: there is no such webhook */
  async test(webhookId: string): Promise<string | undefined> {
    const [deliveryId] = await transaction(this.dataSource, (tx) =>
      tellWebhooks(tx, this.jobs, { type: 'test', key: randomUUID(), specialty: null, data: {} }, webhookId),
    );
    return deliveryId;
  }

  /** The newest first. @param after the last one of the page before */
  async deliveries(filter: {
    webhookId?: string | undefined;
    state?: string | undefined;
    limit: number;
  }): Promise<WebhookDelivery[]> {
    const rows = await query<DeliveryRow>(
      this.dataSource,
      `select * from webhook_delivery
        where ($1::uuid is null or webhook_id = $1) and ($2::text is null or state = $2)
        order by created_at desc, delivery_id desc limit $3`,
      [filter.webhookId ?? null, filter.state ?? null, filter.limit],
    );
    return rows.map(toDelivery);
  }

  /** Sends again what was given up. @returns how many; those of one webhook, or one delivery */
  async retry(which: { webhookId: string } | { deliveryId: string }): Promise<number> {
    return transaction(this.dataSource, async (tx) => {
      const rows = await query<{ delivery_id: string }>(
        tx,
        `update webhook_delivery set state = 'waiting'
          where state = 'dead' and ${'webhookId' in which ? 'webhook_id' : 'delivery_id'} = $1
         returning delivery_id`,
        ['webhookId' in which ? which.webhookId : which.deliveryId],
      );
      for (const row of rows) await this.jobs.send(tx, 'deliver-webhook', { deliveryId: row.delivery_id });
      return rows.length;
    });
  }

  async delivery(deliveryId: string): Promise<WebhookDelivery | undefined> {
    const [row] = await query<DeliveryRow>(this.dataSource, 'select * from webhook_delivery where delivery_id = $1', [
      deliveryId,
    ]);
    return row && toDelivery(row);
  }

  private read(webhookId: string | null): Promise<WebhookRow[]> {
    return query<WebhookRow>(
      this.dataSource,
      `select h.webhook_id, h.name, h.url, h.events, h.specialties, h.is_enabled, h.created_by, h.created_at,
              h.updated_at, d.*
         from webhook h
        cross join lateral (
          select count(*) filter (where state = 'waiting')::integer as waiting,
                 count(*) filter (where state = 'delivered')::integer as delivered,
                 count(*) filter (where state = 'dead')::integer as dead
            from webhook_delivery d where d.webhook_id = h.webhook_id) d
        where $1::uuid is null or h.webhook_id = $1
        order by h.created_at, h.webhook_id`,
      [webhookId],
    );
  }
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    webhookId: row.webhook_id,
    name: row.name,
    url: row.url,
    events: row.events,
    specialties: row.specialties,
    isEnabled: row.is_enabled,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    deliveries: { waiting: row.waiting, delivered: row.delivered, dead: row.dead },
  };
}

function toDelivery(row: DeliveryRow): WebhookDelivery {
  return {
    deliveryId: row.delivery_id,
    webhookId: row.webhook_id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    status: row.status,
    problem: row.problem,
    createdAt: row.created_at.toISOString(),
    lastAttemptAt: row.last_attempt_at?.toISOString() ?? null,
    deliveredAt: row.delivered_at?.toISOString() ?? null,
    body: JSON.parse(row.body),
  };
}
