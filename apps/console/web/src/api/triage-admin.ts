import { request, requestJson } from './request.js';

export interface ServiceLevel {
  specialty: string;
  priority: string;
  readWithinMinutes: number;
  escalateBeforeMinutes: number;
  updatedBy: string | null;
}

export interface Webhook {
  webhookId: string;
  name: string;
  url: string;
  events: string[];
  specialties: string[] | null;
  isEnabled: boolean;
  deliveries: { waiting: number; delivered: number; dead: number };
}

export interface WebhookDelivery {
  deliveryId: string;
  webhookId: string;
  event: string;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  status: number | null;
  problem: string | null;
  createdAt: string;
}

interface Figure {
  samples: number;
  medianSeconds: number | null;
  p95Seconds: number | null;
}

export interface StudyFigures {
  specialty: string | null;
  priority: string;
  arrived: number;
  open: number;
  overdue: number;
  readInTime: number | null;
  arrivalToResult: Figure;
  arrivalToRead: Figure;
}

export const listLevels = (signal: AbortSignal): Promise<{ levels: ServiceLevel[] }> =>
  requestJson('/api/service-levels', { signal });

export async function setLevel(level: Omit<ServiceLevel, 'updatedBy'>): Promise<void> {
  const { specialty, priority, ...body } = level;
  await request(`/api/service-levels/${encodeURIComponent(specialty)}/${priority}`, { method: 'PUT', body });
}

export async function removeLevel({ specialty, priority }: ServiceLevel): Promise<void> {
  await request(`/api/service-levels/${encodeURIComponent(specialty)}/${priority}`, { method: 'DELETE' });
}

export interface WebhookOverview {
  webhooks: Webhook[];
  dead: WebhookDelivery[];
}

export async function listWebhooks(signal: AbortSignal): Promise<WebhookOverview> {
  const [{ webhooks }, { deliveries }] = await Promise.all([
    requestJson<{ webhooks: Webhook[] }>('/api/webhooks', { signal }),
    requestJson<{ deliveries: WebhookDelivery[] }>('/api/webhooks/deliveries?state=dead', { signal }),
  ]);
  return { webhooks, dead: deliveries };
}

/** @returns the secret, which is shown once */
export async function createWebhook(name: string, url: string, events: string[]): Promise<string> {
  const created = await requestJson<{ secret: string }>('/api/webhooks', {
    method: 'POST',
    body: { name, url, events },
  });
  return created.secret;
}

const act = (path: string, method: 'POST' | 'DELETE'): Promise<Response> => request(path, { method });
export const testWebhook = (id: string): Promise<Response> => act(`/api/webhooks/${id}/test`, 'POST');
export const removeWebhook = (id: string): Promise<Response> => act(`/api/webhooks/${id}`, 'DELETE');
export const retryDelivery = (id: string): Promise<Response> => act(`/api/webhooks/deliveries/${id}/retry`, 'POST');

export const listFigures = (signal: AbortSignal): Promise<{ days: number; figures: StudyFigures[] }> =>
  requestJson('/api/figures', { signal });
