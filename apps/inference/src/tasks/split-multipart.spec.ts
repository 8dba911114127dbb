import { describe, expect, it } from '@jest/globals';
import { splitMultipart } from './split-multipart.js';

const type = 'multipart/related; type="application/octet-stream"; boundary=b1';
const split = (message: string, contentType = type) =>
  splitMultipart(Buffer.from(message, 'latin1'), contentType).map((part) => part.toString('latin1'));
const part = (body: string) => `--b1\r\nContent-Type: application/octet-stream\r\n\r\n${body}\r\n`;

describe('splitMultipart', () => {
  it('gives the bodies in order, byte for byte', () => {
    const bodies = ['first', '', '\r\n\r\n', 'a\r\n-b1', '\x00\xff\r\n--b', '--b1'];
    expect(split(`${bodies.map(part).join('')}--b1--\r\n`)).toEqual(bodies);
  });

  it('reads a boundary in quotes, a preamble and no line end behind the last delimiter', () => {
    const quoted = 'Multipart/Related; Boundary="b 1"; type="application/octet-stream"';
    expect(split('words before\r\n--b 1\r\nA: b\r\n\r\none\r\n--b 1--', quoted)).toEqual(['one']);
  });

  it('refuses what is cut off, wherever', () => {
    const whole = `${part('first')}${part('second')}--b1--`;
    for (let length = 0; length < whole.length - 1; length += 1) expect(() => split(whole.slice(0, length))).toThrow();
  });

  it('refuses what is no multipart message', () => {
    expect(() => split('{}', 'application/json')).toThrow('No boundary in application/json');
    expect(() => split('{}')).toThrow('The message has no part');
  });
});
