import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import { isIP } from 'node:net';
import { Access, type Identity, Who } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { HttpProblem } from '#libs/server';
import { readBody } from '../worklist/reader-bodies.js';
import { AllowedAddresses } from '../outbound/allowed-address.js';
import { Webhooks } from './webhooks.js';
import { changedWebhookBody, newWebhookBody, type Webhook, type WebhookDelivery } from './webhook.js';

const listedMax = 200;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Who is told of results and escalations. */
@Controller('api/webhooks')
@Access('admin')
export class WebhooksController {
  private readonly addresses: AllowedAddresses;

  constructor(
    private readonly webhooks: Webhooks,
    @Inject(CONFIG) config: Config,
  ) {
    this.addresses = new AllowedAddresses(config.webhookNetworks);
  }

  @Get()
  async list(): Promise<{ webhooks: Webhook[] }> {
    return { webhooks: await this.webhooks.list() };
  }

  /** The answer is the only one that ever shows the secret. */
  @Post()
  create(@Body() body: unknown, @Who() { name }: Identity): Promise<Webhook & { secret: string }> {
    const settings = readBody(newWebhookBody, body);
    this.checkUrl(settings.url);
    return this.webhooks.create(settings, name ?? null);
  }

  @Get('deliveries')
  async deliveries(
    @Query('webhook') webhookId: string | undefined,
    @Query('state') state: string | undefined,
  ): Promise<{ deliveries: WebhookDelivery[] }> {
    if (state !== undefined && !['waiting', 'delivered', 'dead'].includes(state)) {
      throw new HttpProblem(400, 'Bad Request', '"state" is one of waiting, delivered, dead.');
    }
    const filter = { webhookId: webhookId === undefined ? undefined : id(webhookId), state, limit: listedMax };
    return { deliveries: await this.webhooks.deliveries(filter) };
  }

  @Get('deliveries/:deliveryId')
  async delivery(@Param('deliveryId') deliveryId: string): Promise<WebhookDelivery> {
    return (await this.webhooks.delivery(id(deliveryId))) ?? notFound('delivery');
  }

  @Post('deliveries/:deliveryId/retry')
  @HttpCode(202)
  async retryDelivery(@Param('deliveryId') deliveryId: string): Promise<WebhookDelivery> {
    const retried = await this.webhooks.retry({ deliveryId: id(deliveryId) });
    const delivery = (await this.webhooks.delivery(deliveryId)) ?? notFound('delivery');
    if (retried > 0) return delivery;
    throw new HttpProblem(409, 'Conflict', `The delivery is ${delivery.state}: only what was given up is sent again.`);
  }

  @Get(':webhookId')
  async get(@Param('webhookId') webhookId: string): Promise<Webhook> {
    return (await this.webhooks.get(id(webhookId))) ?? notFound('webhook');
  }

  @Patch(':webhookId')
  async change(@Param('webhookId') webhookId: string, @Body() body: unknown): Promise<Webhook> {
    const before = (await this.webhooks.get(id(webhookId))) ?? notFound('webhook');
    const given = Object.fromEntries(
      Object.entries(readBody(changedWebhookBody, body)).filter(([, value]) => value !== undefined),
    );
    const settings = { ...before, ...given };
    this.checkUrl(settings.url);
    return (await this.webhooks.change(webhookId, settings)) ?? notFound('webhook');
  }

  @Delete(':webhookId')
  @HttpCode(204)
  async remove(@Param('webhookId') webhookId: string): Promise<void> {
    if (!(await this.webhooks.remove(id(webhookId)))) notFound('webhook');
  }

  @Post(':webhookId/secret')
  async renewSecret(@Param('webhookId') webhookId: string): Promise<{ secret: string }> {
    return { secret: (await this.webhooks.renewSecret(id(webhookId))) ?? notFound('webhook') };
  }

  @Post(':webhookId/test')
  @HttpCode(202)
  async test(@Param('webhookId') webhookId: string): Promise<{ deliveryId: string }> {
    return { deliveryId: (await this.webhooks.test(id(webhookId))) ?? notFound('webhook') };
  }

  /** Sends again all that was given up. */
  @Post(':webhookId/retry')
  @HttpCode(202)
  async retryAll(@Param('webhookId') webhookId: string): Promise<{ retried: number }> {
    if ((await this.webhooks.get(id(webhookId))) === undefined) notFound('webhook');
    return { retried: await this.webhooks.retry({ webhookId }) };
  }

  /** What an address says by itself is said at once; what a name stands for is looked at with each delivery. */
  private checkUrl(text: string): void {
    const { hostname, protocol } = new URL(text);
    const address = hostname.replace(/^\[(.*)\]$/, '$1');
    const literal = address === 'localhost' ? '127.0.0.1' : address;
    if (isIP(literal) === 0 || this.addresses.has(literal, protocol === 'http:')) return;
    throw new HttpProblem(
      400,
      'Not allowed',
      `Nothing is sent to ${address}${protocol === 'http:' ? ' over http' : ''} unless ISOCENTER_WEBHOOK_NETWORKS names its network.`,
    );
  }
}

function id(text: string): string {
  if (uuid.test(text)) return text;
  throw new HttpProblem(404, 'Not Found', 'There is nothing of that name.');
}

function notFound(what: string): never {
  throw new HttpProblem(404, 'Not Found', `There is no such ${what}.`);
}
