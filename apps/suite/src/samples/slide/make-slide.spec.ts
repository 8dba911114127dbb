import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
// An eye of its own: what we encode is looked at with a decoder and colour engine that our code has no part in.
// oxlint-disable-next-line no-restricted-imports
import sharp from 'sharp';
import { jsonItems, jsonNumber, jsonNumbers, jsonText, jsonTexts, type ParsedInstance, readPart10 } from '#libs/dicom';
import { encodeTile } from './encode-tile.js';
import { srgbInputProfile } from '#libs/images';
import { makeSlide } from './make-slide.js';
import { cropped, halved } from './picture.js';
import { transmit } from './stain.js';
import { makeTissue } from './tissue.js';

describe('the sample slide', () => {
  const levels: { bytes: Buffer; parsed: ParsedInstance }[] = [];

  beforeAll(async () => {
    for await (const bytes of makeSlide()) levels.push({ bytes, parsed: readPart10(bytes) });
  }, 120_000);

  /** One encoded tile, counted from 0. */
  function tile(level: number, index: number): Buffer {
    const { bytes, parsed } = levels[level] ?? {};
    if (!bytes || parsed?.frames.kind !== 'encapsulated') throw new Error(`no level ${level}`);
    const entry = parsed.frames.entries.subarray(index * 16);
    expect(entry.readUInt32LE(12)).toBe(1);
    const offset = Number(entry.readBigUInt64LE(0));
    return bytes.subarray(offset, offset + entry.readUInt32LE(8));
  }

  it('is marked as what it is', () => {
    for (const { parsed } of levels) {
      expect(parsed.sopClassUid).toBe('1.2.840.10008.5.1.4.1.1.77.1.6');
      expect(parsed.transferSyntaxUid).toBe('1.2.840.10008.1.2.4.50');
      expect(jsonText(parsed.dataset, '00100020')).toBe('ISOCENTER-SAMPLE-3');
      expect(jsonText(parsed.dataset, '00081030')).toMatch(/^SAMPLE /);
      expect(jsonText(parsed.dataset, '00204000')).toBe('Synthetic phantom, not a patient');
      expect(jsonText(parsed.dataset, '00209311')).toBe('TILED_FULL');
    }
  });

  it('is a pyramid of four levels and a thumbnail', () => {
    expect(levels.map(({ parsed }) => jsonTexts(parsed.dataset, '00080008').join('\\'))).toEqual([
      'ORIGINAL\\PRIMARY\\VOLUME\\NONE',
      'DERIVED\\PRIMARY\\VOLUME\\RESAMPLED',
      'DERIVED\\PRIMARY\\VOLUME\\RESAMPLED',
      'DERIVED\\PRIMARY\\VOLUME\\RESAMPLED',
      'DERIVED\\PRIMARY\\THUMBNAIL\\RESAMPLED',
    ]);
    expect(levels.map(({ parsed }) => jsonNumber(parsed.dataset, '00480006'))).toEqual([4096, 2048, 1024, 512, 512]);
    expect(levels.map(({ parsed }) => jsonNumber(parsed.dataset, '00480007'))).toEqual([3072, 1536, 768, 384, 384]);
  });

  it('has as many tiles as cover each level, and a millimetre is the same on all', () => {
    for (const { parsed } of levels) {
      const { dataset, frames } = parsed;
      const number = (tag: string) => jsonNumber(dataset, tag) ?? Number.NaN;
      const tiles =
        Math.ceil(number('00480006') / number('00280011')) * Math.ceil(number('00480007') / number('00280010'));
      expect(number('00280008')).toBe(tiles);
      expect('numberOfFrames' in frames && frames.numberOfFrames).toBe(tiles);
      const measures = jsonItems(jsonItems(dataset, '52009229')[0] ?? {}, '00289110')[0] ?? {};
      const [rowSpacing = 0, columnSpacing = 0] = jsonNumbers(measures, '00280030');
      expect(columnSpacing * number('00480006')).toBeCloseTo(number('00480001'), 6);
      expect(rowSpacing * number('00480007')).toBeCloseTo(number('00480002'), 6);
    }
  });

  it('shows the same tissue on all levels, on white glass', async () => {
    const { data: corner } = await sharp(tile(0, 0)).raw().toBuffer({ resolveWithObject: true });
    expect(Math.min(...corner.subarray(0, 3000))).toBeGreaterThan(225);
    const meanOf = async (bytes: Buffer) => (await sharp(bytes).stats()).channels.map(({ mean }) => mean);
    // Tile 3 of the 2 x 2 level against the four tiles of the level above; both are half padding below.
    const small = await sharp(tile(3, 0)).extract({ left: 0, top: 0, width: 128, height: 128 }).png().toBuffer();
    const [a, b] = [await meanOf(small), await meanOf(tile(2, 0))];
    a.forEach((value, channel) => expect(Math.abs(value - (b[channel] ?? 0))).toBeLessThan(2));
    expect(a[1]).toBeLessThan(a[0] ?? 0); // pink and violet: green is what the stains take most of
  });

  it('is a baseline JPEG per tile, and says so', async () => {
    const metadata = await sharp(tile(1, 5)).metadata();
    expect([metadata.format, metadata.width, metadata.height, metadata.isProgressive]).toEqual([
      'jpeg',
      256,
      256,
      false,
    ]);
    for (const { parsed } of levels) {
      expect(jsonText(parsed.dataset, '00280004')).toBe('YBR_FULL_422');
      expect(jsonText(parsed.dataset, '00282110')).toBe('01');
      expect(jsonNumber(parsed.dataset, '00282112')).toBeGreaterThan(3);
      expect(jsonItems(parsed.dataset, '00480105')).toHaveLength(1);
    }
  });

  it('is small enough to send at every first start', () => {
    expect(levels.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(8e6);
  });
});

describe('its making', () => {
  it('gives the same bytes each time', async () => {
    const digest = async () => {
      const tissue = makeTissue(512, 384, 5);
      const rgb = transmit(tissue.haematoxylin, tissue.eosin, 17);
      const small = halved({ columns: 512, rows: 384, rgb });
      return createHash('sha256')
        .update(rgb)
        .update(await encodeTile(small.rgb, 256, 192))
        .digest('hex');
    };
    expect(await digest()).toBe(await digest());
  });

  it('follows the law of absorption: twice the stain, the square of the light', () => {
    const [one = 0, two = 0] = [30, 60].map((amount) => {
      const many = transmit(new Uint8Array(1000).fill(amount), new Uint8Array(1000), 3);
      return many.filter((_, at) => at % 3 === 0).reduce((sum, value) => sum + value, 0) / 1000 / 244;
    });
    expect(two).toBeCloseTo(one * one, 1);
  });

  it('pads a tile beyond the edge with white', () => {
    const part = cropped({ columns: 2, rows: 2, rgb: new Uint8Array(12).fill(7) }, 1, 1, 2, 2);
    expect([...part]).toEqual([7, 7, 7, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
  });

  it('describes its colours by a profile that a colour engine reads as sRGB', async () => {
    const profile = srgbInputProfile();
    expect(profile.readUInt32BE(0)).toBe(profile.length);
    const rgb = [200, 120, 160];
    const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 120, b: 160 } } })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    // The profile goes into an APP2 segment after the start of the image (ICC.1 annex B.4).
    const segment = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), profile]);
    const marker = Buffer.from([0xff, 0xe2, (segment.length + 2) >> 8, (segment.length + 2) & 255]);
    const tagged = Buffer.concat([jpeg.subarray(0, 2), marker, segment, jpeg.subarray(2)]);
    expect((await sharp(tagged).metadata()).icc?.equals(profile)).toBe(true);
    const seen = await sharp(tagged).toColourspace('srgb').raw().toBuffer();
    rgb.forEach((value, channel) => expect(Math.abs((seen[channel] ?? 0) - value)).toBeLessThanOrEqual(2));
  });
});
