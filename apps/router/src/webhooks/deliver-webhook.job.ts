import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, execute, query } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { AllowedAddresses } from '../outbound/allowed-address.js';
import { postWebhook, WebhookError } from './post-webhook.js';
import { signWebhook } from './sign-webhook.js';

interface WaitingDelivery {
  url: string;
  secret: string;
  event: string;
  body: string;
}

/** Brings deliveries to their receivers; the queue tries again, with growing pauses, what fails. */
@Injectable()
export class DeliverWebhookJob {
  private readonly addresses: AllowedAddresses;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) config: Config,
  ) {
    this.addresses = new AllowedAddresses(config.webhookNetworks);
  }

  @OnJob('deliver-webhook')
  async deliver({
    payload: { deliveryId },
    signal,
  }: Pick<Job<'deliver-webhook'>, 'payload' | 'signal'>): Promise<void> {
    const [waiting] = await query<WaitingDelivery>(
      this.dataSource,
      `select h.url, h.secret, d.event, d.body from webhook_delivery d join webhook h using (webhook_id)
        where d.delivery_id = $1 and d.state = 'waiting'`,
      [deliveryId],
    );
    // Its webhook was deleted, or a run that was cut had got through.
    if (waiting === undefined) return;
    try {
      const headers = signWebhook(waiting.secret, deliveryId, new Date(), waiting.body);
      const status = await postWebhook(waiting.url, headers, waiting.body, this.addresses, signal);
      await execute(
        this.dataSource,
        `update webhook_delivery
            set state = 'delivered', attempts = attempts + 1, status = $2, problem = null,
                last_attempt_at = clock_timestamp(), delivered_at = clock_timestamp()
          where delivery_id = $1 and state = 'waiting'`,
        [deliveryId, status],
      );
    } catch (error) {
      // The process stops: no fault of the receiver's, and no attempt.
      if (signal.aborted) throw error;
      await execute(
        this.dataSource,
        `update webhook_delivery
            set attempts = attempts + 1, status = $2, problem = $3, last_attempt_at = clock_timestamp()
          where delivery_id = $1 and state = 'waiting'`,
        [
          deliveryId,
          error instanceof WebhookError ? error.status : null,
          error instanceof Error ? error.message : String(error),
        ],
      );
      throw error;
    }
  }

  @OnJob('webhook-undelivered')
  async giveUp({ payload: { deliveryId } }: Pick<Job<'webhook-undelivered'>, 'payload'>): Promise<void> {
    await execute(
      this.dataSource,
      `update webhook_delivery set state = 'dead', problem = coalesce(problem, 'No attempt came to an end.')
        where delivery_id = $1 and state = 'waiting'`,
      [deliveryId],
    );
  }
}
