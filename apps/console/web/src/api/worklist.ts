import { requestJson } from './request.js';
import type { WorklistItem } from './worklist-item.js';

export interface WorklistPage {
  items: WorklistItem[];
  /** Where the next page begins; null: there is none. */
  next: string | null;
  /** Counted up to a thousand. */
  total: number;
  isTotalExact: boolean;
}

/** How many rows are asked for at once, and the most the server gives. */
export const worklistPageSize = 100;
export const worklistPageSizeMax = 500;

/** Which reading tasks are listed: `''` those still to be read, `mine` of them one's own, `completed` those read, `all` every one. */
export type ReadingScope = '' | 'mine' | 'completed' | 'all';

/** What the server is asked for; empty strings let everything through. */
export interface WorklistQuestion {
  scope: ReadingScope;
  specialty: string;
  modality: string;
  bodyPart: string;
  ai: string;
  /** In whose name "mine" is asked, where the token does not say. */
  reader: string;
}

export function listWorklist(
  question: WorklistQuestion,
  after: string | null,
  limit: number,
  signal?: AbortSignal,
): Promise<WorklistPage> {
  const { scope, reader, ...filters } = question;
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(filters)) if (value !== '') query.set(name, value);
  if (scope === 'completed' || scope === 'all') query.set('state', scope);
  if (scope === 'mine') query.set('mine', 'true');
  if (after !== null) query.set('after', after);
  return requestJson<WorklistPage>(`/api/worklist?${query.toString()}`, {
    ...(signal ? { signal } : {}),
    ...(scope === 'mine' && reader !== '' ? { headers: { 'x-reader': reader } } : {}),
  });
}

/** The values the open studies have, with how many each. */
export type WorklistChoices = Record<'specialty' | 'modality' | 'bodyPart' | 'ai', { value: string; count: number }[]>;

export const listChoices = (signal: AbortSignal): Promise<WorklistChoices> =>
  requestJson('/api/worklist/choices', { signal });
