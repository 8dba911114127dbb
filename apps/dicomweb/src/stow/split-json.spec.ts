import { describe, expect, it } from '@jest/globals';
import { WireError } from '../wire/wire-error.js';
import { splitJson } from './split-json.js';

async function members(text: string): Promise<string[]> {
  const bytes = Buffer.from(text);
  return (await splitJson(bytes)).map(({ start, end }) => bytes.toString('utf8', start, end));
}

describe('splitJson', () => {
  it.each([
    ['{"a": 1}', ['{"a": 1}']],
    [
      '\uFEFF \n[{"a": [{"b": "}]{["}]}, {} ,\n{"c\\"}": "\\\\"}] \r\n',
      ['{"a": [{"b": "}]{["}]}', '{}', '{"c\\"}": "\\\\"}'],
    ],
    ['[]', []],
    ['[{"ä": "日本"}]', ['{"ä": "日本"}']],
  ])('finds the datasets of %j', async (text, expected) => {
    expect(await members(text)).toEqual(expected);
  });

  it('finds as many as there are in a text of megabytes', async () => {
    const one = `{"00100010": "${'x'.repeat(1000)}"}`;
    expect(await members(`[${new Array(3000).fill(one).join(',')}]`)).toHaveLength(3000);
  });

  it.each(['', '  ', 'x', '"a"', '[', '[{}', '{"a": "', '[{}] x', '{} {}', '[1]', '["a"]', '[null]', '{"a": "\\"}'])(
    'refuses %j',
    async (text) => {
      await expect(splitJson(Buffer.from(text))).rejects.toThrow(WireError);
    },
  );
});
