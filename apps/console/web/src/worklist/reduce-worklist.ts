import type { ReadingScope, WorklistPage } from '../api/worklist.js';
import type { WorklistItem } from '../api/worklist-item.js';
import { appendWorklistPage, placeWorklistItem } from './order-worklist.js';

export interface WorklistState {
  scope: ReadingScope;
  items: WorklistItem[];
  /** How many the server has; the items loaded may be fewer. */
  total: number;
  hasLoaded: boolean;
  error: Error | undefined;
  /** Milliseconds since the epoch: the last time the list was known to be right. */
  updatedAt: number | undefined;
  /** Study Instance UID and time of the last live change of each row, for the highlight. */
  changedAt: ReadonlyMap<string, number>;
  /** What came over the event stream while a list was on its way: it may be newer than that list. */
  meanwhile: WorklistItem[] | undefined;
}

export type WorklistAction =
  | { type: 'load-started'; scope: ReadingScope }
  | { type: 'loaded'; page: WorklistPage; offset: number; at: number }
  | { type: 'failed'; error: Error }
  | { type: 'item'; item: WorklistItem; at: number };

export const emptyWorklist: WorklistState = {
  scope: '',
  items: [],
  total: 0,
  hasLoaded: false,
  error: undefined,
  updatedAt: undefined,
  changedAt: new Map(),
  meanwhile: undefined,
};

/** The worklist after one thing happened. */
export function reduceWorklist(state: WorklistState, action: WorklistAction): WorklistState {
  switch (action.type) {
    case 'load-started':
      return action.scope === state.scope
        ? { ...state, meanwhile: [] }
        : { ...emptyWorklist, scope: action.scope, meanwhile: [] };
    case 'loaded': {
      const { page, offset, at } = action;
      const loaded: WorklistState = {
        ...state,
        items: offset === 0 ? page.items : appendWorklistPage(state.items, page.items),
        total: page.total,
        hasLoaded: true,
        error: undefined,
        updatedAt: at,
        meanwhile: undefined,
      };
      return (state.meanwhile ?? []).reduce((next, item) => placeItem(next, item, at), loaded);
    }
    case 'failed':
      return { ...state, error: action.error, meanwhile: undefined };
    case 'item': {
      const next = placeItem(state, action.item, action.at);
      return state.meanwhile ? { ...next, meanwhile: [...state.meanwhile, action.item] } : next;
    }
  }
}

function placeItem(state: WorklistState, item: WorklistItem, at: number): WorklistState {
  const isKnown = state.items.some((other) => other.studyInstanceUid === item.studyInstanceUid);
  if (!belongsTo(state.scope, item)) {
    const items = state.items.filter((other) => other.studyInstanceUid !== item.studyInstanceUid);
    return { ...state, items, total: isKnown ? state.total - 1 : state.total, updatedAt: at };
  }
  return {
    ...state,
    items: placeWorklistItem(state.items, item),
    total: isKnown ? state.total : state.total + 1,
    updatedAt: at,
    changedAt: new Map(state.changedAt).set(item.studyInstanceUid, at),
  };
}

/** Whether the list shows a task in this state; one that was read leaves the list of what is to be read. */
function belongsTo(scope: ReadingScope, item: WorklistItem): boolean {
  switch (scope) {
    case 'all':
      return true;
    case 'completed':
      return item.state === 'COMPLETED';
    case '':
      return item.state === 'SCHEDULED' || item.state === 'IN PROGRESS';
  }
}
