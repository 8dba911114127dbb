import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { FrameDescription } from './frame-description.js';
import { isPlain, plainPicture } from './plain-frame.js';
import { plainFrame } from './plain-frame.fixture.js';
import { renderFrame, renderPlainFrame } from './render-frame.js';
import { shrinkWhole } from './shrink.js';

const png = { format: 'png' } as const;
const bytes = Uint8Array.from({ length: 256 * 256 * 2 }, (_, i) => ((i >> 1) & 0xffff) >> (i % 2 === 0 ? 0 : 8));
const signed = { pixelRepresentation: 1 } as const;
const word = { rows: 256, columns: 256, bitsAllocated: 16, bitsStored: 16, highBit: 15 } as const;
const window = { center: 40, width: 400, function: 'LINEAR' } as const;
const lut = { firstInput: -5, bits: 8, values: Uint16Array.of(0, 9, 200, 255) };

describe('plain frames', () => {
  it.each<[string, Partial<FrameDescription>]>([
    ['16 bits', { ...word, windows: [window] }],
    [
      '16 bits, signed and rescaled',
      { ...word, ...signed, rescaleSlope: 1.5, rescaleIntercept: -1024, windows: [window] },
    ],
    ['values that fall', { ...word, ...signed, rescaleSlope: -2, rescaleIntercept: 300, windows: [window] }],
    ['a window beside all values', { ...word, windows: [{ ...window, center: 99_999 }] }],
    ['a window of one value', { ...word, ...signed, windows: [{ ...window, width: 1 }] }],
    ['an odd number of pixels', { ...word, rows: 3, columns: 5, windows: [{ ...window, center: 5, width: 20 }] }],
    ['12 bits with others beside them', { ...word, ...signed, bitsStored: 12, highBit: 11, windows: [window] }],
    ['a high bit elsewhere', { ...word, bitsStored: 12, highBit: 13, windows: [window] }],
    [
      'big endian',
      { ...word, ...signed, transferSyntaxUid: '1.2.840.10008.1.2.2', swapWordBytes: 2, windows: [window] },
    ],
    ['a sigmoid', { ...word, windows: [{ ...window, function: 'SIGMOID' }] }],
    [
      'MONOCHROME1',
      { ...word, photometricInterpretation: 'MONOCHROME1', windows: [{ ...window, function: 'LINEAR_EXACT' }] },
    ],
    ['a VOI LUT', { ...word, ...signed, voiLut: lut }],
    ['a modality LUT', { ...word, ...signed, modalityLut: lut, windows: [window] }],
    ['8 bits', { rows: 256, columns: 256, windows: [window] }],
    ['RGB', { rows: 200, columns: 200, samplesPerPixel: 3, photometricInterpretation: 'RGB' }],
  ])('look as they do when they are decoded: %s', async (_, change) => {
    const description = plainFrame(change);
    expect(isPlain(bytes, description, png)).toBe(true);
    const [here, decoded] = await Promise.all([
      renderPlainFrame(bytes, description, png),
      renderFrame(bytes, description, png),
    ]);
    const [a, b] = await Promise.all([here, decoded].map((picture) => sharp(picture).raw().toBuffer()));
    expect(a!.equals(b!)).toBe(true);
    // From an odd address, too, where no word can be read.
    const shifted = Buffer.concat([Buffer.alloc(1), bytes]).subarray(1);
    expect((await renderPlainFrame(shifted, description, png)).equals(here)).toBe(true);
  });

  it.each<[string, Partial<FrameDescription>]>([
    ['no window', word],
    ['a codec', { ...word, windows: [window], transferSyntaxUid: '1.2.840.10008.1.2.4.70' }],
    ['32 bits', { ...word, bitsAllocated: 32, windows: [window], rows: 64 }],
    ['a palette', { ...word, photometricInterpretation: 'PALETTE COLOR', windows: [window] }],
    [
      'planes of colour',
      { rows: 9, columns: 9, samplesPerPixel: 3, photometricInterpretation: 'RGB', planarConfiguration: 1 },
    ],
    ['too few bytes', { ...word, rows: 257, windows: [window] }],
  ])('are not those with %s', (_, change) => {
    expect(isPlain(bytes, plainFrame(change), png)).toBe(false);
  });

  it('hold no bytes of the file they came from', async () => {
    const rgb = plainFrame({ rows: 2, columns: 2, samplesPerPixel: 3, photometricInterpretation: 'RGB' });
    const file = Buffer.from(bytes);
    expect((await plainPicture(file.subarray(100, 200), rgb, undefined)).data.buffer.byteLength).toBe(12);
  });
});

describe('shrinkWhole', () => {
  it('gives the mean of the pixels', () => {
    const data = Uint8Array.of(0, 10, 20, 30, 10, 20, 30, 41);
    expect(shrinkWhole({ data, width: 4, height: 2, channels: 1 }, 2, 1)?.data).toEqual(Uint8Array.of(10, 30));
    const rgb = Uint8Array.of(1, 2, 3, 3, 4, 5, 1, 2, 3, 3, 4, 5);
    expect(shrinkWhole({ data: rgb, width: 2, height: 2, channels: 3 }, 1, 1)?.data).toEqual(Uint8Array.of(2, 3, 4));
  });

  it.each([
    [2, 512, 64],
    [2, 8, 2],
    [2, 6, 4],
    [4, 512, 64],
    [4, 8, 4],
    [4, 12, 8],
  ])('gives the mean of many at a time: by %i, %i x %i', (factor, width, height) => {
    // Bright ones among them, whose sums are the largest.
    const data = Uint8Array.from({ length: width * height }, (_, i) => (i % 5 < 3 ? 255 - (i % 7) : (i * 31) % 256));
    const expected = Array.from({ length: data.length / factor / factor }, (_, i) => {
      const [x, y] = [(i % (width / factor)) * factor, Math.floor(i / (width / factor)) * factor];
      let sum = 0;
      for (let dy = 0; dy < factor; dy++) for (let dx = 0; dx < factor; dx++) sum += data[(y + dy) * width + x + dx]!;
      return Math.round(sum / factor / factor);
    });
    for (const offset of [0, 1]) {
      const moved = new Uint8Array(data.length + offset).subarray(offset);
      moved.set(data);
      const shrunk = shrinkWhole({ data: moved, width, height, channels: 1 }, width / factor, height / factor);
      expect([...shrunk!.data]).toEqual(expected);
    }
  });

  it('leaves other factors to the resampling', () => {
    const picture = { data: new Uint8Array(12), width: 4, height: 3, channels: 1 } as const;
    expect(shrinkWhole(picture, 2, 2)).toBeUndefined();
    expect(shrinkWhole(picture, 4, 3)).toBeUndefined();
    expect(shrinkWhole(picture, 8, 6)).toBeUndefined();
  });
});
