import type { WorkitemState } from '#libs/workitems';
import type { WorklistFilter } from './find-worklist.js';
import { type AiState, aiStates } from './worklist-item.js';

export const worklistLimits = { limitDefault: 100, limitMax: 500, offsetMax: 1_000_000, valuesMax: 50 } as const;

export interface WorklistQuery {
  filter: WorklistFilter;
  limit: number;
  offset: number;
}

export class WorklistQueryError extends Error {
  readonly code = 'invalid-worklist-query';
}

const workitemStates: readonly WorkitemState[] = ['SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED'];
const known = ['specialty', 'modality', 'state', 'ai', 'limit', 'offset'];

/**
 * `?specialty=&modality=&state=&ai=&limit=&offset=`; lists are separated by commas; empty means not asked for. Without
 * `state` the open tasks (SCHEDULED, IN PROGRESS); `state=all` for every one.
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
      state:
        states === undefined
          ? ['SCHEDULED', 'IN PROGRESS']
          : states.includes('ALL')
            ? undefined
            : states.map((state) => oneOf('state', state, workitemStates)),
      ai: list(raw, 'ai')?.map((state): AiState => oneOf('ai', state, aiStates)),
    },
    limit: whole(raw, 'limit', worklistLimits.limitDefault, 1, worklistLimits.limitMax),
    offset: whole(raw, 'offset', 0, 0, worklistLimits.offsetMax),
  };
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
