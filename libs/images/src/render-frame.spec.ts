import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { decodeFrame } from './decode-frame.js';
import { plainFrame } from './plain-frame.fixture.js';
import type { FrameDescription, VoiWindow } from './frame-description.js';
import { toModalityValues } from './modality-values.js';
import { renderFrame } from './render-frame.js';
import type { RenderOptions } from './render-options.js';
import { renderTiledLevel, type Tile } from './render-tiled-level.js';

function makeDescription(change: Partial<FrameDescription> = {}): FrameDescription {
  const words = { bitsAllocated: 16, bitsStored: 16, highBit: 15, pixelRepresentation: 1 } as const;
  return plainFrame({ rows: 1, columns: 4, ...words, ...change });
}

const words = (...values: number[]) => new Uint8Array(Int16Array.from(values).buffer);
const eightBits = { bitsAllocated: 8, bitsStored: 8, highBit: 7, pixelRepresentation: 0 } as const;
const color = { ...eightBits, samplesPerPixel: 3, photometricInterpretation: 'RGB' } as const;

/** The pixels of the PNG that comes out. */
async function rendered(
  bytes: Uint8Array,
  change: Partial<FrameDescription> = {},
  options: Partial<RenderOptions> = {},
) {
  const png = await renderFrame(bytes, makeDescription(change), { format: 'png', ...options });
  const { channels = 0 } = await sharp(png).metadata();
  const picture = channels === 1 ? sharp(png).toColourspace('b-w') : sharp(png);
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return { values: [...data], width: info.width, height: info.height, channels };
}

const window = (center: number, width: number, name: VoiWindow['function'] = 'LINEAR'): VoiWindow => ({
  center,
  width,
  function: name,
});

describe('renderFrame of grey images', () => {
  it('applies the windows of PS3.3 C.11.2: LINEAR, LINEAR_EXACT, SIGMOID', async () => {
    // LINEAR, center 50, width 101: -0.5 to 99.5 in 100 steps.
    const linear = await rendered(words(-1, 0, 50, 100), { windows: [window(50, 101)] });
    expect(linear.values).toEqual([0, Math.round((0.5 / 100) * 255), Math.round((50.5 / 100) * 255), 255]);
    const exact = await rendered(words(0, 25, 50, 100), { windows: [window(50, 100, 'LINEAR_EXACT')] });
    expect(exact.values).toEqual([0, 64, 128, 255]);
    const sigmoid = await rendered(words(-1000, 0, 25, 1000), { windows: [window(0, 100, 'SIGMOID')] });
    expect(sigmoid.values).toEqual([0, 128, Math.round(255 / (1 + Math.exp(-1))), 255]);
  });

  it('takes a window of width 1 as a threshold', async () => {
    expect((await rendered(words(99, 100, 101, 102), { windows: [window(100.5, 1)] })).values).toEqual([
      0, 0, 255, 255,
    ]);
  });

  it('applies rescaling first: windows are in modality units', async () => {
    const rescaled = { rescaleSlope: 2, rescaleIntercept: -1000, windows: [window(0, 100, 'LINEAR_EXACT')] };
    expect((await rendered(words(475, 500, 525, 0), rescaled)).values).toEqual([0, 128, 255, 0]);
  });

  it('prefers the window asked for to the first of the frame, and that to its VOI LUT', async () => {
    const voiLut = { firstInput: 0, bits: 8, values: Uint16Array.of(10, 20, 30, 40) };
    const windows = [window(2, 4, 'LINEAR_EXACT'), window(1000, 10)];
    expect((await rendered(words(0, 1, 2, 3), { voiLut })).values).toEqual([10, 20, 30, 40]);
    expect((await rendered(words(-5, 1, 2, 9), { voiLut })).values).toEqual([10, 20, 30, 40]);
    expect((await rendered(words(0, 1, 2, 4), { voiLut, windows })).values).toEqual([0, 64, 128, 255]);
    const asked = await rendered(words(0, 1, 2, 4), { voiLut, windows }, { window: window(0.5, 1) });
    expect(asked.values).toEqual([0, 255, 255, 255]);
  });

  it('applies a Modality LUT instead of slope and intercept', async () => {
    const modalityLut = { firstInput: 10, bits: 16, values: Uint16Array.of(0, 50, 100) };
    const lut = { modalityLut, rescaleSlope: 7, windows: [window(50, 100, 'LINEAR_EXACT')] };
    expect((await rendered(words(9, 10, 11, 200), lut)).values).toEqual([0, 0, 128, 255]);
  });

  it('inverts MONOCHROME1, whatever the window', async () => {
    const one = { photometricInterpretation: 'MONOCHROME1', windows: [window(50, 100, 'LINEAR_EXACT')] };
    expect((await rendered(words(0, 25, 50, 100), one)).values).toEqual([255, 191, 128, 0]);
  });

  it('fits a range to the values when there is no window: extremes and padding left out', async () => {
    const values = Array.from({ length: 1000 }, (_, i) => i);
    values[500] = 30000;
    values[501] = -2000;
    const fitted = await rendered(words(...values), { rows: 10, columns: 100, padding: { first: -2000, last: -2000 } });
    expect(fitted.values[0]).toBe(0);
    expect(fitted.values[501]).toBe(0);
    expect(fitted.values[500]).toBe(255);
    expect(fitted.values[999]).toBe(255);
    expect(Math.abs((fitted.values[502] as number) - 128)).toBeLessThanOrEqual(2);
  });

  it('shows the few pixels that differ, and a frame of one value as black', async () => {
    const nearlyAll = Array.from({ length: 1000 }, (_, i) => (i === 7 ? 40 : 0));
    const speck = await rendered(words(...nearlyAll), { rows: 10, columns: 100 });
    expect([speck.values[6], speck.values[7]]).toEqual([0, 255]);
    expect((await rendered(words(700, 700, 700, 700))).values).toEqual([0, 0, 0, 0]);
  });

  it('shows 8 bits without a window as they are, and labels of a segmentation over their range', async () => {
    expect((await rendered(Uint8Array.of(0, 40, 80, 200), eightBits)).values).toEqual([0, 40, 80, 200]);
    expect((await rendered(Uint8Array.of(0, 1, 2, 4), { ...eightBits, isSegmentation: true })).values).toEqual([
      0, 64, 128, 255,
    ]);
    const bits = { ...eightBits, bitsAllocated: 1, bitsStored: 1, highBit: 0, isSegmentation: true };
    expect((await rendered(Uint8Array.of(0b1010), bits)).values).toEqual([0, 255, 0, 255]);
  });

  it('shows floating point maps, values that are no number as black', async () => {
    const float = {
      bitsAllocated: 32,
      bitsStored: 32,
      sampleType: 'float' as const,
      windows: [window(0.5, 1, 'LINEAR_EXACT')],
    };
    const bytes = new Uint8Array(Float32Array.of(0, 0.5, 1, NaN).buffer);
    expect((await rendered(bytes, float)).values).toEqual([0, 128, 255, 0]);
    expect((await rendered(bytes, { ...float, windows: [] })).values.slice(0, 3)).toEqual([0, 128, 255]);
  });
});

describe('toModalityValues', () => {
  it('gives HU for stored values, and refuses colour', () => {
    const pixels = {
      data: Int16Array.of(-5, 0, 1024),
      rows: 1,
      columns: 3,
      samplesPerPixel: 1,
      photometricInterpretation: 'MONOCHROME2',
    };
    const values = toModalityValues(pixels, makeDescription({ rescaleSlope: 0.5, rescaleIntercept: -1024 }));
    expect(values).toEqual(Float32Array.of(-1026.5, -1024, -512));
    expect(() => toModalityValues({ ...pixels, photometricInterpretation: 'RGB' }, makeDescription())).toThrow(
      expect.objectContaining({ code: 'unsupported-pixels' }),
    );
  });
});

describe('renderFrame of colours', () => {
  it('shows RGB as it is, 16 bits by their upper half, and takes no window', async () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const eight = await rendered(bytes, { ...color, columns: 2, windows: [window(3, 1)] });
    expect(eight).toMatchObject({ channels: 3, values: [...bytes] });
    const sixteen = { ...color, columns: 1, bitsAllocated: 16, bitsStored: 12, highBit: 11 };
    expect((await rendered(words(0x0fff, 0x0800, 0x0010), sixteen)).values).toEqual([255, 128, 1]);
  });

  it('shows PALETTE COLOR through its three tables', async () => {
    const table = (bits: number, ...values: number[]) => ({ firstInput: 1, bits, values: Uint16Array.from(values) });
    const palette = { red: table(16, 0, 0xff00), green: table(8, 9, 8), blue: table(16, 0x1234, 0x8000) };
    const shown = await rendered(Uint8Array.of(0, 1, 2, 3), {
      ...eightBits,
      photometricInterpretation: 'PALETTE COLOR',
      palette,
    });
    expect(shown.values).toEqual([0, 9, 0x12, 0, 9, 0x12, 255, 8, 128, 255, 8, 128]);
  });
});

describe('renderFrame into formats and viewports', () => {
  const ramp = Uint8Array.from({ length: 8 * 4 }, (_, i) => (i % 8) * 30);
  const rampOf = { ...eightBits, rows: 4, columns: 8 };

  it.each(['jpeg', 'png', 'webp'] as const)('makes a %s', async (format) => {
    const picture = await renderFrame(ramp, makeDescription(rampOf), { format });
    expect(await sharp(picture).metadata()).toMatchObject({ format, width: 8, height: 4 });
  });

  it.each([1, 3] as const)('makes a JPEG XL of %d channels, as its own decoder has it', async (samplesPerPixel) => {
    const [rows, columns] = [40, 60];
    const samples = Uint8Array.from({ length: rows * columns * samplesPerPixel }, (_, i) => {
      const pixel = Math.floor(i / samplesPerPixel);
      return 60 + 2 * (pixel % columns) + (i % samplesPerPixel) * 10 + Math.floor(pixel / columns);
    });
    const photometricInterpretation = samplesPerPixel === 1 ? 'MONOCHROME2' : 'RGB';
    const description = makeDescription({ ...eightBits, rows, columns, samplesPerPixel, photometricInterpretation });
    const asItIs = window(127.5, 255, 'LINEAR_EXACT');
    const of = (quality: number) => renderFrame(samples, description, { format: 'jxl', quality, window: asItIs });
    const [low, high] = [await of(30), await of(95)];
    expect(low.length).toBeLessThan(high.length);
    const rgb = Uint8Array.from({ length: rows * columns * 3 }, (_, i) =>
      samplesPerPixel === 3 ? (samples[i] as number) : (samples[Math.floor(i / 3)] as number),
    );
    const named = { ...color, rows, columns, transferSyntaxUid: '1.2.840.10008.1.2.4.112' };
    const { data } = await decodeFrame(high, makeDescription(named));
    expect(Math.max(...rgb.map((sample, i) => Math.abs(sample - (data[i] as number))))).toBeLessThanOrEqual(4);

    if (spawnSync('djxl', ['--version']).error !== undefined) return console.warn('djxl is not installed');
    const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-jxl-'));
    try {
      const [from, to] = ['a.jxl', 'a.png'].map((name) => path.join(folder, name)) as [string, string];
      writeFileSync(from, high);
      execFileSync('djxl', [from, to], { stdio: 'pipe' });
      // Through the profile that it comes with: as a browser shows it.
      const seen = await sharp(to).toColourspace('srgb').raw().toBuffer();
      expect(Math.max(...rgb.map((sample, i) => Math.abs(sample - (seen[i] as number))))).toBeLessThanOrEqual(5);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('makes no JPEG XL in another colour space than sRGB', async () => {
    const pixel = makeDescription({ ...color, rows: 1, columns: 1 });
    const of = (space: 'srgb' | 'adobergb') =>
      renderFrame(Uint8Array.of(1, 2, 3), pixel, { format: 'jxl', color: { space } });
    expect((await of('srgb')).subarray(0, 2).toString('hex')).toBe('ff0a');
    await expect(of('adobergb')).rejects.toMatchObject({ code: 'invalid-option' });
  });

  it('makes grey JPEGs with one component, and smaller ones for less quality', async () => {
    const noise = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i * 7919) % 251);
    const of = (quality: number) =>
      renderFrame(noise, makeDescription({ ...eightBits, rows: 64, columns: 64 }), { format: 'jpeg', quality });
    const [low, high] = [await of(5), await of(95)];
    expect(low.length).toBeLessThan(high.length);
    expect(await sharp(high).metadata()).toMatchObject({ channels: 1, space: 'b-w' });
  });

  it('fits into the viewport and keeps the shape, larger or smaller', async () => {
    const size = async (width: number, height: number) => {
      const { width: w, height: h } = await rendered(ramp, rampOf, { viewport: { width, height } });
      return [w, h];
    };
    expect(await size(4, 100)).toEqual([4, 2]);
    expect(await size(100, 8)).toEqual([16, 8]);
    expect(await size(1, 1)).toEqual([1, 1]);
  });

  it('shows the source region, cut to the image, flipped where its size is negative', async () => {
    const show = async (x: number, y: number, width: number, height: number) => {
      const viewport = { width: 2, height: 1, source: { x, y, width, height } };
      return (await rendered(ramp, rampOf, { viewport })).values;
    };
    expect(await show(2, 1, 2, 1)).toEqual([60, 90]);
    expect(await show(2, 1, -2, 1)).toEqual([90, 60]);
    expect(await show(6, 3, 50, 50)).toEqual([180, 210]);
    const column = Uint8Array.of(10, 20, 30, 40);
    const flipped = await rendered(
      column,
      { ...eightBits, rows: 4, columns: 1 },
      {
        viewport: { width: 1, height: 4, source: { x: 0, y: 0, width: 1, height: -4 } },
      },
    );
    expect(flipped.values).toEqual([40, 30, 20, 10]);
  });

  it.each<[string, Partial<RenderOptions>]>([
    ['invalid-option', { window: window(0, 0.5) }],
    ['invalid-option', { window: window(0, 0, 'SIGMOID') }],
    ['invalid-option', { window: window(NaN, 10) }],
    ['invalid-option', { quality: 0 }],
    ['invalid-option', { quality: 101 }],
    ['invalid-option', { viewport: { width: 0, height: 10 } }],
    ['invalid-option', { viewport: { width: 1.5, height: 10 } }],
    ['invalid-option', { viewport: { width: 10, height: 10, source: { x: 8, y: 0, width: 4, height: 4 } } }],
    ['invalid-option', { viewport: { width: 10, height: 10, source: { x: 0, y: NaN, width: 4, height: 4 } } }],
    ['limit-exceeded', { viewport: { width: 64_001, height: 1000 } }],
  ])('refuses with %s: %j', async (code, options) => {
    await expect(rendered(ramp, rampOf, options)).rejects.toMatchObject({ code });
  });
});

describe('renderTiledLevel', () => {
  const tile = (value: number[], columnOffset: number, rowOffset: number): Tile => ({
    bytes: Uint8Array.from(Array.from({ length: 4 }, () => value).flat()),
    description: makeDescription({ ...color, rows: 2, columns: 2 }),
    columnOffset,
    rowOffset,
  });
  const show = async (tiles: Tile[], columns: number, rows: number) => [
    ...(await sharp(await renderTiledLevel(tiles, columns, rows, { format: 'png' }))
      .raw()
      .toBuffer()),
  ];

  it('puts tiles where they belong, cuts those that reach over the edge, leaves glass white', async () => {
    const [red, blue, white] = [
      [250, 0, 0],
      [0, 0, 250],
      [255, 255, 255],
    ] as [number[], number[], number[]];
    expect(await show([tile(red, 0, 0), tile(blue, 2, 1)], 3, 2)).toEqual([red, red, white, red, red, blue].flat());
    // One altogether outside says nothing.
    expect(await show([tile(red, 0, 0), tile(blue, 9, 9)], 2, 2)).toEqual([red, red, red, red].flat());
  });

  it('shows grey tiles through one window, so that their borders do not show', async () => {
    const grey = (values: number[], columnOffset: number): Tile => ({
      bytes: words(...values),
      description: makeDescription({ rows: 1, columns: 2, bitsStored: 8, highBit: 7, pixelRepresentation: 0 }),
      columnOffset,
      rowOffset: 0,
    });
    const level = await renderTiledLevel([grey([10, 20], 0), grey([20, 200], 2)], 4, 1, { format: 'png' });
    expect([...(await sharp(level).toColourspace('b-w').raw().toBuffer())]).toEqual([10, 20, 20, 200]);
  });

  it('scales into a viewport', async () => {
    const level = await renderTiledLevel([tile([9, 9, 9], 0, 0)], 200, 100, {
      format: 'jpeg',
      viewport: { width: 50, height: 50 },
    });
    expect(await sharp(level).metadata()).toMatchObject({ width: 50, height: 25 });
  });

  it('refuses levels over the limit, none at all, and tiles that cannot be placed', async () => {
    const refused = (tiles: Tile[], columns: number, rows: number) =>
      renderTiledLevel(tiles, columns, rows, { format: 'png' });
    await expect(refused([tile([1, 1, 1], 0, 0)], 8001, 8000)).rejects.toMatchObject({ code: 'limit-exceeded' });
    await expect(refused([], 10, 10)).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(refused([tile([1, 1, 1], -1, 0)], 10, 10)).rejects.toMatchObject({ code: 'invalid-option' });
    const grey = {
      ...tile([], 0, 0),
      bytes: new Uint8Array(4),
      description: makeDescription({ ...eightBits, rows: 2, columns: 2 }),
    };
    await expect(refused([tile([1, 1, 1], 0, 0), grey], 10, 10)).rejects.toMatchObject({ code: 'invalid-option' });
  });
});
