import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { readMultipart } from './read-multipart.js';

const limits = { partsMax: 100, headerBytesMax: 1024 };

async function* inChunks(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

interface Options {
  boundary?: string;
  size?: number;
  partsMax?: number;
  headerBytesMax?: number;
}

async function read(body: Buffer | string, { boundary = 'b', size = 1e9, ...more }: Options = {}) {
  const parts: { headers: Record<string, string>; body: Buffer }[] = [];
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  for await (const part of readMultipart(inChunks(bytes, size), boundary, { ...limits, ...more })) {
    const chunks: Buffer[] = [];
    for await (const chunk of part.body) chunks.push(Buffer.from(chunk));
    parts.push({ headers: Object.fromEntries(part.headers), body: Buffer.concat(chunks) });
  }
  return parts;
}

const texts = async (body: Buffer | string, options: Options = {}) =>
  (await read(body, options)).map((part) => part.body.toString('latin1'));

describe('readMultipart', () => {
  const simple = '--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\nX: y\r\n\r\ntwo\r\n--b--\r\n';

  it('gives the parts with their headers', async () => {
    const parts = await read(simple);
    expect(parts.map((part) => part.body.toString())).toEqual(['one', 'two']);
    expect(parts[0]?.headers).toEqual({ 'content-type': 'application/dicom' });
  });

  it('reads the same whatever chunks it comes in', async () => {
    for (let size = 1; size <= simple.length; size += 1) expect(await texts(simple, { size })).toEqual(['one', 'two']);
  });

  it('finds boundaries in random bytes full of near misses', async () => {
    const body = Buffer.concat([
      randomBytes(5000),
      Buffer.from('\r\n--\r\n--bound\r\n\r--boundary\r\n-'),
      randomBytes(5000),
    ]);
    const whole = Buffer.concat([Buffer.from('\r\n--boundary\r\n\r\n'), body, Buffer.from('\r\n--boundary--')]);
    for (const size of [1, 2, 3, 7, 64, 4096]) {
      const [part] = await read(whole, { boundary: 'boundary', size });
      expect(part?.body.equals(body)).toBe(true);
    }
  });

  it.each([
    ['a line break first', '\r\n--b\r\n\r\none\r\n--b--'],
    ['a preamble', 'ignore me\r\n--b\r\n\r\none\r\n--b--'],
    ['an epilogue', '--b\r\n\r\none\r\n--b--\r\nignore me'],
    ['bare line feeds for line breaks', '--b\nA: b\n\none\n--b--'],
    ['a bare line feed behind a header', '--b\r\nA: b\n\none\r\n--b--'],
    ['padding behind the boundary', '--b  \t\r\n\r\none\r\n--b--'],
  ])('takes %s', async (_what, body) => {
    expect(await texts(body)).toEqual(['one']);
  });

  it('keeps a carriage return that belongs to the part, whichever line breaks its sender uses', async () => {
    for (const size of [1, 2, 3, 5, 100]) {
      expect(await texts('--b\n\none\r\n--b\n\ntwo\r\r\n--b--', { size })).toEqual(['one\r', 'two\r\r']);
      expect(await texts('--b\r\n\r\none\r\r\n--b--', { size })).toEqual(['one\r']);
      expect(await texts('--b\r\n\r\none\n--b\r\n--b--', { size })).toEqual(['one\n--b']);
    }
  });

  it('does not close the connection its answer goes out by', async () => {
    const body = Readable.from(inChunks(Buffer.from(simple), 5));
    for await (const part of readMultipart(body.iterator({ destroyOnReturn: false }), 'b', limits)) void part;
    expect(body.destroyed).toBe(false);
  });

  it('gives empty parts as empty, and a body without parts as none', async () => {
    expect(await texts('--b\r\n\r\n\r\n--b--')).toEqual(['']);
    expect(await texts('--b--')).toEqual([]);
  });

  it('passes over parts that nobody reads', async () => {
    const numbers: number[] = [];
    for await (const part of readMultipart(inChunks(Buffer.from(simple), 5), 'b', limits)) numbers.push(part.number);
    expect(numbers).toEqual([1, 2]);
  });

  it.each([
    ['another boundary', '--x\r\n\r\none\r\n--x--', 'boundary'],
    ['nothing', '', 'boundary'],
    ['an end in the header of a part', '--b\r\nContent-', 'header of part 1'],
    ['an end in the body of a part', '--b\r\n\r\none\r\n--b\r\n\r\ntw', 'part 2'],
    ['an end behind a boundary', '--b', 'part 1'],
    ['a header line without a colon', '--b\r\nnonsense\r\n\r\none\r\n--b--', 'colon'],
    ['a boundary that goes on', '--bxyz\r\n\r\none\r\n--b--', 'goes on'],
  ])('refuses %s and says where', async (_what, body, message) => {
    await expect(read(body)).rejects.toThrow(message);
    await expect(read(body)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('limits parts and header bytes: at the limit, and one over', async () => {
    const parts = (count: number) => `${'--b\r\n\r\nx\r\n'.repeat(count)}--b--`;
    expect(await texts(parts(3), { partsMax: 3 })).toHaveLength(3);
    await expect(read(parts(4), { partsMax: 3 })).rejects.toMatchObject({ code: 'too-many-parts' });
    const header = (bytes: number) => `--b\r\nA: ${'x'.repeat(bytes - 7)}\r\n\r\none\r\n--b--`;
    expect(await texts(header(100), { headerBytesMax: 100 })).toEqual(['one']);
    await expect(read(header(101), { headerBytesMax: 100 })).rejects.toThrow('more than 100 bytes');
  });

  it('takes time in proportion to the body, not to its square', async () => {
    // A body of carriage returns is one near miss after the other. Counted, not timed: bytes looked at again and again
    // would make this test run for minutes.
    const body = Buffer.concat([Buffer.from('--b\r\n\r\n'), Buffer.alloc(8_000_000, '\r'), Buffer.from('\r\n--b--')]);
    const [part] = await read(body, { size: 1000 });
    expect(part?.body.length).toBe(8_000_000);
  });
});
