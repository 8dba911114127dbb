import { describe, expect, it } from '@jest/globals';
import { type InstanceShape, slicesShape, tilesShape } from './series-shape.js';

const instance = (changes: Partial<InstanceShape> = {}): InstanceShape => ({
  position: null,
  orientation: null,
  frames: null,
  tiles: null,
  concatenation: null,
  concatenationTotal: null,
  ...changes,
});
const axial = [1, 0, 0, 0, 1, 0];
const slice = (z: number, orientation = axial) => instance({ position: [-120, -90, z], orientation });
const slices = (count: number, without: number[] = [], step = 2.5) =>
  Array.from({ length: count }, (_, index) => index)
    .filter((index) => !without.includes(index))
    .map((index) => slice(index * step));

describe('slicesShape', () => {
  it('finds slices without a gap, in whatever order they came', () => {
    expect(slicesShape([...slices(40)].reverse())).toEqual({
      kind: 'slices',
      isWhole: true,
      text: '40 slices 2.5 mm apart, without a gap',
    });
  });

  it('finds gaps, and how many are missing in them', () => {
    expect(slicesShape(slices(40, [7, 8, 20]))).toMatchObject({
      isWhole: false,
      text: '37 slices 2.5 mm apart, with 2 gaps in which 3 are missing',
    });
  });

  it('takes the same place again for another phase', () => {
    expect(slicesShape([...slices(20), ...slices(20)]).text).toContain('20 slices');
    expect(slicesShape([...slices(20, [9]), ...slices(20, [9])]).isWhole).toBe(false);
  });

  it('measures along the normal of oblique slices', () => {
    const h = Math.SQRT1_2;
    const oblique = [1, 0, 0, 0, h, h];
    const at = (k: number) => instance({ position: [0, -h * k * 3, h * k * 3], orientation: oblique });
    expect(slicesShape([0, 1, 2, 3, 4, 5].map(at))).toMatchObject({ isWhole: true });
    expect(slicesShape([0, 1, 2, 4, 5, 6].map(at))).toMatchObject({ isWhole: false });
  });

  it.each<[string, InstanceShape[]]>([
    ['few slices', slices(4)],
    ['localizers in several directions', [...slices(5), slice(1, [0, 1, 0, 0, 0, -1])]],
    ['instances without a place', Array.from({ length: 10 }, () => instance())],
    ['nothing', []],
  ])('says nothing of %s', (_, given) => {
    expect(slicesShape(given).isWhole).toBeUndefined();
  });

  it('allows for the unevenness of real scanners', () => {
    const places = [0, 2.51, 4.98, 7.5, 10.02, 12.49, 15];
    expect(slicesShape(places.map((z) => slice(z))).isWhole).toBe(true);
  });
});

describe('tilesShape', () => {
  it('finds a slide whose every image has all its tiles', () => {
    const images = [instance({ frames: 100, tiles: 100 }), instance({ frames: 25, tiles: 25 })];
    expect(tilesShape(images)).toEqual({ kind: 'tiles', isWhole: true, text: 'all 125 tiles' });
  });

  it('finds tiles that are missing, and parts of a concatenation', () => {
    expect(tilesShape([instance({ frames: 99, tiles: 100 })])).toMatchObject({
      isWhole: false,
      text: '99 of 100 tiles of an image',
    });
    const part = instance({ frames: 40, tiles: 100, concatenation: '1.2', concatenationTotal: 3 });
    expect(tilesShape([part, part])).toMatchObject({ isWhole: false, text: '2 of 3 parts of an image' });
    expect(tilesShape([part, part, { ...part, frames: 20 }])).toMatchObject({ isWhole: true });
  });

  it('says nothing where blank tiles may be left out', () => {
    expect(tilesShape([instance({ frames: 99 })]).isWhole).toBeUndefined();
    expect(tilesShape([]).isWhole).toBeUndefined();
  });
});
