import { describe, expect, it } from '@jest/globals';
import { newBlobKey } from '#libs/blobs';
import { isOverdue } from './is-overdue.js';

const now = new Date('2026-02-03T04:05:06Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const blob = (modified: number, made = modified) => ({
  key: newBlobKey(hoursAgo(made).getTime()),
  modifiedAt: hoursAgo(modified),
});

describe('isOverdue', () => {
  it.each([
    [71.9, 72, false],
    [72, 72, false],
    [72.1, 72, true],
    [0, 0, false],
    [1, 0, false],
    [1.9, 0, false],
    [2.1, 0, true],
    [2.1, 1, true],
    [-5, 0, false],
  ])('says of a blob %p hours old with a grace of %p: %p', (age, grace, overdue) => {
    expect(isOverdue(blob(age), now, grace)).toBe(overdue);
  });

  it('counts from the later of what the store and what the key say', () => {
    expect(isOverdue(blob(100, 1), now, 72)).toBe(false);
    expect(isOverdue(blob(1, 100), now, 72)).toBe(false);
    expect(isOverdue(blob(100, 100), now, 72)).toBe(true);
  });
});
