import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { decodeFrame, decodeStoredFrame } from './decode-frame.js';
import {
  htj2kLossless,
  htj2kLosslessRpcl,
  isEncodable,
  jpeg2000Lossless,
  jpegBaseline,
  jpegLossless,
  jpegLsLossless,
  losslessSyntaxes,
} from './encode-frame.js';
import type { FrameDescription } from './frame-description.js';
import { plainFrame } from './plain-frame.fixture.js';
import { transcodeFrame } from './transcode-frame.js';
import { rleLossless } from './transfer-syntax.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const [rows, columns] = [37, 53];

/** Smooth in one half and noise in the other, over all values that the description has room for. */
function samplesOf(native: FrameDescription): Buffer {
  const { samplesPerPixel, bitsAllocated, bitsStored, pixelRepresentation } = native;
  const count = native.rows * native.columns * samplesPerPixel;
  const bytes = Buffer.alloc((count * bitsAllocated) / 8);
  const lowest = pixelRepresentation === 1 ? -(2 ** (bitsStored - 1)) : 0;
  let seed = 7;
  for (let i = 0; i < count; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    const value = lowest + ((i % columns < columns / 2 ? i >> 3 : seed >> 8) % 2 ** bitsStored);
    const size = bitsAllocated / 8;
    if (pixelRepresentation === 1) bytes.writeIntLE(value, i * size, size);
    else bytes.writeUIntLE(value, i * size, size);
  }
  return bytes;
}

function description(
  bitsAllocated: number,
  bitsStored: number,
  change: Partial<FrameDescription> = {},
): FrameDescription {
  return plainFrame({ rows, columns, bitsAllocated, bitsStored, highBit: bitsStored - 1, ...change });
}

const signed = { pixelRepresentation: 1 } as const;
const color = { samplesPerPixel: 3, photometricInterpretation: 'RGB' };
const ybr = { samplesPerPixel: 3, photometricInterpretation: 'YBR_FULL' };
const cases: [string, FrameDescription, string[]][] = [
  ['8 bits', description(8, 8), [...losslessSyntaxes]],
  ['5 of 8 bits', description(8, 5), [...losslessSyntaxes]],
  ['8 bits, signed', description(8, 8, signed), [jpegLsLossless, jpegLossless, rleLossless]],
  ['8 of 16 bits', description(16, 8), [...losslessSyntaxes]],
  ['12 of 16 bits', description(16, 12), [...losslessSyntaxes]],
  ['12 of 16 bits, signed', description(16, 12, signed), [...losslessSyntaxes]],
  ['16 bits', description(16, 16), [...losslessSyntaxes]],
  ['16 bits, signed', description(16, 16, signed), [...losslessSyntaxes]],
  ['RGB', description(8, 8, color), [...losslessSyntaxes]],
  ['RGB in planes', description(8, 8, { ...color, planarConfiguration: 1 }), [...losslessSyntaxes]],
  ['YBR_FULL', description(8, 8, ybr), [...losslessSyntaxes]],
  ['RGB of 16 bits', description(16, 16, color), [jpegLsLossless, jpegLossless, rleLossless]],
  ['one row', description(16, 12, { rows: 1 }), losslessSyntaxes.filter((syntax) => syntax !== jpeg2000Lossless)],
  [
    'one column',
    description(8, 8, { ...color, columns: 1 }),
    losslessSyntaxes.filter((syntax) => syntax !== jpeg2000Lossless),
  ],
  ['32 bits', description(32, 32), [rleLossless]],
  ['a high bit elsewhere', description(16, 12, { highBit: 15 }), [rleLossless]],
];

describe('transcodeFrame', () => {
  it.each(cases)('encodes %s without loss, and says what it can', async (name, native, syntaxes) => {
    expect([...losslessSyntaxes].filter((syntax) => isEncodable(native, syntax))).toEqual(syntaxes);
    if (name === 'a high bit elsewhere') return;
    const bytes = samplesOf(native);
    for (const syntax of syntaxes) {
      const encoded = await transcodeFrame(bytes, native, syntax);
      const isReversible =
        native.photometricInterpretation === 'RGB' &&
        [jpeg2000Lossless, htj2kLossless, htj2kLosslessRpcl].includes(syntax);
      expect([syntax, encoded.photometricInterpretation]).toEqual([
        syntax,
        isReversible ? 'YBR_RCT' : native.photometricInterpretation,
      ]);
      const { photometricInterpretation } = encoded;
      const back = await transcodeFrame(
        encoded.bytes,
        { ...native, transferSyntaxUid: syntax, photometricInterpretation },
        explicitLittleEndian,
      );
      expect([syntax, back.bytes.equals(bytes), back.photometricInterpretation]).toEqual([
        syntax,
        true,
        native.photometricInterpretation,
      ]);
    }
  });

  it('takes big endian frames, and goes from one codec to another', async () => {
    const native = description(16, 12, signed);
    const bytes = samplesOf(native);
    const big = { ...native, transferSyntaxUid: '1.2.840.10008.1.2.2', swapWordBytes: 2 } as const;
    const lossless = await transcodeFrame(Buffer.from(bytes).swap16(), big, jpegLossless);
    const coded = { ...native, transferSyntaxUid: jpegLossless };
    const other = await transcodeFrame(lossless.bytes, coded, htj2kLossless);
    const back = await transcodeFrame(
      other.bytes,
      { ...native, transferSyntaxUid: htj2kLossless },
      explicitLittleEndian,
    );
    expect(back.bytes.equals(bytes)).toBe(true);
  });

  it('refuses to lose what lies beside the stored bits', async () => {
    const native = description(16, 12);
    const bytes = samplesOf(native);
    bytes[101] = bytes[101]! | 0x80;
    await expect(transcodeFrame(bytes, native, jpegLsLossless)).rejects.toMatchObject({
      code: 'unsupported-pixels',
      message: expect.stringContaining('overlay'),
    });
    // Wherever it is, and wherever the frame begins.
    for (let sample = 0; sample < rows * columns; sample++) {
      const one = samplesOf(native);
      one[2 * sample + 1]! |= 0x40;
      const moved = Buffer.concat([Buffer.alloc(2), one]).subarray(2);
      for (const frame of [one, moved]) {
        await expect(transcodeFrame(frame, native, rleLossless)).rejects.toMatchObject({ code: 'unsupported-pixels' });
      }
    }
    const big = { transferSyntaxUid: '1.2.840.10008.1.2.2', swapWordBytes: 2 } as const;
    const refused = { code: 'unsupported-pixels' };
    await expect(
      transcodeFrame(Buffer.from(bytes).swap16(), description(16, 12, big), jpegLsLossless),
    ).rejects.toMatchObject(refused);
    const bytesInWords = Buffer.alloc(rows * columns + 1, 7);
    bytesInWords[40] = 0x87;
    await expect(transcodeFrame(bytesInWords, description(8, 5, big), jpegLsLossless)).rejects.toMatchObject(refused);
    // Signed samples carry their sign there, which is no more than they say already.
    const minus = description(16, 12, signed);
    await expect(transcodeFrame(samplesOf(minus), minus, jpegLsLossless)).resolves.toBeDefined();
  });

  it('makes JPEG Baseline near to the original, of bytes only', async () => {
    const native = description(8, 8, ybr);
    const bytes = Buffer.alloc(rows * columns * 3, Buffer.from([76, 85, 255]));
    const encoded = await transcodeFrame(bytes, native, jpegBaseline);
    expect(encoded.photometricInterpretation).toBe('YBR_FULL');
    const { data, photometricInterpretation } = await decodeFrame(encoded.bytes, {
      ...native,
      transferSyntaxUid: jpegBaseline,
    });
    expect(photometricInterpretation).toBe('RGB');
    expect([...data.subarray(0, 3)].map((value) => Math.round(value / 8))).toEqual([32, 0, 0]);
    await expect(
      transcodeFrame(Buffer.alloc(rows * columns * 2), description(16, 16), jpegBaseline),
    ).rejects.toMatchObject({
      code: 'unsupported-pixels',
    });
  });

  it('keeps colours as they are stored, unless the codec makes others', async () => {
    const halved = plainFrame({ rows: 1, columns: 2, samplesPerPixel: 3, photometricInterpretation: 'YBR_FULL_422' });
    const { data, photometricInterpretation } = await decodeStoredFrame(Uint8Array.of(1, 2, 3, 4), halved);
    expect([...data]).toEqual([1, 3, 4, 2, 3, 4]);
    expect(photometricInterpretation).toBe('YBR_FULL');
    const partial = { ...halved, photometricInterpretation: 'YBR_PARTIAL_422' };
    expect((await decodeStoredFrame(Uint8Array.of(16, 16, 128, 128), partial)).photometricInterpretation).toBe('RGB');
  });

  it('gives frames alone in the colours that clients take them for by the metadata', async () => {
    const rgb = [200, 40, 90];
    // PS3.3 C.7.6.3.1.2.
    const near: Record<string, number[]> = { RGB: rgb, YBR_FULL: [94, 126, 204] };
    const samples = Uint8Array.from({ length: rows * columns * 3 }, (_, at) => rgb[at % 3]!);
    const raw = { width: columns, height: rows, channels: 3 as const };
    const jpeg = await sharp(samples, { raw }).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    const stored = { ...description(8, 8, ybr), transferSyntaxUid: jpegBaseline };
    const colorOf = async (photometricInterpretation: string, isApart: boolean) => {
      const named = { ...stored, photometricInterpretation };
      const { bytes, ...said } = await transcodeFrame(jpeg, named, explicitLittleEndian, isApart);
      const isNear = near[said.photometricInterpretation]!.every((value, at) => Math.abs(value - bytes[at]!) <= 2);
      return [said.photometricInterpretation, isNear];
    };
    const asRgb = ['RGB', true];
    const asYbr = ['YBR_FULL', true];
    expect(await colorOf('YBR_FULL', true)).toEqual(asYbr);
    expect(await colorOf('YBR_FULL', false)).toEqual(asRgb);
    expect(await colorOf('YBR_FULL_422', true)).toEqual(asRgb);

    // What a codec keeps of YBR_FULL_422 at full resolution is no such thing uncompressed.
    const native = { ...description(8, 8, ybr) };
    const ybrSamples = Buffer.alloc(rows * columns * 3, Buffer.from([93, 126, 204]));
    const { bytes: jls } = await transcodeFrame(ybrSamples, native, jpegLsLossless);
    const halved = { ...native, transferSyntaxUid: jpegLsLossless, photometricInterpretation: 'YBR_FULL_422' };
    const apart = await transcodeFrame(jls, halved, explicitLittleEndian, true);
    expect([apart.photometricInterpretation, Math.abs(apart.bytes[0]! - 200) < 3]).toEqual(['RGB', true]);
    const inDataset = await transcodeFrame(jls, halved, explicitLittleEndian);
    expect([inDataset.photometricInterpretation, inDataset.bytes.equals(ybrSamples)]).toEqual(['YBR_FULL', true]);
  });
});
