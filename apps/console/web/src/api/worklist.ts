import { requestJson } from './request.js';
import type { WorklistItem } from './worklist-item.js';

export interface WorklistPage {
  items: WorklistItem[];
  total: number;
}

/** How many rows are asked for at once. */
export const worklistPageSize = 200;

export function listWorklist(offset: number, limit: number, signal?: AbortSignal): Promise<WorklistPage> {
  return requestJson<WorklistPage>(`/api/worklist?limit=${limit}&offset=${offset}`, signal ? { signal } : {});
}
