import type { Priority, WorkitemState } from '#libs/workitems';
import type { WorklistFilter, WorklistPlace } from './find-worklist.js';
import { type AiState, aiStates } from './worklist-item.js';

export const worklistLimits = { limitDefault: 100, limitMax: 500, valuesMax: 50 } as const;

export interface WorklistQuery {
  filter: WorklistFilter;
  /** Only what whoever asks reads or has read. */
  isMine: boolean;
  limit: number;
  after: WorklistPlace | undefined;
}

export class WorklistQueryError extends Error {
  readonly code = 'invalid-worklist-query';
}

const workitemStates: readonly WorkitemState[] = ['SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED'];
const priorities: readonly Priority[] = ['HIGH', 'MEDIUM', 'LOW'];
const known = ['specialty', 'modality', 'bodyPart', 'priority', 'state', 'ai', 'reader', 'mine', 'limit', 'after'];

/**
 * `?specialty=&modality=&bodyPart=&priority=&state=&ai=&reader=&mine=&limit=&after=`; lists are separated by commas; empty
 * means not asked for. Without `state` the open tasks (SCHEDULED, IN PROGRESS); `state=all` for every one. `after` is
 * the `next` of the page before.
 * @throws WorklistQueryError naming the parameter and what it may be
 */
export function parseWorklistQuery(raw: Record<string, unknown>): WorklistQuery {
  const unknown = Object.keys(raw).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new WorklistQueryError(`There is no parameter "${unknown.slice(0, 50)}"; there are ${known.join(', ')}.`);
  }
  const states = list(raw, 'state')?.map((state) => state.toUpperCase());
  return {
    filter: {
      specialty: list(raw, 'specialty')?.map((specialty) => specialty.toLowerCase()),
      modality: list(raw, 'modality')?.map((modality) => modality.toUpperCase()),
      bodyPart: list(raw, 'bodyPart')?.map((bodyPart) => bodyPart.toUpperCase()),
      priority: list(raw, 'priority')?.map((priority) => oneOf('priority', priority.toUpperCase(), priorities)),
      performer: list(raw, 'reader'),
      state:
        states === undefined
          ? ['SCHEDULED', 'IN PROGRESS']
          : states.includes('ALL')
            ? undefined
            : states.map((state) => oneOf('state', state, workitemStates)),
      ai: list(raw, 'ai')?.map((state): AiState => oneOf('ai', state, aiStates)),
    },
    limit: whole(raw, 'limit', worklistLimits.limitDefault, 1, worklistLimits.limitMax),
    isMine: oneOf('mine', list(raw, 'mine')?.[0] ?? 'false', ['true', 'false']) === 'true',
    after: readPlace(raw['after']),
  };
}

/** What {@link readPlace} takes: a text that says nothing to clients. */
export function writePlace({ rank, place, workitemKey }: WorklistPlace): string {
  return Buffer.from(`${rank} ${place} ${workitemKey}`).toString('base64url');
}

function readPlace(text: unknown): WorklistPlace | undefined {
  if (text === undefined || text === '') return undefined;
  const parts = typeof text === 'string' && text.length <= 100 ? Buffer.from(text, 'base64url').toString() : '';
  const [rank, place, workitemKey] = (/^([0-3]) (-?\d{1,16}) (\d{1,16})$/.exec(parts) ?? []).slice(1).map(Number);
  if (rank === undefined || place === undefined || workitemKey === undefined) {
    throw new WorklistQueryError('"after" is the "next" of the page before, as it was given.');
  }
  return { rank, place, workitemKey };
}

function list(raw: Record<string, unknown>, name: string): string[] | undefined {
  const given = raw[name];
  const texts = Array.isArray(given) ? given : [given];
  const values = texts
    .flatMap((text) => (typeof text === 'string' ? text.split(',') : []))
    .map((value) => value.trim())
    .filter((value) => value !== '');
  if (values.length > worklistLimits.valuesMax) {
    throw new WorklistQueryError(`"${name}" has ${values.length} values; ${worklistLimits.valuesMax} are allowed.`);
  }
  return values.length > 0 ? values : undefined;
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) {
    throw new WorklistQueryError(`"${name}" is one of ${allowed.join(', ')}, not "${value.slice(0, 50)}".`);
  }
  return found;
}

function whole(raw: Record<string, unknown>, name: string, fallback: number, least: number, most: number): number {
  const text = raw[name];
  if (text === undefined || text === '') return fallback;
  const value = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new WorklistQueryError(`"${name}" is a whole number from ${least} to ${most}.`);
  }
  return value;
}
