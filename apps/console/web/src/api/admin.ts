import { requestJson } from './request.js';

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

export const listRules = (signal: AbortSignal): Promise<{ match: 'all' | 'first'; rules: RoutingRule[] }> =>
  requestJson('/api/rules', { signal });

export const getStorage = (signal: AbortSignal): Promise<Record<string, unknown>> =>
  requestJson('/api/storage', { signal });
