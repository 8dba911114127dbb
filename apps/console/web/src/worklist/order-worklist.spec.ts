import { describe, expect, it } from '@jest/globals';
import { appendWorklistPage, compareWorklistItems, placeWorklistItem } from './order-worklist.js';
import { makeItem } from './worklist.fixture.js';

const names = (items: { studyInstanceUid: string }[]) => items.map((item) => item.studyInstanceUid);
const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;

describe('compareWorklistItems', () => {
  it('orders by priority, then deadline with none last, then arrival, then workitem', () => {
    const ordered = [
      makeItem('high late', { priority: 'HIGH', deadline: at(50) }),
      makeItem('high none', { priority: 'HIGH' }),
      makeItem('medium early', { deadline: at(1), receivedAt: at(9) }),
      makeItem('medium same deadline, first in', { deadline: at(2), receivedAt: at(3) }),
      makeItem('medium same deadline, second in', { deadline: at(2), receivedAt: at(4) }),
      makeItem('low a', { priority: 'LOW' }),
      makeItem('low b', { priority: 'LOW' }),
    ];
    for (const rotation of ordered.keys()) {
      const shuffled = [...ordered.slice(rotation), ...ordered.slice(0, rotation)].reverse();
      expect(names(shuffled.sort(compareWorklistItems))).toEqual(names(ordered));
    }
  });
});

describe('placeWorklistItem', () => {
  const list = [
    makeItem('a', { priority: 'HIGH' }),
    makeItem('b', { priority: 'MEDIUM' }),
    makeItem('c', { priority: 'LOW' }),
  ];

  it.each([
    ['HIGH' as const, '2025-01-01T00:00:00.000Z', ['new', 'a', 'b', 'c']],
    ['HIGH' as const, '2027-01-01T00:00:00.000Z', ['a', 'new', 'b', 'c']],
    ['LOW' as const, '2027-01-01T00:00:00.000Z', ['a', 'b', 'c', 'new']],
  ])('inserts a new item of priority %s received %s', (priority, receivedAt, expected) => {
    expect(names(placeWorklistItem(list, makeItem('new', { priority, receivedAt })))).toEqual(expected);
  });

  it('moves an item that is there already, and changes nothing in the list given', () => {
    expect(names(placeWorklistItem(list, makeItem('c', { priority: 'HIGH', deadline: at(1) })))).toEqual([
      'c',
      'a',
      'b',
    ]);
    expect(names(list)).toEqual(['a', 'b', 'c']);
  });

  it('starts an empty list', () => {
    expect(names(placeWorklistItem([], makeItem('a')))).toEqual(['a']);
  });
});

describe('appendWorklistPage', () => {
  it('does not list twice what moved between two pages', () => {
    const page = [makeItem('b'), makeItem('c')];
    expect(names(appendWorklistPage([makeItem('a'), makeItem('b')], page))).toEqual(['a', 'b', 'c']);
  });
});
