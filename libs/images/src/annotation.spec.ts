import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { annotationOf, drawAnnotation } from './annotation.js';
import { plainFrame } from './plain-frame.fixture.js';
import { renderFrame } from './render-frame.js';

const text = (vr: string, value: string) => ({ vr, Value: [value] });
const dataset = {
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }] },
  '00100020': text('LO', 'P-1'),
  '00100030': text('DA', '19701231'),
  '00080020': text('DA', '20260203'),
  '00080060': text('CS', 'CT'),
  '0008103E': text('LO', 'Thorax'),
  '00200013': { vr: 'IS', Value: [7] },
  '00280008': { vr: 'IS', Value: [3] },
  '00180060': { vr: 'DS', Value: ['120'] },
  '00180050': { vr: 'DS', Value: [1.25] },
  '52009230': {
    vr: 'SQ',
    Value: [{}, { '00289110': { vr: 'SQ', Value: [{ '00180050': { vr: 'DS', Value: [5] } }] } }],
  },
};

describe('annotations', () => {
  it('say who, when asked for the patient, and how, when asked for the technique', () => {
    expect(annotationOf(dataset, ['patient'], 0)).toEqual({
      topLeft: ['Yamada, Tarou', 'P-1', 'born 1970-12-31'],
      topRight: ['2026-02-03'],
      bottomLeft: [],
    });
    const { topLeft, bottomLeft } = annotationOf(dataset, ['technique'], 1);
    expect(topLeft).toEqual([]);
    // What a frame's own functional group says goes before what is said of all.
    expect(bottomLeft).toEqual(['CT  Thorax', 'Im 7', 'Frame 2/3', '120 kV', 'Thickness 5 mm']);
  });

  it('are written into the corners, also of a small picture, and not without being asked for', async () => {
    const black = plainFrame({ rows: 200, columns: 200, windows: [{ center: 128, width: 2, function: 'LINEAR' }] });
    const bytes = new Uint8Array(40_000);
    const inkOf = async (options: object) => {
      const picture = await renderFrame(bytes, black, { format: 'png', ...options });
      const { data, info } = await sharp(picture).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
      const inRows = (from: number, to: number) =>
        data
          .subarray(Math.floor(from * info.height) * info.width, Math.floor(to * info.height) * info.width)
          .filter((v) => v > 60).length;
      return { top: inRows(0, 0.3), middle: inRows(0.4, 0.6), bottom: inRows(0.7, 1), channels: info.channels };
    };
    expect(await inkOf({})).toMatchObject({ top: 0, middle: 0, bottom: 0 });
    const annotation = annotationOf(dataset, ['patient', 'technique'], 0);
    const large = await inkOf({ annotation });
    expect(large.top).toBeGreaterThan(100);
    expect(large.bottom).toBeGreaterThan(100);
    expect(large.middle).toBe(0);
    const small = await inkOf({ annotation, viewport: { width: 64, height: 64 } });
    expect(small.top).toBeGreaterThan(10);
  });

  it('make no drawing of nothing', () => {
    expect(drawAnnotation(annotationOf({}, ['patient', 'technique'], 0), 100, 100)).toBeUndefined();
  });
});
