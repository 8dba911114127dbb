import { describe, expect, it } from '@jest/globals';
import type { Config } from '#libs/config';
import { readerName } from './reader-name.js';

const config = (names: string[]) =>
  ({ accounts: names.map((name) => ({ name, roles: ['reader'], sha256: '' })) }) as unknown as Config;
const ada = { name: 'Ada', roles: ['reader'] as const };
const nobody = { roles: ['admin'] as const };

describe('readerName', () => {
  it("is the token's, whatever is said", () => {
    expect(readerName(config(['Ada']), ada, undefined)).toBe('Ada');
    expect(readerName(config(['Ada']), ada, ' Ada ')).toBe('Ada');
    expect(() => readerName(config(['Ada', 'Bob']), ada, 'Bob')).toThrow('nobody reads in the name of another');
  });

  it("is nobody's for the suite's own token where readers have theirs", () => {
    expect(() => readerName(config(['Ada']), nobody, 'Ada')).toThrow('tokens of their own');
  });

  it('is what is said where nobody has a token of their own', () => {
    expect(readerName(config([]), nobody, ' Bob ')).toBe('Bob');
    for (const given of [undefined, '', ' ', 7, 'a'.repeat(65), 'a\\b', 'a^b', 'a=b', 'a\u0000b']) {
      expect(() => readerName(config([]), nobody, given)).toThrow('Who reads?');
    }
  });
});
