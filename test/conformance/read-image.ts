import { inflateSync } from 'node:zlib';
import type { Answer } from './answer.js';

export interface Size {
  width: number;
  height: number;
}

/** Width and height of a JPEG (ISO 10918-1 B.2.2) or a PNG. */
export function sizeOf(answer: Answer): Size {
  const { body } = answer;
  if (answer.mediaType === 'image/png') return { width: body.readUInt32BE(16), height: body.readUInt32BE(20) };
  if (body.readUInt16BE(0) !== 0xffd8) return answer.fail('a JPEG', body.toString('hex', 0, 8));
  for (let at = 2; at + 9 < body.length;) {
    const marker = body[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { height: body.readUInt16BE(at + 5), width: body.readUInt16BE(at + 7) };
    }
    at += 2 + body.readUInt16BE(at + 2);
  }
  return answer.fail('a JPEG with a frame header', `${body.length} bytes without one`);
}

/** Brightness 0 to 255 of a pixel of a PNG of 8 bits, not interlaced, grey or in colour, as PNG (ISO 15948) has it. */
export function readPng(answer: Answer): { brightness(x: number, y: number): number } & Size {
  const { body } = answer;
  const { width, height } = sizeOf(answer);
  const channels = { 0: 1, 2: 3, 4: 2, 6: 4 }[body[25]!];
  if (body[24] !== 8 || channels === undefined || body[28] !== 0) {
    return answer.fail('a PNG of 8 bits without a palette', `${body[24]} bits, colour type ${body[25]}`);
  }
  const packed: Buffer[] = [];
  for (let at = 8; at < body.length; at += 12 + body.readUInt32BE(at)) {
    if (body.toString('latin1', at + 4, at + 8) === 'IDAT')
      packed.push(body.subarray(at + 8, at + 8 + body.readUInt32BE(at)));
  }
  const rows = inflateSync(Buffer.concat(packed));
  const stride = width * channels;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? pixels[y * stride + x - channels]! : 0;
      const above = y > 0 ? pixels[(y - 1) * stride + x]! : 0;
      const corner = y > 0 && x >= channels ? pixels[(y - 1) * stride + x - channels]! : 0;
      pixels[y * stride + x] = rows[y * (stride + 1) + 1 + x]! + predict(filter, left, above, corner);
    }
  }
  return { width, height, brightness: (x, y) => pixels[y * stride + x * channels]! };
}

function predict(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) return 0;
  const estimate = left + above - corner;
  const [a, b, c] = [left, above, corner].map((one) => Math.abs(estimate - one)) as [number, number, number];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}
