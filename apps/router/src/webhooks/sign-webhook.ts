import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';

/** 32 random bytes, written as the Standard Webhooks specification has it. */
export function newSecret(): string {
  return prefix + randomBytes(32).toString('base64');
}

/**
 * The headers that prove a delivery (Standard Webhooks 1.0): HMAC-SHA-256 over id, time and body. The id is the same at
 * every attempt, so that a receiver that has seen it can say so; the time is the attempt's, so that an old one that
 * somebody kept is worth nothing.
 */
export function signWebhook(secret: string, deliveryId: string, at: Date, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const key = Buffer.from(secret.slice(prefix.length), 'base64');
  const signature = createHmac('sha256', key).update(`${deliveryId}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': deliveryId, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
