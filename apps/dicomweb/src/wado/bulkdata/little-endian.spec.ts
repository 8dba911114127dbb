import { describe, expect, it } from '@jest/globals';
import { swapped, withoutItemHeaders } from './little-endian.js';

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}
async function join(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('swapped', () => {
  it.each([
    [1, '0102030405060708090a'],
    [2, '02010403060508070a09'],
    [4, '0403020108070605090a'],
    [8, '0807060504030201090a'],
  ] as const)('turns words of %d bytes round, however they are cut', async (wordBytes, expected) => {
    const bytes = Buffer.from('0102030405060708090a', 'hex');
    for (const size of [1, 3, 7, 100]) {
      expect((await join(swapped(cut(bytes, size), wordBytes))).toString('hex')).toBe(expected);
    }
  });
});

describe('withoutItemHeaders', () => {
  it('joins fragments and leaves the offset table out, however they are cut', async () => {
    const item = (value: Buffer) => {
      const header = Buffer.from('feff00e000000000', 'hex');
      header.writeUInt32LE(value.length, 4);
      return Buffer.concat([header, value]);
    };
    const delimiter = Buffer.from('feffdde000000000', 'hex');
    const bytes = Buffer.concat([
      item(Buffer.alloc(4)),
      item(Buffer.from('abcd')),
      item(Buffer.alloc(0)),
      item(Buffer.from('ef')),
      delimiter,
      Buffer.from('what follows is another element'),
    ]);
    for (const size of [1, 5, 8, 100])
      expect((await join(withoutItemHeaders(cut(bytes, size)))).toString()).toBe('abcdef');
    const empty = Buffer.concat([item(Buffer.alloc(0)), delimiter]);
    expect(await join(withoutItemHeaders(cut(empty, 3)))).toHaveLength(0);
    await expect(join(withoutItemHeaders(cut(bytes.subarray(0, 20), 3)))).rejects.toThrow('no end');
  });
});
