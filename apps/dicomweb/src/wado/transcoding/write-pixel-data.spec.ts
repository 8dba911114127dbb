import { describe, expect, it } from '@jest/globals';
import { nativeLength, writeFragments, writeNative } from './write-pixel-data.js';

async function* framesOf(...frames: Buffer[]) {
  for (const bytes of frames) yield { bytes, photometricInterpretation: 'MONOCHROME2' };
}

async function joined(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('writeNative', () => {
  it('writes frames behind their header, and an even number of bytes', async () => {
    const layout = { frameBits: 24, numberOfFrames: 1, bitsAllocated: 8 };
    const bytes = await joined(writeNative(framesOf(Buffer.of(1, 2, 3)), layout));
    expect(bytes.toString('hex')).toBe('e07f1000' + '4f420000' + '04000000' + '01020300');
    const words = { frameBits: 16, numberOfFrames: 2, bitsAllocated: 16 };
    const pixels = await joined(writeNative(framesOf(Buffer.of(1, 2), Buffer.of(3, 4)), words));
    expect(pixels.toString('latin1', 4, 6)).toBe('OW');
    expect([...pixels.subarray(12)]).toEqual([1, 2, 3, 4]);
  });

  it.each([1, 3, 7, 8, 9, 15, 25, 60])('puts one-bit frames of %d bits together without a gap', async (frameBits) => {
    const numberOfFrames = 11;
    const bitOf = (frame: number, bit: number) => (frame * 5 + bit * bit) % 3 === 0;
    const frames = Array.from({ length: numberOfFrames }, (_, frame) => {
      const bytes = Buffer.alloc(Math.ceil(frameBits / 8));
      for (let bit = 0; bit < frameBits; bit++)
        if (bitOf(frame, bit)) bytes[bit >> 3] = bytes[bit >> 3]! | (1 << (bit & 7));
      return bytes;
    });
    const layout = { frameBits, numberOfFrames, bitsAllocated: 1 };
    const pixels = (await joined(writeNative(framesOf(...frames), layout))).subarray(12);
    expect(pixels.length).toBe(nativeLength(layout));
    for (let at = 0; at < frameBits * numberOfFrames; at++) {
      const is = ((pixels[at >> 3]! >> (at & 7)) & 1) === 1;
      expect([at, is]).toEqual([at, bitOf(Math.floor(at / frameBits), at % frameBits)]);
    }
  });

  it('fails rather than write frames that are not of the size announced', async () => {
    const layout = { frameBits: 24, numberOfFrames: 1, bitsAllocated: 8 };
    await expect(joined(writeNative(framesOf(Buffer.of(1, 2)), layout))).rejects.toThrow('2 bytes instead of 3');
  });
});

describe('writeFragments', () => {
  it('writes a fragment a frame, of even length', async () => {
    const bytes = await joined(writeFragments(framesOf(Buffer.of(1, 2, 3), Buffer.of(4, 5))));
    const item = 'feff00e0';
    expect(bytes.toString('hex')).toBe(
      `e07f1000${'4f420000'}ffffffff` +
        `${item}00000000` +
        `${item}04000000${'01020300'}` +
        `${item}02000000${'0405'}` +
        'feffdde000000000',
    );
  });
});
