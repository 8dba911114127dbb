import { requestJson } from './request.js';
import type { WorklistItem } from './worklist-item.js';

export interface WorklistPage {
  items: WorklistItem[];
  total: number;
}

/** How many rows are asked for at once, and the most the server gives. */
export const worklistPageSize = 200;
export const worklistPageSizeMax = 500;

/** Which reading tasks are listed: `''` those still to be read, `completed` those read, `all` every one. */
export type ReadingScope = '' | 'completed' | 'all';

export function listWorklist(
  scope: ReadingScope,
  offset: number,
  limit: number,
  signal?: AbortSignal,
): Promise<WorklistPage> {
  const state = scope === '' ? '' : `&state=${scope}`;
  return requestJson<WorklistPage>(`/api/worklist?limit=${limit}&offset=${offset}${state}`, signal ? { signal } : {});
}
