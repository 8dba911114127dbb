import { describe, expect, it } from '@jest/globals';
import { splitMembers } from './split-members.js';

const name = { vr: 'PN', Value: [{ Alphabetic: 'O\\"}Hara{"^\\\\' }] };
const sequence = { vr: 'SQ', Value: [{ '00100010': name }, {}] };

describe('splitMembers', () => {
  it('gives each element as it stands', () => {
    const members = splitMembers(JSON.stringify({ '00080005': { vr: 'CS' }, '00100010': name, '00321064': sequence }));
    expect(members).toEqual([
      ['00080005', '{"vr":"CS"}'],
      ['00100010', JSON.stringify(name)],
      ['00321064', JSON.stringify(sequence)],
    ]);
    expect(splitMembers('{}')).toEqual([]);
  });

  it('takes what PostgreSQL writes with blanks, and puts tags in order', () => {
    expect(splitMembers('{ "00321064" : {"vr":"SQ"}, "00100010" : {"vr":"PN"} }')).toEqual([
      ['00100010', '{"vr":"PN"}'],
      ['00321064', '{"vr":"SQ"}'],
    ]);
  });

  it('throws at a text that does not end', () => {
    expect(() => splitMembers('{"00100010":{"vr":"PN"')).toThrow(SyntaxError);
    expect(() => splitMembers('{"00100010":{"vr":"PN')).toThrow(SyntaxError);
  });
});
