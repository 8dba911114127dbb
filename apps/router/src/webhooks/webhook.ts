import { z } from 'zod';

export const webhookEvents = ['result', 'escalation'] as const;
/** What a webhook can be told of; 'test' only when somebody asks for it. */
export type WebhookEvent = (typeof webhookEvents)[number] | 'test';

/** Who is told, as the API gives it out: the secret is shown once, by who makes it. */
export interface Webhook {
  webhookId: string;
  name: string;
  url: string;
  events: string[];
  /** Only of these; null: of all. */
  specialties: string[] | null;
  isEnabled: boolean;
  createdBy: string | null;
  createdAt: string;
  updatedAt: string;
  deliveries: { waiting: number; delivered: number; dead: number };
}

/** One event on its way to one webhook. */
export interface WebhookDelivery {
  deliveryId: string;
  webhookId: string;
  event: string;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  /** HTTP status of the last answer. */
  status: number | null;
  /** Why the last attempt failed. */
  problem: string | null;
  createdAt: string;
  lastAttemptAt: string | null;
  deliveredAt: string | null;
  body: unknown;
}

const url = z
  .string()
  .max(2000)
  .superRefine((text, context) => {
    const parsed = URL.parse(text);
    if (parsed === null || !['https:', 'http:'].includes(parsed.protocol)) {
      context.addIssue('an address such as https://ris.example.org/hooks/isocenter');
    } else if (parsed.username !== '' || parsed.password !== '') {
      context.addIssue('no user and password in the address: the signature says who sends');
    }
  });

const common = {
  name: z.string().trim().min(1).max(100),
  url,
  events: z.array(z.enum(webhookEvents)).min(1),
  specialties: z.array(z.string().min(1).max(64)).min(1).max(50).nullable(),
  isEnabled: z.boolean(),
};

export const newWebhookBody = z.strictObject({
  ...common,
  events: common.events.default([...webhookEvents]),
  specialties: common.specialties.default(null),
  isEnabled: common.isEnabled.default(true),
});

export const changedWebhookBody = z.strictObject(common).partial();
