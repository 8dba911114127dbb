import { describe, expect, it } from '@jest/globals';
import { findFragments, piecesOf } from './find-fragments.js';

const item = (value: Buffer, tag = 'feff00e0') => {
  const header = Buffer.from(`${tag}00000000`, 'hex');
  header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, value]);
};
const delimiter = item(Buffer.alloc(0), 'feffdde0');

const find = async (bytes: Buffer) => {
  let read = 0;
  const found = await findFragments(
    async (offset, length) => {
      read += length;
      return bytes.subarray(offset, offset + length);
    },
    10,
    bytes.length,
  );
  return { found, read };
};
const value = (...items: Buffer[]) => Buffer.concat([Buffer.alloc(10), ...items]);

describe('findFragments', () => {
  it('finds them by their headers alone', async () => {
    const bytes = value(
      item(Buffer.alloc(4)),
      item(Buffer.alloc(1000)),
      item(Buffer.alloc(0)),
      item(Buffer.alloc(6)),
      delimiter,
    );
    const { found, read } = await find(bytes);
    expect(found).toEqual([
      { offset: 10 + 12 + 8, length: 1000 },
      { offset: 10 + 12 + 8 + 1000 + 8, length: 0 },
      { offset: 10 + 12 + 8 + 1000 + 8 + 8, length: 6 },
    ]);
    expect(read).toBe(5 * 8);
  });

  it('finds none in an empty value', async () => {
    expect((await find(value(item(Buffer.alloc(0)), delimiter))).found).toEqual([]);
  });

  it('gives up on what has no end, reaches beyond the object, or has too many pieces', async () => {
    expect((await find(value(item(Buffer.alloc(0)), item(Buffer.alloc(8))))).found).toBeUndefined();
    const tooLong = item(Buffer.alloc(8));
    tooLong.writeUInt32LE(9999, 4);
    expect((await find(value(item(Buffer.alloc(0)), tooLong, delimiter))).found).toBeUndefined();
    const many = Array.from({ length: 1002 }, () => item(Buffer.alloc(2)));
    expect((await find(value(item(Buffer.alloc(0)), ...many, delimiter))).found).toBeUndefined();
  });
});

describe('piecesOf', () => {
  it('takes from each fragment what lies in the range', () => {
    const fragments = [
      { offset: 100, length: 10 },
      { offset: 200, length: 0 },
      { offset: 300, length: 5 },
    ];
    expect(piecesOf(fragments, 0, 15)).toEqual([
      { offset: 100, length: 10 },
      { offset: 300, length: 5 },
    ]);
    expect(piecesOf(fragments, 8, 4)).toEqual([
      { offset: 108, length: 2 },
      { offset: 300, length: 2 },
    ]);
    expect(piecesOf(fragments, 10, 1)).toEqual([{ offset: 300, length: 1 }]);
    expect(piecesOf(fragments, 15, 1)).toEqual([]);
  });
});
