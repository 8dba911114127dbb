import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { readParts } from './read-parts.js';

const type = 'multipart/related; type="application/octet-stream"; boundary=b1';
async function split(message: string, contentType = type, chunk = 7): Promise<string[]> {
  const bytes = Buffer.from(message, 'latin1');
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, at) =>
    bytes.subarray(at * chunk, (at + 1) * chunk),
  );
  const bodies: string[] = [];
  for await (const part of readParts(Readable.from(chunks), contentType)) bodies.push(part.toString('latin1'));
  return bodies;
}
const part = (body: string) => `--b1\r\nContent-Type: application/octet-stream\r\n\r\n${body}\r\n`;

describe('readParts', () => {
  it.each([1, 2, 3, 17, 1000])('gives the bodies in order, byte for byte, in chunks of %d', async (chunk) => {
    const bodies = ['first', '', '\r\n\r\n', 'a\r\n-b1', '\x00\xff\r\n--b', '--b1'];
    expect(await split(`${bodies.map(part).join('')}--b1--\r\n`, type, chunk)).toEqual(bodies);
  });

  it('holds what is larger than its first room, and what comes in one piece', async () => {
    const bodies = ['a'.repeat(700_000), 'b'.repeat(300_001), 'c'];
    const message = `${bodies.map(part).join('')}--b1--`;
    expect(await split(message, type, 65_536)).toEqual(bodies);
    expect(await split(message, type, message.length)).toEqual(bodies);
  });

  it('reads a boundary in quotes, a preamble and no line end behind the last delimiter', async () => {
    const quoted = 'Multipart/Related; Boundary="b 1"; type="application/octet-stream"';
    expect(await split('words before\r\n--b 1\r\nA: b\r\n\r\none\r\n--b 1--', quoted)).toEqual(['one']);
  });

  it('refuses what is cut off, wherever', async () => {
    const whole = `${part('first')}${part('second')}--b1--`;
    for (let length = 0; length < whole.length - 1; length += 1)
      await expect(split(whole.slice(0, length))).rejects.toThrow();
  });

  it('refuses what is no multipart message', async () => {
    await expect(split('{}', 'application/json')).rejects.toThrow('No boundary in application/json');
    await expect(split('{}')).rejects.toThrow('The message has no part');
  });
});
