import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { DicomJson } from '#libs/dicom';
import { bulkDataForRendering } from '../bulk-data.js';
import { readChannels, standardLeads } from './read-waveform.js';
import { renderWaveform } from './render-waveform.js';
import { strokeText, strokeTextWidth } from './stroke-font.js';

const us = (value: number) => ({ vr: 'US', Value: [value] });
const ds = (value: number | string) => ({ vr: 'DS', Value: [value] });
const sq = (...Value: DicomJson[]) => ({ vr: 'SQ', Value });

interface ChannelOptions {
  label?: string;
  source?: string;
  unit?: string;
  sensitivity?: number;
  correction?: number;
  baseline?: number;
}

function makeChannel({
  label,
  source,
  unit = 'uV',
  sensitivity = 1,
  correction = 1,
  baseline = 0,
}: ChannelOptions): DicomJson {
  return {
    ...(label === undefined ? {} : { '003A0203': { vr: 'SH', Value: [label] } }),
    ...(source === undefined ? {} : { '003A0208': sq({ '00080104': { vr: 'LO', Value: [source] } }) }),
    '003A0210': ds(sensitivity),
    '003A0211': sq({ '00080100': { vr: 'SH', Value: [unit] } }),
    '003A0212': ds(String(correction)),
    '003A0213': ds(baseline),
  };
}

/** A multiplex group; `samples` are those of all channels, one moment after the other. */
function makeGroup(channels: ChannelOptions[], samples: number[], change: DicomJson = {}): DicomJson {
  return {
    '003A0005': us(channels.length),
    '003A0010': { vr: 'UL', Value: [samples.length / channels.length] },
    '003A001A': ds(100),
    '003A0200': sq(...channels.map(makeChannel)),
    '54001004': us(16),
    '54001006': { vr: 'CS', Value: ['SS'] },
    '54001010': { vr: 'OW', InlineBinary: Buffer.from(Int16Array.from(samples).buffer).toString('base64') },
    ...change,
  };
}

const waveform = (...groups: DicomJson[]): DicomJson => ({ '54000100': sq(...groups) });

/** Twelve flat leads at 100 Hz, with a step of 1 mV in lead V1 from 6 to 6.2 seconds. */
function makeTwelveLeads(seconds = 10): DicomJson {
  const samples = Array.from({ length: seconds * 100 }, (_, i) =>
    standardLeads.map((lead) => (lead === 'V1' && i >= 600 && i < 620 ? 1000 : 0)),
  ).flat();
  return waveform(
    makeGroup(
      standardLeads.map((lead) => ({ source: `Lead ${lead}` })),
      samples,
    ),
  );
}

describe('readChannels', () => {
  it('gives millivolts: sample * sensitivity * correction + baseline, in the unit of the channel', () => {
    const channels = [
      { label: 'I', unit: 'uV', sensitivity: 2.5, correction: 2, baseline: 100 },
      { label: 'II', unit: 'mV', sensitivity: 0.001 },
      { label: 'ART', unit: 'mmHg', sensitivity: 0.5 },
    ];
    const read = readChannels(waveform(makeGroup(channels, [10, 20, 30, -10, -20, -30])), 10, undefined);
    expect(read.map(({ name, unit }) => [name, unit])).toEqual([
      ['I', 'mV'],
      ['II', 'mV'],
      ['ART', 'mmHg'],
    ]);
    expect(read.map(({ values }) => [...values].map((value) => Math.round(value * 1e6) / 1e6))).toEqual([
      [0.15, 0.05],
      [0.02, -0.02],
      [15, -15],
    ]);
  });

  it.each([
    ['SB', 8, Int8Array.of(-1, 2), [-1, 2]],
    ['UB', 8, Uint8Array.of(255, 2), [255, 2]],
    ['SS', 16, Int16Array.of(-300, 2), [-300, 2]],
    ['US', 16, Uint16Array.of(65535, 2), [65535, 2]],
    ['SL', 32, Int32Array.of(-70000, 2), [-70000, 2]],
    ['UL', 32, Uint32Array.of(70000, 2), [70000, 2]],
  ])('reads samples of interpretation %s', (interpretation, bits, samples, expected) => {
    const group = makeGroup([{ label: 'X', unit: 'mmHg' }], [0, 0], {
      '54001004': us(bits),
      '54001006': { vr: 'CS', Value: [interpretation] },
      '54001010': { vr: 'OW', InlineBinary: Buffer.from(samples.buffer).toString('base64') },
    });
    expect([...(readChannels(waveform(group), 10, undefined)[0]?.values ?? [])]).toEqual(expected);
  });

  it('knows the standard leads by label or by the meaning of their source, and keeps other names', () => {
    const names: ChannelOptions[] = [
      { source: 'Lead I (Einthoven)' },
      { label: 'LEAD AVR' },
      { label: 'v3' },
      { label: 'aVF ', source: 'whatever' },
      { label: 'ch 1', source: 'Lead V6' },
      { label: 'Invasive' },
      { source: 'Left ventricle' },
      {},
    ];
    const read = readChannels(
      waveform(
        makeGroup(
          names,
          names.map(() => 0),
        ),
      ),
      10,
      undefined,
    );
    expect(read.map(({ name }) => name)).toEqual([
      'I',
      'aVR',
      'V3',
      'aVF',
      'V6',
      'Invasive',
      'Left ventricle',
      'Channel 8',
    ]);
  });

  it('leaves a gap where there is padding', () => {
    const padding = { vr: 'OW', InlineBinary: Buffer.from(Int16Array.of(-32768).buffer).toString('base64') };
    const read = readChannels(
      waveform(makeGroup([{ label: 'I' }], [1000, -32768], { '5400100A': padding })),
      10,
      undefined,
    );
    expect([...(read[0]?.values ?? [])]).toEqual([1, NaN]);
  });

  it('reads no more than it is asked for, of the groups, channels and samples', () => {
    const long = waveform(
      makeGroup(
        [{ label: 'I' }],
        Array.from({ length: 5000 }, () => 1),
      ),
    );
    expect(readChannels(long, 10, undefined)[0]?.values).toHaveLength(1001);
    const many = makeGroup(
      Array.from({ length: 70 }, () => ({ label: 'EEG' })),
      Array.from({ length: 70 }, () => 1),
    );
    expect(readChannels(waveform(many, many), 10, undefined)).toHaveLength(64);
  });

  it('takes samples that are bulk data from the caller', () => {
    const uri = '/dicom-web/studies/1/series/2/instances/3/bulkdata/54000100/0/54001010';
    const dataset = waveform(makeGroup([{ label: 'I' }], [0, 0], { '54001010': { vr: 'OW', BulkDataURI: uri } }));
    expect(bulkDataForRendering(dataset)).toEqual([{ uri, tagPath: '54000100/0/54001010' }]);
    expect(() => readChannels(dataset, 10, undefined)).toThrow(expect.objectContaining({ code: 'missing-bulk-data' }));
    const bulkData = new Map([[uri, new Uint8Array(Int16Array.of(1000, 2000).buffer)]]);
    expect([...(readChannels(dataset, 10, bulkData)[0]?.values ?? [])]).toEqual([1, 2]);
  });

  it.each<[string, DicomJson]>([
    ['truncated', { '003A0010': { vr: 'UL', Value: [4] } }],
    ['truncated', { '003A0010': { vr: 'UL', Value: [4294967295] } }],
    ['invalid-value', { '003A001A': ds(0) }],
    ['invalid-value', { '003A0005': us(0) }],
    ['missing-attribute', { '003A001A': { vr: 'DS' } }],
    ['missing-attribute', { '54001010': { vr: 'OW' } }],
    ['unsupported-pixels', { '54001006': { vr: 'CS', Value: ['MB'] } }],
  ])('refuses with %s: %j', (code, change) => {
    const dataset = waveform(makeGroup([{ label: 'I' }], [1, 2, 3], change));
    expect(() => readChannels(dataset, 10, undefined)).toThrow(expect.objectContaining({ code }));
  });

  it('says that there is no waveform', () => {
    expect(() => readChannels({}, 10, undefined)).toThrow(expect.objectContaining({ code: 'no-pixels' }));
  });
});

describe('renderWaveform', () => {
  /** How dark the drawing is at a point of the paper, in millimetres. */
  async function inkAt(dataset: DicomJson, x: number, y: number): Promise<boolean> {
    const { data, info } = await sharp(await renderWaveform(dataset, { format: 'png' }))
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const at = (mm: number) => Math.round(mm * 6);
    let darkest = 255;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        darkest = Math.min(darkest, data[((at(y) + dy) * info.width + at(x) + dx) * info.channels] as number);
      }
    }
    return darkest < 100;
  }

  it('draws 25 mm a second and 10 mm a millivolt, V1 in the third column of the first row', async () => {
    const dataset = makeTwelveLeads();
    // The row begins 8 mm from the top and is 30 mm high; the traces begin 15 mm from the left edge.
    const [middle, left] = [8 + 15, 15];
    const x = (seconds: number) => left + seconds * 25;
    expect(await inkAt(dataset, x(5.5), middle)).toBe(true);
    expect(await inkAt(dataset, x(6.1), middle - 10)).toBe(true);
    expect(await inkAt(dataset, x(6.1), middle)).toBe(false);
    expect(await inkAt(dataset, x(6.4), middle)).toBe(true);
    expect(await inkAt(dataset, x(6.4), middle - 10)).toBe(false);
    // The calibration pulse is as high as the step, and 5 mm wide.
    expect(await inkAt(dataset, 5 + 2 + 2.5, middle - 10)).toBe(true);
    // The rhythm strip of lead II is flat all along.
    for (const seconds of [0.1, 3, 6.1, 9.9]) expect(await inkAt(dataset, x(seconds), middle + 90)).toBe(true);
  });

  it('draws twelve leads in four rows, other waveforms a row a channel', async () => {
    const height = async (dataset: DicomJson) =>
      (await sharp(await renderWaveform(dataset, { format: 'png' })).metadata()).height;
    expect(await height(makeTwelveLeads())).toBe((8 + 4 * 30 + 8) * 6);
    const pressures = ['ART', 'CVP', 'PAP'].map((label) => ({ label, unit: 'mmHg' }));
    expect(await height(waveform(makeGroup(pressures, [1, 2, 3, 4, 5, 6])))).toBe((8 + 3 * 30 + 8) * 6);
  });

  it('draws what is no voltage over the height of its row', async () => {
    const samples = Array.from({ length: 1000 }, (_, i) => (i < 500 ? 80 : 120));
    const dataset = waveform(makeGroup([{ label: 'ART', unit: 'mmHg' }], samples));
    expect(await inkAt(dataset, 15 + 7.5 * 25, 8 + 15 - 11)).toBe(true);
    expect(await inkAt(dataset, 15 + 2.5 * 25, 8 + 15 + 11)).toBe(true);
  });

  it('needs no font: all letters are strokes', async () => {
    const svg = (await renderWaveform(makeTwelveLeads(), { format: 'svg' })).toString();
    expect(svg).toMatch(/^<svg xmlns/);
    expect(svg).not.toMatch(/<text|font/);
    // A label of a dataset is drawn, and never becomes part of the markup.
    const evil = waveform(makeGroup([{ label: '"/><script>', unit: 'mmHg' }], [1, 2]));
    expect((await renderWaveform(evil, { format: 'svg' })).toString()).not.toContain('script');
  });

  it('draws at the size of the viewport', async () => {
    const picture = await renderWaveform(makeTwelveLeads(), { format: 'jpeg', viewport: { width: 400, height: 400 } });
    const { format, width = 0, height = 0 } = await sharp(picture).metadata();
    expect({ format, width }).toEqual({ format: 'jpeg', width: 400 });
    expect(height).toBeLessThan(400);
  });

  it('draws short recordings, and ones of a single sample', async () => {
    for (const seconds of [3, 1]) {
      const picture = await renderWaveform(makeTwelveLeads(seconds), { format: 'png' });
      expect((await sharp(picture).metadata()).width).toBe(270 * 6);
    }
    expect(
      (await renderWaveform(waveform(makeGroup([{ label: 'I' }], [5])), { format: 'svg' })).length,
    ).toBeGreaterThan(100);
  });

  it('draws the extremes of dense recordings, however many samples there are', async () => {
    const samples = Array.from({ length: 100_000 }, (_, i) => (i === 50_500 ? 1000 : 0));
    const dense = waveform(makeGroup([{ label: 'I' }], samples, { '003A001A': ds(10_000) }));
    expect(await inkAt(dense, 15 + 5.05 * 25, 8 + 15 - 9)).toBe(true);
    expect((await renderWaveform(dense, { format: 'svg' })).length).toBeLessThan(200_000);
  });

  it('refuses viewports that make no sense', async () => {
    const viewport = { width: 0, height: 10 };
    await expect(renderWaveform(makeTwelveLeads(), { format: 'png', viewport })).rejects.toMatchObject({
      code: 'invalid-option',
    });
  });
});

describe('strokeText', () => {
  it('has a glyph of its own for every printable ASCII character', () => {
    const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
    const missing = strokeText('\u4e00', 0, 0, 6);
    expect(missing).not.toBe('');
    expect(printable.filter((character) => ['', missing].includes(strokeText(character, 0, 0, 6)))).toEqual([]);
    expect(new Set(printable.map((character) => strokeText(character, 0, 0, 6))).size).toBe(printable.length);
  });

  it('places letters on the baseline, one beside the other, accents dropped', () => {
    expect(strokeText('L', 10, 20, 6)).toBe('M10.00 14.00L10.00 20.00L14.00 20.00');
    expect(strokeText('\u00e9', 0, 0, 6)).toBe(strokeText('e', 0, 0, 6));
    expect(strokeText(' L', 0, 6, 6)).toBe(strokeText('L', 6, 6, 6));
    expect(strokeTextWidth('LL', 6)).toBe(10);
    expect(strokeTextWidth('', 6)).toBe(0);
  });
});
