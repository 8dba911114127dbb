import { describe, expect, it } from '@jest/globals';
import { isUid, newUid, uidFromHash } from './uids.js';

describe('isUid', () => {
  it.each(['1.2.840.10008.1.2', '1', '2.25.0', '1.02.3', `1.${'2'.repeat(62)}`])('takes %s', (uid) =>
    expect(isUid(uid)).toBe(true),
  );

  it.each([
    '',
    '.',
    '1.',
    '.1',
    '1..2',
    '1.2 ',
    ' 1.2',
    '1.2\n',
    '1.a',
    '../1',
    '1/2',
    '1\\2',
    '1.2\0',
    '%31',
    `1.${'2'.repeat(63)}`,
    '１.２',
  ])('refuses %j', (uid) => expect(isUid(uid)).toBe(false));
});

describe('new UIDs', () => {
  it('are UIDs below 2.25, each another', () => {
    const uids = Array.from({ length: 100 }, newUid);
    expect(new Set(uids).size).toBe(100);
    for (const uid of uids) expect(isUid(uid) && uid.startsWith('2.25.') && uid.length > 30).toBe(true);
  });

  it('from a text are always the same, and another for another text', () => {
    expect(uidFromHash('isocenter implementation class')).toBe('2.25.24587493962573665800037968701352271578');
    expect(uidFromHash('a')).not.toBe(uidFromHash('b'));
    expect(isUid(uidFromHash(''))).toBe(true);
  });
});
