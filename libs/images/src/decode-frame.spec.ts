import { describe, expect, it } from '@jest/globals';
import dcmjsCodecs from 'dcmjs-codecs';
import sharp from 'sharp';
import { deflateRawSync } from 'node:zlib';
import { decodeFrame } from './decode-frame.js';
import { plainFrame } from './plain-frame.fixture.js';
import type { FrameDescription } from './frame-description.js';
import { toNativeBytes } from './native-bytes.js';
import type { Pixels } from './pixels.js';

const { Context, NativeCodecs } = dcmjsCodecs;

const native = '1.2.840.10008.1.2.1';

function makeDescription(change: Partial<FrameDescription> = {}): FrameDescription {
  const bitsAllocated = change.bitsAllocated ?? 8;
  const bitsStored = change.bitsStored ?? bitsAllocated;
  return plainFrame({ transferSyntaxUid: native, bitsAllocated, bitsStored, highBit: bitsStored - 1, ...change });
}

/** `decodeFrame` of `bytes`, as plain numbers. */
async function decoded(bytes: Uint8Array, change: Partial<FrameDescription>): Promise<number[]> {
  return Array.from((await decodeFrame(bytes, makeDescription(change))).data);
}

describe('decodeFrame of native frames', () => {
  it('reads 8 bits, with and without sign, and ignores padding', async () => {
    const bytes = Uint8Array.of(0, 127, 128, 255, 9);
    expect(await decoded(bytes, {})).toEqual([0, 127, 128, 255]);
    expect(await decoded(bytes, { pixelRepresentation: 1 })).toEqual([0, 127, -128, -1]);
  });

  it('reads 16 bits of which 12 are stored: overlay bits removed, the sign extended, the high bit anywhere', async () => {
    const bytes = new Uint8Array(Uint16Array.of(0x0fff, 0xf800, 0x07ff, 0x1001).buffer);
    const twelve = { bitsAllocated: 16, bitsStored: 12 } as const;
    expect(await decoded(bytes, twelve)).toEqual([4095, 2048, 2047, 1]);
    expect(await decoded(bytes, { ...twelve, pixelRepresentation: 1 })).toEqual([-1, -2048, 2047, 1]);
    expect(await decoded(bytes, { ...twelve, highBit: 15 })).toEqual([0x0ff, 0xf80, 0x07f, 0x100]);
    expect(await decoded(bytes, { ...twelve, highBit: 15, pixelRepresentation: 1 })).toEqual([
      0x0ff, -128, 0x07f, 0x100,
    ]);
  });

  it('reads 32 bits, and floating point numbers', async () => {
    const integers = new Uint8Array(Uint32Array.of(0, 1, 2 ** 31, 2 ** 32 - 1).buffer);
    expect(await decoded(integers, { bitsAllocated: 32 })).toEqual([0, 1, 2 ** 31, 2 ** 32 - 1]);
    expect(await decoded(integers, { bitsAllocated: 32, pixelRepresentation: 1 })).toEqual([0, 1, -(2 ** 31), -1]);
    const floats = Float32Array.of(-0.5, 1e10, NaN, 3);
    expect(await decoded(new Uint8Array(floats.buffer), { bitsAllocated: 32, sampleType: 'float' })).toEqual([
      ...floats,
    ]);
    const doubles = Float64Array.of(-0.1, 1e300, Infinity, 3);
    expect(await decoded(new Uint8Array(doubles.buffer), { bitsAllocated: 64, sampleType: 'double' })).toEqual([
      ...doubles,
    ]);
  });

  it('copies: the pixels share no memory with the bytes, nor with other Buffers', async () => {
    const pooled = Buffer.from('a Buffer in the pool that small Buffers share');
    for (const change of [{}, { bitsAllocated: 16 }, { bitsAllocated: 32, sampleType: 'float' as const }]) {
      const { data } = await decodeFrame(pooled, makeDescription(change));
      expect(data).toHaveLength(4);
      expect(data.buffer.byteLength).toBe(data.byteLength);
    }
  });

  it('reads frames at any alignment of their buffer', async () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(Uint16Array.of(1, 2, 3, 400).buffer), 1);
    expect(await decoded(bytes.subarray(1), { bitsAllocated: 16 })).toEqual([1, 2, 3, 400]);
  });

  it('unpacks single bits, lowest first, from any bit of the first byte', async () => {
    const one = { rows: 3, columns: 3, bitsAllocated: 1 } as const;
    expect(await decoded(Uint8Array.of(0b10000101, 0b1), one)).toEqual([1, 0, 1, 0, 0, 0, 0, 1, 1]);
    expect(await decoded(Uint8Array.of(0b10000101, 0b1100), { ...one, bitOffset: 2 })).toEqual([
      1, 0, 0, 0, 0, 1, 0, 0, 1,
    ]);
    await expect(decoded(Uint8Array.of(1, 1), { ...one, bitOffset: 8 })).rejects.toMatchObject({ code: 'truncated' });
  });

  it('reads big endian words of 16 and 32 bits, and bytes in words', async () => {
    const big = { transferSyntaxUid: '1.2.840.10008.1.2.2' };
    expect(
      await decoded(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), { ...big, bitsAllocated: 16, swapWordBytes: 2 }),
    ).toEqual([0x0102, 0x0304, 0x0506, 0x0708]);
    const four = { ...big, rows: 1, columns: 1, bitsAllocated: 32, swapWordBytes: 4 } as const;
    expect(await decoded(Uint8Array.of(1, 2, 3, 4), four)).toEqual([0x01020304]);
    const odd = { ...big, rows: 1, columns: 3, swapWordBytes: 2 } as const;
    expect(await decoded(Uint8Array.of(2, 1, 0, 3), odd)).toEqual([1, 2, 3]);
    await expect(decoded(Uint8Array.of(2, 1, 0), odd)).rejects.toMatchObject({ code: 'truncated' });
  });

  it('puts planes together pixel by pixel', async () => {
    const rgb = { samplesPerPixel: 3, photometricInterpretation: 'RGB' } as const;
    const planes = Uint8Array.of(1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24);
    expect(await decoded(planes, { ...rgb, planarConfiguration: 1 })).toEqual([
      1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24,
    ]);
    expect(await decoded(planes, rgb)).toEqual([...planes]);
  });

  it('converts colours of twelve bits, in samples and in a JPEG whatever the dataset calls it', async () => {
    const wide = { samplesPerPixel: 3, bitsAllocated: 16, bitsStored: 12, highBit: 11 } as const;
    // Y 2048 with Cr of 3000, and one that overshoots; greys stay as they are.
    const samples = Uint16Array.of(2048, 2048, 3000, 4000, 2048, 4095, 77, 2048, 2048);
    const description = makeDescription({ ...wide, rows: 1, columns: 3, photometricInterpretation: 'YBR_FULL' });
    const { data, photometricInterpretation } = await decodeFrame(new Uint8Array(samples.buffer), description);
    expect(photometricInterpretation).toBe('RGB');
    expect([...data]).toEqual([3383, 1368, 2048, 4095, 2538, 4000, 77, 77, 77]);
    // One colour, by DCMTK's encoder; its decoder gives the same.
    const jpeg = Buffer.from(
      'ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706' +
        '080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb004301030404050405' +
        '09050509140d0b0d141414141414141414141414141414141414141414141414141414141414141414141414141414141414' +
        '1414141414141414ffc100110c0008000803011100021101031101ffc4001400010000000000000000000000000000000aff' +
        'c40014100100000000000000000000000000000000ffc4001501010100000000000000000000000000000b0cffc400141101' +
        '00000000000000000000000000000000ffda000c03010002110311003f0004e07a5b10ffffd9',
      'hex',
    );
    for (const name of ['YBR_FULL', 'RGB']) {
      const compressed = { ...wide, rows: 8, columns: 8, photometricInterpretation: name };
      const decoded = await decodeFrame(
        jpeg,
        makeDescription({ ...compressed, transferSyntaxUid: '1.2.840.10008.1.2.4.51' }),
      );
      expect([...decoded.data]).toEqual(Array.from({ length: 64 }, () => [3500, 1000, 400]).flat());
    }
  });

  it('converts YBR_FULL, and YBR_FULL_422 with half the colour, to RGB', async () => {
    const color = { rows: 1, columns: 2, samplesPerPixel: 3 } as const;
    const red = [76, 85, 255];
    const full = await decodeFrame(
      Uint8Array.of(...red, 128, 128, 128),
      makeDescription({ ...color, photometricInterpretation: 'YBR_FULL' }),
    );
    expect(full.photometricInterpretation).toBe('RGB');
    expect([...full.data]).toEqual([254, 0, 0, 128, 128, 128]);
    const half = { ...color, photometricInterpretation: 'YBR_FULL_422' };
    expect(await decoded(Uint8Array.of(76, 76, 85, 255), half)).toEqual([254, 0, 0, 254, 0, 0]);
    // All three samples kept, in spite of the label.
    expect(await decoded(Uint8Array.of(...red, 128, 128, 128), half)).toEqual([254, 0, 0, 128, 128, 128]);
  });

  it.each([
    [{}, 3],
    [{ bitsAllocated: 16 }, 7],
    [{ bitsAllocated: 32, sampleType: 'float' as const }, 15],
    [{ samplesPerPixel: 3, photometricInterpretation: 'YBR_FULL_422' }, 7],
  ])('refuses a frame that is a byte short: %j', async (change, length) => {
    await expect(decoded(new Uint8Array(length), change)).rejects.toMatchObject({ code: 'truncated' });
    expect(await decoded(new Uint8Array(length + 1), change)).toHaveLength(4 * makeDescription(change).samplesPerPixel);
  });

  it('refuses what is larger than the limit before it allocates anything', async () => {
    const huge = { rows: 65535, columns: 65535, bitsAllocated: 16 };
    await expect(decoded(new Uint8Array(1), huge)).rejects.toMatchObject({ code: 'limit-exceeded' });
    const bomb = { ...huge, transferSyntaxUid: '1.2.840.10008.1.2.5' };
    await expect(decoded(new Uint8Array(100), bomb)).rejects.toMatchObject({ code: 'limit-exceeded' });
  });

  it('refuses a transfer syntax and colours that it does not know', async () => {
    await expect(decoded(new Uint8Array(4), { transferSyntaxUid: '1.2.840.10008.1.2.4.102' })).rejects.toMatchObject({
      code: 'unsupported-transfer-syntax',
    });
    const hsv = { samplesPerPixel: 3, photometricInterpretation: 'HSV' };
    await expect(decoded(new Uint8Array(12), hsv)).rejects.toMatchObject({ code: 'unsupported-pixels' });
  });
});

describe('decodeFrame of RLE and deflated frames', () => {
  const rle = { transferSyntaxUid: '1.2.840.10008.1.2.5' };
  const makeRle = (...segments: number[][]): Uint8Array => {
    const header = new DataView(new ArrayBuffer(64));
    header.setUint32(0, segments.length, true);
    let offset = 64;
    segments.forEach((segment, i) => {
      header.setUint32(4 + 4 * i, offset, true);
      offset += segment.length;
    });
    return Uint8Array.of(...new Uint8Array(header.buffer), ...segments.flat());
  };

  it('reads literal and repeated runs, no-ops and padding', async () => {
    expect(await decoded(makeRle([1, 7, 8, 0x80, 0xff, 9, 0]), rle)).toEqual([7, 8, 9, 9]);
  });

  it('reads 16 bits as two segments, high byte first, and colours as three', async () => {
    const sixteen = { ...rle, bitsAllocated: 16, pixelRepresentation: 1 } as const;
    expect(await decoded(makeRle([0xfd, 0xff], [3, 1, 2, 3, 4]), sixteen)).toEqual([-255, -254, -253, -252]);
    const color = {
      ...rle,
      rows: 1,
      samplesPerPixel: 3,
      photometricInterpretation: 'RGB',
      planarConfiguration: 1,
    } as const;
    expect(await decoded(makeRle([1, 1, 2], [1, 11, 12], [1, 21, 22]), color)).toEqual([1, 11, 21, 2, 12, 22]);
  });

  it('reads one-bit frames, packed before they are coded', async () => {
    const bits = { ...rle, rows: 3, columns: 3, bitsAllocated: 1 };
    expect(await decoded(makeRle([1, 0b10000101, 0b1]), bits)).toEqual([1, 0, 1, 0, 0, 0, 0, 1, 1]);
  });

  it.each([
    ['truncated', new Uint8Array(63)],
    ['mismatch', makeRle([3, 1, 2, 3, 4], [3, 1, 2, 3, 4])],
    ['mismatch', new Uint8Array(100)],
    ['truncated', makeRle([2, 1, 2, 3])],
    ['truncated', makeRle([3, 1, 2, 3])],
    ['malformed', Uint8Array.of(1, 0, 0, 0, 200, ...new Uint8Array(60))],
    ['malformed', Uint8Array.of(1, 0, 0, 0, 0, ...new Uint8Array(60))],
  ])('refuses as %s what is damaged', async (code, bytes) => {
    await expect(decoded(bytes, rle)).rejects.toMatchObject({ code });
  });

  it('inflates deflated frames, and never to more than the frame', async () => {
    const deflated = { transferSyntaxUid: '1.2.840.10008.1.2.8.1' };
    expect(await decoded(deflateRawSync(Buffer.of(1, 2, 3, 4)), deflated)).toEqual([1, 2, 3, 4]);
    await expect(decoded(deflateRawSync(Buffer.alloc(2 ** 20)), deflated)).rejects.toMatchObject({ code: 'malformed' });
  });
});

/** A picture that no two codecs could take for another: a slope, a step and some noise. */
function makeSamples(rows: number, columns: number, channels: number, bits: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: rows * columns * channels }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = Math.floor(i / channels) % columns;
    return (Math.floor((x / columns) * 2 ** (bits - 1)) + (i % channels) * 10 + (state >>> 28) + seed) % 2 ** bits;
  });
}

interface Encoding {
  encoder: 'encodeJpeg' | 'encodeJpegLs' | 'encodeJpeg2000' | 'encodeHtJpeg2000' | 'encodeJpegXl';
  uid: string;
  parameters?: object;
}

const lossless: [string, Encoding][] = [
  ['JPEG lossless, selection value 1', { encoder: 'encodeJpeg', uid: '1.2.840.10008.1.2.4.70' }],
  [
    'JPEG lossless, selection value 6',
    { encoder: 'encodeJpeg', uid: '1.2.840.10008.1.2.4.57', parameters: { predictor: 6 } },
  ],
  ['JPEG-LS', { encoder: 'encodeJpegLs', uid: '1.2.840.10008.1.2.4.80' }],
  ['JPEG 2000', { encoder: 'encodeJpeg2000', uid: '1.2.840.10008.1.2.4.90' }],
  ['HTJ2K', { encoder: 'encodeHtJpeg2000', uid: '1.2.840.10008.1.2.4.201' }],
  ['JPEG XL', { encoder: 'encodeJpegXl', uid: '1.2.840.10008.1.2.4.110' }],
];

const [rows, columns] = [24, 40];

async function encode({ encoder, uid, parameters }: Encoding, samples: number[], change: Partial<FrameDescription>) {
  const description = makeDescription({ rows, columns, transferSyntaxUid: uid, ...change });
  const { bitsAllocated, bitsStored, samplesPerPixel, pixelRepresentation } = description;
  const native = bitsAllocated === 8 ? Uint8Array.from(samples) : new Uint8Array(Uint16Array.from(samples).buffer);
  if (!NativeCodecs.isInitialized()) await NativeCodecs.initializeAsync({ logCodecsInfo: true });
  const context = new Context({
    width: columns,
    height: rows,
    bitsAllocated,
    bitsStored,
    samplesPerPixel,
    pixelRepresentation,
    planarConfiguration: 0,
    photometricInterpretation: samplesPerPixel === 3 ? 'RGB' : 'MONOCHROME2',
    decodedBuffer: native,
  });
  const bytes = NativeCodecs[encoder](context, { lossy: false, ...parameters }).getEncodedBuffer() as Uint8Array;
  return { bytes, description };
}

describe.each(lossless)('decodeFrame of %s', (name, encoding) => {
  it('gives the samples back, grey of 8, 12 and 16 bits, and colour', async () => {
    for (const bitsStored of [8, 12, 16]) {
      const samples = makeSamples(rows, columns, 1, bitsStored);
      const { bytes, description } = await encode(encoding, samples, {
        bitsAllocated: bitsStored > 8 ? 16 : 8,
        bitsStored,
      });
      const pixels = await decodeFrame(bytes, description);
      expect(pixels).toMatchObject({ rows, columns, samplesPerPixel: 1, photometricInterpretation: 'MONOCHROME2' });
      expect(Array.from(pixels.data)).toEqual(samples);
    }
    const colors = makeSamples(rows, columns, 3, 8);
    const rgb = { samplesPerPixel: 3, photometricInterpretation: 'RGB' };
    const { bytes, description } = await encode(encoding, colors, rgb);
    expect(Array.from((await decodeFrame(bytes, description)).data)).toEqual(colors);
  });

  it.each([0.5, 0.95])('refuses the first %p of a frame rather than show half a picture', async (part) => {
    const { bytes, description } = await encode(encoding, makeSamples(rows, columns, 1, 12), {
      bitsAllocated: 16,
      bitsStored: 12,
    });
    await expect(decodeFrame(bytes.subarray(0, bytes.length * part), description)).rejects.toMatchObject({
      name: 'ImageError',
      code: expect.stringMatching(/^(truncated|malformed)$/),
    });
    // And decodes the next one as if nothing had happened.
    expect((await decodeFrame(bytes, description)).data).toHaveLength(rows * columns);
  });

  it('never decodes a frame whose size is not what the dataset says', async () => {
    const { bytes, description } = await encode(encoding, makeSamples(rows, columns, 1, 8), {});
    const code = name === 'JPEG XL' ? 'malformed' : 'mismatch';
    await expect(decodeFrame(bytes, { ...description, rows: rows * 2 })).rejects.toMatchObject({ code });
    await expect(decodeFrame(bytes, { ...description, columns: columns - 1 })).rejects.toMatchObject({ code });
    const color = { ...description, samplesPerPixel: 3, photometricInterpretation: 'RGB' };
    await expect(decodeFrame(bytes, color)).rejects.toMatchObject({ code });
  });

  it("shows nothing of one patient in another's frame", async () => {
    const [one, other] = [makeSamples(rows, columns, 1, 8, 1), makeSamples(rows, columns, 1, 8, 99)];
    const encoded = [await encode(encoding, one, {}), await encode(encoding, other, {})] as const;
    const before: Pixels[] = [];
    for (let i = 0; i < 6; i++) {
      const { bytes, description } = encoded[(i % 2) as 0 | 1];
      before.push(await decodeFrame(bytes, description));
      await decodeFrame(bytes.subarray(0, bytes.length >> 1), description).catch(() => undefined);
    }
    // Also those from earlier: a later frame must not have been written over them.
    before.forEach((pixels, i) => expect(Array.from(pixels.data)).toEqual(i % 2 === 0 ? one : other));
  });
});

// JPEG XL knows no sign.
describe.each(lossless.filter(([name]) => name !== 'JPEG XL'))('decodeFrame of %s', (_name, encoding) => {
  it('gives signed samples back', async () => {
    const samples = makeSamples(rows, columns, 1, 12).map((value) => value - 2048);
    const { bytes, description } = await encode(encoding, samples, {
      bitsAllocated: 16,
      bitsStored: 16,
      pixelRepresentation: 1,
    });
    expect(Array.from((await decodeFrame(bytes, description)).data)).toEqual(samples);
  });
});

describe('decodeFrame of lossy JPEG', () => {
  const uid = '1.2.840.10008.1.2.4.50';
  const flat = (color: number[]) =>
    sharp(Buffer.from(Array.from({ length: rows * columns }, () => color).flat()), {
      raw: { width: columns, height: rows, channels: color.length as 1 | 3 },
    });

  it('gives grey and colour back, with full and half colour resolution', async () => {
    const grey = await flat([77]).toColourspace('b-w').jpeg({ quality: 100 }).toBuffer();
    const greyPixels = await decodeFrame(grey, makeDescription({ rows, columns, transferSyntaxUid: uid }));
    expect(greyPixels.data).toHaveLength(rows * columns);
    for (const value of greyPixels.data) expect(Math.abs(value - 77)).toBeLessThanOrEqual(1);

    for (const chromaSubsampling of ['4:4:4', '4:2:0']) {
      const bytes = await flat([200, 40, 90]).jpeg({ quality: 100, chromaSubsampling }).toBuffer();
      // Without a marker, half resolution alone tells that the label RGB cannot be true.
      for (const photometricInterpretation of chromaSubsampling === '4:2:0'
        ? ['YBR_FULL_422', 'RGB']
        : ['YBR_FULL_422']) {
        const color = { rows, columns, transferSyntaxUid: uid, samplesPerPixel: 3, photometricInterpretation };
        const pixels = await decodeFrame(bytes, makeDescription(color));
        expect(pixels.photometricInterpretation).toBe('RGB');
        [200, 40, 90].forEach((value, channel) =>
          expect(Math.abs((pixels.data[channel] as number) - value)).toBeLessThanOrEqual(2),
        );
      }
    }
  });

  it('takes colours without a marker as the dataset calls them', async () => {
    const bytes = await flat([200, 40, 90]).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    expect(bytes.includes('Adobe') || bytes.includes('JFIF')).toBe(false);
    const color = { rows, columns, transferSyntaxUid: uid, samplesPerPixel: 3, photometricInterpretation: 'RGB' };
    const components = (await decodeFrame(bytes, makeDescription(color))).data;
    // Y, Cb and Cr of the colour: what is in the codestream, and what the dataset says are R, G and B.
    [94, 126, 204].forEach((value, i) => expect(Math.abs((components[i] as number) - value)).toBeLessThanOrEqual(2));
  });

  it('refuses what is cut off, damaged or nothing of the kind', async () => {
    const description = makeDescription({ rows, columns, transferSyntaxUid: uid });
    const bytes = await flat([77]).toColourspace('b-w').jpeg().toBuffer();
    const codeOf = (part: Uint8Array) =>
      decodeFrame(part, description).then(
        () => 'none',
        (error: { code: string }) => error.code,
      );
    expect(await codeOf(bytes.subarray(0, bytes.length - 12))).toBe('malformed');
    // Cut, and closed again: libjpeg-turbo alone would fill up with grey.
    const closed = Buffer.concat([bytes.subarray(0, bytes.length - 12), Buffer.of(0xff, 0xd9)]);
    expect(await codeOf(closed)).toBe('malformed');
    // Bytes that nobody needs between its parts harm nothing.
    const idle = Buffer.concat([bytes.subarray(0, bytes.length - 2), Buffer.of(1, 2, 3), bytes.subarray(-2)]);
    expect(await codeOf(idle)).toBe('none');
    expect(await codeOf(bytes.subarray(0, 30))).toBe('truncated');
    expect(await codeOf(Buffer.from('GIF89a and what follows'))).toBe('malformed');
    expect(await codeOf(new Uint8Array(0))).toBe('malformed');
    expect(await codeOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9))).toBe('malformed');
  });

  it('shows no JPEG 2000 frame that has not all of its tiles', async () => {
    const { bytes, description } = await encode(
      { encoder: 'encodeJpeg2000', uid: '1.2.840.10008.1.2.4.90' },
      makeSamples(rows, columns, 1, 8),
      {},
    );
    // Twice as wide, so that its one tile is half of it.
    const wide = Buffer.from(bytes);
    const width = wide.indexOf('ff51', undefined, 'hex') + 6;
    wide.writeUInt32BE(2 * wide.readUInt32BE(width), width);
    const asked = decodeFrame(wide, { ...description, columns: 2 * columns });
    await expect(asked).rejects.toThrow(/has 1 of its 2 tiles/);
  });

  it('decodes by what the codestream is, whichever JPEG the transfer syntax promised', async () => {
    const samples = makeSamples(rows, columns, 1, 8);
    const { bytes, description } = await encode(
      { encoder: 'encodeJpeg2000', uid: '1.2.840.10008.1.2.4.90' },
      samples,
      {},
    );
    const pixels = await decodeFrame(bytes, { ...description, transferSyntaxUid: '1.2.840.10008.1.2.4.70' });
    expect(Array.from(pixels.data)).toEqual(samples);
  });
});

describe('toNativeBytes', () => {
  it('gives samples little endian, planes and bits as the dataset has them', async () => {
    const sixteen = makeDescription({ rows: 1, columns: 2, bitsAllocated: 16, pixelRepresentation: 1 });
    const bytes = Uint8Array.of(1, 2, 0xfe, 0xff);
    expect([...toNativeBytes(await decodeFrame(bytes, sixteen), sixteen)]).toEqual([...bytes]);

    const planes = Uint8Array.of(1, 2, 11, 12, 21, 22);
    const color = makeDescription({
      rows: 1,
      columns: 2,
      samplesPerPixel: 3,
      photometricInterpretation: 'RGB',
      planarConfiguration: 1,
    });
    expect([...toNativeBytes(await decodeFrame(planes, color), color)]).toEqual([...planes]);

    const bits = makeDescription({ rows: 3, columns: 3, bitsAllocated: 1, bitOffset: 2 });
    expect([...toNativeBytes(await decodeFrame(Uint8Array.of(0b10000111, 0b1100), bits), bits)]).toEqual([
      0b00100001, 0b1,
    ]);
  });
});
