import { queryPreparedIn, type Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import type { WebhookEvent } from './webhook.js';

/** Something that happened, for who wants to hear of it. Of a patient it says the study's UID and accession number. */
export interface Told {
  type: WebhookEvent;
  /** Of what: an event is told to a webhook once, however often it is sent here. */
  key: string;
  specialty: string | null;
  data: Record<string, unknown>;
}

/**
 * Sets an event on its way to the webhooks that asked for it, in the transaction of what happened.
 * @param webhookId this one, whatever it asked for
 */
export async function tellWebhooks(tx: Transaction, jobs: JobQueue, told: Told, webhookId?: string): Promise<string[]> {
  const { type, key, specialty, data } = told;
  const rows = await queryPreparedIn<{ delivery_id: string }>(
    tx,
    'tell webhooks',
    `insert into webhook_delivery (delivery_id, webhook_id, event, event_key, body)
     select gen_random_uuid(), webhook_id, $1, $2, $3 from webhook
      where case when $5::uuid is null
                 then is_enabled and $1 = any(events) and (specialties is null or $4 = any(specialties))
                 else webhook_id = $5 end
         on conflict on constraint uq_webhook_delivery_event do nothing
     returning delivery_id`,
    [type, key, JSON.stringify({ type, timestamp: new Date().toISOString(), data }), specialty, webhookId ?? null],
  );
  for (const row of rows) await jobs.send(tx, 'deliver-webhook', { deliveryId: row.delivery_id });
  return rows.map((row) => row.delivery_id);
}
