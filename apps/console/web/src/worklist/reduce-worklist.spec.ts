import { describe, expect, it } from '@jest/globals';
import {
  emptyWorklist,
  reduceWorklist,
  type WorklistAction,
  type WorklistState,
  wholeWorklist,
} from './reduce-worklist.js';
import { makeItem } from './worklist.fixture.js';

const after = (actions: WorklistAction[]): WorklistState => actions.reduce(reduceWorklist, emptyWorklist);
const page = (names: string[], next: string | null = null) => ({
  items: names.map((name) => makeItem(name)),
  next,
  total: names.length,
  isTotalExact: true,
});
const load = (...names: string[]): WorklistAction[] => [
  { type: 'load-started', question: wholeWorklist },
  { type: 'loaded', page: page(names), isFirst: true, at: 1 },
];
const names = (state: WorklistState) => state.items.map((item) => item.studyInstanceUid);

describe('reduceWorklist', () => {
  it('counts a new study, and a changed one not again', () => {
    const state = after([
      ...load('a'),
      { type: 'item', item: makeItem('b'), at: 2 },
      { type: 'item', item: makeItem('b', { priority: 'HIGH' }), at: 3 },
    ]);
    expect(names(state)).toEqual(['b', 'a']);
    expect(state.total).toBe(2);
    expect(state.changedAt.get('b')).toBe(3);
    expect(state.changedAt.has('a')).toBe(false);
  });

  it('takes a study that was read off the list of what is to be read', () => {
    const state = after([...load('a', 'b'), { type: 'item', item: makeItem('a', { state: 'COMPLETED' }), at: 2 }]);
    expect(names(state)).toEqual(['b']);
    expect(state.total).toBe(1);
  });

  it('does not count a read study that was never listed', () => {
    const state = after([...load('a'), { type: 'item', item: makeItem('x', { state: 'COMPLETED' }), at: 2 }]);
    expect(names(state)).toEqual(['a']);
    expect(state.total).toBe(1);
  });

  it.each([
    ['all' as const, 'CANCELED' as const, true],
    ['completed' as const, 'COMPLETED' as const, true],
    ['completed' as const, 'SCHEDULED' as const, false],
    ['' as const, 'IN PROGRESS' as const, true],
  ])('in scope "%s" a study that is %s is listed: %s', (scope, state, isListed) => {
    const result = after([
      { type: 'load-started', question: { ...wholeWorklist, scope } },
      { type: 'loaded', page: page([]), isFirst: true, at: 1 },
      { type: 'item', item: makeItem('a', { state }), at: 2 },
    ]);
    expect(names(result)).toEqual(isListed ? ['a'] : []);
  });

  it('keeps what came over the stream while an older list was on its way', () => {
    const state = after([
      { type: 'load-started', question: wholeWorklist },
      { type: 'item', item: makeItem('b', { priority: 'HIGH' }), at: 1 },
      { type: 'loaded', page: page(['a', 'b']), isFirst: true, at: 2 },
    ]);
    expect(names(state)).toEqual(['b', 'a']);
    expect(state.total).toBe(2);
  });

  it('replaces the list from the top and appends further pages', () => {
    const more: WorklistAction = { type: 'loaded', page: page(['c']), isFirst: false, at: 4 };
    expect(names(after([...load('a', 'b'), more]))).toEqual(['a', 'b', 'c']);
    expect(names(after([...load('a', 'b'), ...load('c')]))).toEqual(['c']);
  });

  it('keeps the list when loading it again fails, and forgets the failure when it works', () => {
    const failed = after([...load('a'), { type: 'failed', error: new Error('away') }]);
    expect(names(failed)).toEqual(['a']);
    expect(failed.error?.message).toBe('away');
    expect(load('a').reduce(reduceWorklist, failed).error).toBeUndefined();
  });

  it('shows nothing of the old scope in the new one', () => {
    expect(
      names(after([...load('a'), { type: 'load-started', question: { ...wholeWorklist, scope: 'completed' } }])),
    ).toEqual([]);
  });

  it('leaves to its page what belongs behind the pages that are loaded', () => {
    const state = after([
      { type: 'load-started', question: wholeWorklist },
      { type: 'loaded', page: page(['a', 'b'], 'further'), isFirst: true, at: 1 },
      { type: 'item', item: makeItem('far', { priority: 'LOW' }), at: 2 },
      { type: 'item', item: makeItem('a', { priority: 'LOW' }), at: 3 },
      { type: 'item', item: makeItem('near', { priority: 'HIGH' }), at: 4 },
    ]);
    expect(names(state)).toEqual(['near', 'b']);
  });

  it.each([
    [{ specialty: 'cardiology' }, false],
    [{ modality: 'CT', bodyPart: 'CHEST', ai: 'pending' }, true],
    [{ bodyPart: 'KNEE' }, false],
    [{ ai: 'positive' }, false],
    [{ scope: 'mine' as const, reader: 'Ada' }, true],
    [{ scope: 'mine' as const, reader: 'Ben' }, false],
  ])('asked for %j, a study that came is listed: %s', (asked, isListed) => {
    const result = after([
      { type: 'load-started', question: { ...wholeWorklist, ...asked } },
      { type: 'loaded', page: page([]), isFirst: true, at: 1 },
      { type: 'item', item: makeItem('a', { state: 'IN PROGRESS', performer: 'Ada' }), at: 2 },
    ]);
    expect(names(result)).toEqual(isListed ? ['a'] : []);
  });
});
