import type { WorklistPage, WorklistQuestion } from '../api/worklist.js';
import type { WorklistItem } from '../api/worklist-item.js';
import { appendWorklistPage, compareWorklistItems, placeWorklistItem } from './order-worklist.js';

export interface WorklistState {
  question: WorklistQuestion;
  items: WorklistItem[];
  /** How many the server has, counted up to a thousand; the items loaded may be fewer. */
  total: number;
  isTotalExact: boolean;
  /** Where the next page begins; null: all there is is loaded. */
  next: string | null;
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
  | { type: 'load-started'; question: WorklistQuestion }
  | { type: 'loaded'; page: WorklistPage; isFirst: boolean; at: number }
  | { type: 'failed'; error: Error }
  | { type: 'item'; item: WorklistItem; at: number };

export const wholeWorklist: WorklistQuestion = {
  scope: '',
  specialty: '',
  modality: '',
  bodyPart: '',
  ai: '',
  reader: '',
};

export const emptyWorklist: WorklistState = {
  question: wholeWorklist,
  items: [],
  total: 0,
  isTotalExact: true,
  next: null,
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
      return isSame(action.question, state.question)
        ? { ...state, meanwhile: [] }
        : { ...emptyWorklist, question: action.question, meanwhile: [] };
    case 'loaded': {
      const { page, isFirst, at } = action;
      const loaded: WorklistState = {
        ...state,
        items: isFirst ? page.items : appendWorklistPage(state.items, page.items),
        total: page.total,
        isTotalExact: page.isTotalExact,
        next: page.next,
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
  const others = state.items.filter((other) => other.studyInstanceUid !== item.studyInstanceUid);
  const last = others.at(-1);
  const isBehind = state.next !== null && last !== undefined && compareWorklistItems(last, item) < 0;
  if (!belongsTo(state.question, item)) {
    return { ...state, items: others, total: isKnown ? state.total - 1 : state.total, updatedAt: at };
  }
  // What belongs behind the pages that are loaded comes with its page; whether it is new cannot be known here.
  if (isBehind) return { ...state, items: others, updatedAt: at };
  return {
    ...state,
    items: placeWorklistItem(state.items, item),
    total: isKnown ? state.total : state.total + 1,
    updatedAt: at,
    changedAt: new Map(state.changedAt).set(item.studyInstanceUid, at),
  };
}

/** Whether the answer to the question has a study; one that was read leaves the list of what is to be read. */
function belongsTo(question: WorklistQuestion, item: WorklistItem): boolean {
  if (question.specialty !== '' && item.specialty !== question.specialty) return false;
  if (question.modality !== '' && !item.modalities.includes(question.modality)) return false;
  if (question.bodyPart !== '' && !item.bodyParts.includes(question.bodyPart)) return false;
  if (question.ai !== '' && item.ai.state !== question.ai) return false;
  const isOpen = item.state === 'SCHEDULED' || item.state === 'IN PROGRESS';
  switch (question.scope) {
    case 'all':
      return true;
    case 'completed':
      return item.state === 'COMPLETED';
    case 'mine':
      return isOpen && item.performer === question.reader;
    case '':
      return isOpen;
  }
}

function isSame(a: WorklistQuestion, b: WorklistQuestion): boolean {
  return (Object.keys(a) as (keyof WorklistQuestion)[]).every((name) => a[name] === b[name]);
}
