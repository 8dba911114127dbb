import { describe, expect, it } from '@jest/globals';
import { decodeFrame, describeFrame, rleLossless } from '#libs/images';
import { element } from '../../runtime/fetch-from-files.fixture.js';
import type { PixelSource } from '../write-object.js';
import type { Frame, Planes } from './planes.js';
import { bitPixels, runLengthFrames } from './segment-pixels.js';

const [rows, columns] = [7, 13];

function planesOf(pixels: Uint8Array[]): Planes {
  return { rows, columns, count: pixels.length, read: async (plane: number) => pixels[plane]! } as Planes;
}

async function bytesOf(source: PixelSource): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source.pieces()) pieces.push(Buffer.from(piece));
  const bytes = Buffer.concat(pieces);
  expect(bytes).toHaveLength(source.bytes);
  return bytes;
}

/** Four planes: runs, noise, nothing, all of one. */
const pixels = [
  Uint8Array.from({ length: rows * columns }, (_, at) => [0, 5, 5, 9][Math.floor(at / 11) % 4]!),
  Uint8Array.from({ length: rows * columns }, (_, at) => (at * 7919) % 11),
  new Uint8Array(rows * columns),
  new Uint8Array(rows * columns).fill(5),
];
const planes = planesOf(pixels);

describe('bitPixels', () => {
  const values = new Map([
    [1, 5],
    [2, 9],
  ]);
  const frames: Frame[] = [1, 2].flatMap((segment) => [0, 1, 2, 3].map((plane) => ({ segment, plane })));
  const wanted = frames.flatMap(({ segment, plane }) =>
    [...pixels[plane]!].map((value) => Number(value === values.get(segment!))),
  );

  it.each([1, 13, 24, 40, undefined])(
    'has a bit a pixel, frame behind frame, made %d bytes at a time',
    async (bytesMax) => {
      for (let count = 1; count <= frames.length; count++) {
        const bytes = await bytesOf(bitPixels(planes, frames.slice(0, count), values, bytesMax));
        expect(bytes.length % 2).toBe(0);
        const bits = [...bytes].flatMap((byte) => [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => (byte >> bit) & 1));
        expect(bits.slice(0, count * rows * columns)).toEqual(wanted.slice(0, count * rows * columns));
        expect(bits.slice(count * rows * columns)).not.toContain(1);
      }
    },
  );
});

describe('runLengthFrames', () => {
  it('is decoded to what the planes are', async () => {
    const instance = {
      '00280002': element('US', 1),
      '00280004': element('CS', 'MONOCHROME2'),
      '00280010': element('US', rows),
      '00280011': element('US', columns),
      '00280100': element('US', 8),
      '00280101': element('US', 8),
      '00280102': element('US', 7),
      '00280103': element('US', 0),
    };
    const sources = await runLengthFrames(
      planes,
      pixels.map((_, plane) => ({ segment: undefined, plane })),
    );
    expect(sources).toHaveLength(4);
    for (const [plane, source] of sources.entries()) {
      const { data } = await decodeFrame(await bytesOf(source), describeFrame(instance, rleLossless, 0));
      expect([...data]).toEqual([...pixels[plane]!]);
    }
  });
});
