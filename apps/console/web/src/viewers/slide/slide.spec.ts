import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '../../dicom/dicom-json.js';
import { buildPyramid, type Level, type Pyramid } from './build-pyramid.js';
import {
  apparentMagnification,
  chooseLevel,
  clampView,
  fitSlide,
  placeTiles,
  visibleArea,
  zoomView,
} from './slide-view.js';

const value = (vr: string, ...values: unknown[]) => ({ vr, Value: values });
const level = (uid: string, width: number, height: number, more: DicomJson = {}): DicomJson => ({
  '00080018': value('UI', uid),
  '00080008': value('CS', 'ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'),
  '00280010': value('US', 100),
  '00280011': value('US', 100),
  '00480006': value('UL', width),
  '00480007': value('UL', height),
  '00280008': value('IS', Math.ceil(width / 100) * Math.ceil(height / 100)),
  '00209311': value('CS', 'TILED_FULL'),
  ...more,
});
const everything = (of: Level) => ({ left: 0, top: 0, right: of.width, bottom: of.height });
const spacing = { '52009229': value('SQ', { '00289110': value('SQ', { '00280030': value('DS', 0.001, 0.001) }) }) };

describe('buildPyramid', () => {
  it('orders the levels from fine to coarse and leaves label and overview out', () => {
    const pyramid = buildPyramid([
      level('coarse', 250, 150),
      level('label', 5000, 5000, { '00080008': value('CS', 'ORIGINAL', 'PRIMARY', 'LABEL') }),
      level('fine', 1000, 600, spacing),
    ])!;
    expect(pyramid.levels.map(({ width, downsample }) => [width, downsample])).toEqual([
      [1000, 1],
      [250, 4],
    ]);
    expect(pyramid.millimetresPerPixel).toBe(0.001);
  });

  it('counts the frames of a full tiling row by row', () => {
    const [fine] = buildPyramid([level('a', 250, 150)])!.levels;
    expect(fine!.tilesIn(everything(fine!)).map((tile) => [tile.left, tile.top, tile.frameNumber])).toEqual([
      [0, 0, 1],
      [100, 0, 2],
      [200, 0, 3],
      [0, 100, 4],
      [100, 100, 5],
      [200, 100, 6],
    ]);
    expect(fine!.tilesIn({ left: 100, top: 0, right: 200, bottom: 100 }).map((tile) => tile.frameNumber)).toEqual([2]);
  });

  it('finds the tiles of a sparse tiling by their positions, the first of several optical paths', () => {
    const frame = (column: number, row: number) => ({
      '0048021A': value('SQ', { '0048021E': value('SL', column), '0048021F': value('SL', row) }),
    });
    const sparse = level('a', 200, 100, {
      '00209311': value('CS', 'TILED_SPARSE'),
      '52009230': value('SQ', frame(101, 1), frame(1, 1), frame(101, 1)),
    });
    const [fine] = buildPyramid([sparse])!.levels;
    expect(fine!.tilesIn({ left: 100, top: 0, right: 200, bottom: 100 })).toEqual([
      { left: 100, top: 0, sopInstanceUid: 'a', frameNumber: 1 },
    ]);
    expect(fine!.tilesIn(everything(fine!))).toHaveLength(2);
  });

  it('finds a frame in the part of a concatenation that holds it', () => {
    const part = (uid: string, offset: number) =>
      level(uid, 200, 200, {
        '00209161': value('UI', 'whole'),
        '00209228': value('UL', offset),
        '00280008': value('IS', 2),
      });
    const [fine] = buildPyramid([part('second', 2), part('first', 0)])!.levels;
    expect(fine!.tilesIn(everything(fine!)).map((tile) => [tile.sopInstanceUid, tile.frameNumber])).toEqual([
      ['first', 1],
      ['first', 2],
      ['second', 1],
      ['second', 2],
    ]);
  });

  it('takes a picture without a total matrix for one tile, and gives up without sizes', () => {
    const { '00480006': _columns, '00480007': _rows, ...plain } = level('a', 100, 100);
    expect(buildPyramid([plain])!.levels[0]).toMatchObject({ width: 100, height: 100 });
    expect(buildPyramid([{ '00080018': value('UI', 'a') }])).toBeUndefined();
    expect(buildPyramid([])).toBeUndefined();
  });

  it('reckons the spacing from the width imaged where it is not given', () => {
    expect(buildPyramid([level('a', 1000, 100, { '00480001': value('FL', 15) })])!.millimetresPerPixel).toBe(0.015);
  });
});

describe('the view of a slide', () => {
  const screen = { width: 500, height: 400 };
  const pyramid: Pyramid = buildPyramid([level('a', 4000, 2000), level('b', 1000, 500), level('c', 250, 125)])!;

  it('fits the slide into the middle', () => {
    const view = fitSlide(pyramid, screen);
    expect(view).toMatchObject({ x: 2000, y: 1000 });
    expect(view.scale).toBeCloseTo(0.12);
  });

  it('keeps what is under the pointer where it is', () => {
    const before = fitSlide(pyramid, screen);
    const after = zoomView(before, 2, 100, -50, pyramid, screen);
    const under = (view: { x: number; y: number; scale: number }) => [
      view.x + 100 / view.scale,
      view.y - 50 / view.scale,
    ];
    expect(under(after)[0]).toBeCloseTo(under(before)[0]!);
    expect(under(after)[1]).toBeCloseTo(under(before)[1]!);
  });

  it('stays within bounds', () => {
    const far = clampView({ x: -1e9, y: 1e9, scale: 1e9 }, pyramid, screen);
    expect(far).toEqual({ x: 0, y: 2000, scale: 4 });
    expect(clampView({ x: 0, y: 0, scale: 0 }, pyramid, screen).scale).toBeCloseTo(0.03);
  });

  it.each([
    [1, 1, 1],
    [0.25, 1, 4],
    [0.25, 2, 1],
    [0.05, 1, 16],
    [0.001, 1, 16],
  ])('at scale %d on a screen of ratio %d takes the level of downsample %d', (scale, ratio, downsample) => {
    expect(chooseLevel(pyramid, scale, ratio).downsample).toBe(downsample);
  });

  it('asks for no tile outside of what is seen, nearest the middle first, and no more than allowed', () => {
    const view = { x: 2000, y: 1000, scale: 1 };
    const fine = pyramid.levels[0]!;
    expect(visibleArea(fine, view, screen)).toEqual({ left: 1750, top: 800, right: 2250, bottom: 1200 });
    const { tiles, total } = placeTiles(fine, view, screen, 4);
    expect(total).toBe(6 * 4);
    expect(tiles).toHaveLength(4);
    for (const tile of tiles) expect(Math.abs(tile.left + 50 - 2000)).toBeLessThanOrEqual(100);
  });

  it('leaves no seam between neighbours at any scale', () => {
    for (const scale of [0.251, 0.7, 1.313]) {
      const { tiles } = placeTiles(pyramid.levels[0]!, { x: 2000, y: 1000, scale }, screen, 1000);
      for (const tile of tiles) {
        const right = tiles.find((other) => other.top === tile.top && other.left === tile.left + 100);
        if (right) expect(right.screenLeft).toBe(tile.screenLeft + tile.screenWidth);
      }
    }
  });

  it('calls 0.25 micrometres a pixel 40x', () => expect(apparentMagnification(0.00025, 1)).toBeCloseTo(40));
});
