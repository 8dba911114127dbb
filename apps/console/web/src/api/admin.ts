import { requestJson } from './request.js';

/** A model that inference workers have registered, and what it did. */
export interface RegisteredModel {
  model: string;
  version: string;
  specialty: string;
  sha256: string;
  isCurrent: boolean;
  registeredAt: string;
  title: string | null;
  intendedUse: string | null;
  limits: string[];
  licence: string | null;
  tasks: { scheduled: number; inProgress: number; completed: number; canceled: number };
  outcomes: { positive: number; negative: number; inconclusive: number };
}

export interface RoutingRule {
  ruleId: string;
  version: number;
  position: number;
  name: string;
  isEnabled: boolean;
  /** As it was written; `problem` says why it cannot be used, if so. */
  definition: unknown;
  problem: string | null;
}

export const listModels = (signal: AbortSignal): Promise<{ models: RegisteredModel[] }> =>
  requestJson('/api/models', { signal });

export const listRules = (signal: AbortSignal): Promise<{ match: 'all' | 'first'; rules: RoutingRule[] }> =>
  requestJson('/api/rules', { signal });

export const getStorage = (signal: AbortSignal): Promise<Record<string, unknown>> =>
  requestJson('/api/storage', { signal });
