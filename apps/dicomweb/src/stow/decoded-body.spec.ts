import { Readable } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { HttpProblem } from '#libs/server';
import { WireError } from '../wire/wire-error.js';
import { decodedBody } from './decoded-body.js';

async function read(gzipped: Uint8Array, bytesMax: number): Promise<number> {
  let bytes = 0;
  const decoder = Readable.from([gzipped]).pipe(createGunzip());
  for await (const chunk of decodedBody(decoder, bytesMax)) bytes += chunk.length;
  return bytes;
}

describe('decodedBody', () => {
  it('gives what it may, and no more', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    expect(await read(bomb, 10_000_000)).toBe(10_000_000);
    await expect(read(bomb, 9_999_999)).rejects.toThrow(HttpProblem);
    await expect(read(bomb, 9_999_999)).rejects.toThrow('9999999 bytes');
  });

  it.each([
    ['damaged', Buffer.from('no gzip at all')],
    ['cut off', gzipSync(Buffer.alloc(1000, 'abc')).subarray(0, -10)],
  ])('says that a body is %s', async (_how, body) => {
    await expect(read(body, 1000)).rejects.toThrow(WireError);
  });

  it('passes on what is not about the encoding', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('x');
      throw new Error('The sender hung up');
    }
    await expect(async () => {
      for await (const chunk of decodedBody(broken(), 10)) void chunk;
    }).rejects.toThrow('The sender hung up');
  });
});
