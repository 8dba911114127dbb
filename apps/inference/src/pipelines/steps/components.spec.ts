import { describe, expect, it } from '@jest/globals';
import type { PostprocessingStep } from '../../models/manifest.js';
import { Values } from '../values.js';
import { componentsStep } from './components.js';
import { labelSlice } from './label-slice.js';

type ComponentsStep = Extract<PostprocessingStep, { step: 'components' }>;

const step: ComponentsStep = {
  step: 'components',
  mask: 'mask',
  values: 'values',
  bins: { from: -10, to: 10 },
  dropRegions: { areaBelowCm2: 0.03, medianBelow: -5 },
  keep: { atMost: 2, volumeAtLeastMl: 0.002, shareOfLargestAtLeast: 0.1, meanAtLeast: -8 },
  gives: 'found',
};

/** Slices drawn with characters, `.` for nothing; a pixel is 1 mm2, slices are 1 mm apart, so 1000 pixels are a millilitre. */
function run(
  slices: string[][],
  valueOf: (character: string) => number = () => 0,
  changes: Partial<ComponentsStep> = {},
  batch = 1,
): Values {
  const [rows, columns] = [slices[0]!.length, slices[0]![0]!.length];
  const reducer = componentsStep(
    { ...step, ...changes },
    {
      kind: 'stack',
      pixelAreaMm2: 1,
      sliceSpacingMm: 1,
      slices: slices.length,
      source: { dims: [1, 1, 1], affine: [] },
    },
  );
  for (let start = 0; start < slices.length; start += batch) {
    const text = slices
      .slice(start, start + batch)
      .flat()
      .join('');
    const count = text.length / rows / columns;
    reducer.take!(
      {
        mask: {
          data: Uint8Array.from(text, (character) => (character === '.' ? 0 : 1)),
          dims: [count, 1, rows, columns],
        },
        values: { data: Float32Array.from(text, valueOf), dims: [count, 1, rows, columns] },
      },
      noBatch,
    );
  }
  const values = new Values();
  void reducer.finish!(values);
  return values;
}

const noBatch = { tensor: { data: new Float32Array(), dims: [] }, places: [] };

describe('componentsStep', () => {
  it('joins regions that meet only in a later slice', () => {
    const u = [['##.##'], ['##.##'], ['#####']];
    expect(run(u).number('found.count')).toBe(1);
    expect(run(u).number('found.volume')).toBeCloseTo(0.013);
  });

  it('keeps one component that splits in a later slice', () => {
    const values = run([['#####'], ['##.##'], ['##.##']]);
    expect(values.number('found.count')).toBe(1);
    expect(values.number('found.volume')).toBeCloseTo(0.013);
  });

  it('joins three arms met by one region, and two regions that meet through a joined one', () => {
    expect(run([['#.#.#'], ['#####']], undefined, { keep: { ...step.keep, atMost: 9 } }).number('found.count')).toBe(1);
    // The first region of the second slice joins a and b; the second touches b only, so it belongs to the same.
    const values = run([['a.bbb'], ['###.#'], ['#...#']], undefined, {
      keep: { ...step.keep, atMost: 9, volumeAtLeastMl: 0.001 },
    });
    expect(values.number('found.count')).toBe(1);
    expect(values.number('found.volume')).toBeCloseTo(0.01);
  });

  it('does not join over a corner, in the slice or between slices', () => {
    const values = run(
      [
        ['##...', '..##.'],
        ['....#', '....#'],
      ],
      undefined,
      { keep: { ...step.keep, atMost: 9, volumeAtLeastMl: 0.001 } },
    );
    expect(values.number('found.count')).toBe(3);
  });

  it('keeps the largest, drops those too small beside it, too small at all, or of the wrong mean', () => {
    const slice = ['aaaaaaaaaaaa.bbb.c.ddddd'];
    const values = run([slice, slice], (character) => (character === 'd' ? -9 : 0), {
      dropRegions: { areaBelowCm2: 0.001, medianBelow: -20 },
    });
    expect(values.number('found.count')).toBe(2);
    expect(values.number('found.volume')).toBeCloseTo(0.03);
    const strict = run([slice, slice], () => 0, { keep: { ...step.keep, shareOfLargestAtLeast: 0.45 } });
    expect(strict.number('found.volume')).toBeCloseTo(0.024);
  });

  it('leaves out small regions of low median, and tells what they held', () => {
    const values = run([['####.xx'], ['####.##']], (character) => (character === 'x' ? -7 : 3));
    expect(values.histogram('found.dropped').counts[3]).toBe(2);
    expect(values.histogram('found.histogram').counts[13]).toBe(10);
    expect(values.histogram('found.histogram').sum).toBe(30);
  });

  it('counts values beyond the bins in the first and last bin', () => {
    const values = run([['###']], (character) => (character === '#' ? 500 : 0), {
      dropRegions: { areaBelowCm2: 0.0001, medianBelow: -20 },
    });
    expect(values.histogram('found.histogram').counts.at(-1)).toBe(3);
  });

  it('tells how much touches the first and the last slice', () => {
    expect(run([['....'], ['####'], ['####'], ['##..']]).number('found.endArea')).toBeCloseTo(0.02);
    expect(run([['###.'], ['####'], ['....']]).number('found.endArea')).toBeCloseTo(0.03);
    expect(run([['....'], ['####'], ['....']]).number('found.endArea')).toBe(0);
  });

  it('gives the same however slices are batched', () => {
    const slices = [['#.#..##'], ['###..#.'], ['..#.##.'], ['.######'], ['#......']];
    const results = [1, 2, 3, 5].map((batch) => run(slices, undefined, {}, batch).number('found.volume'));
    expect(new Set(results).size).toBe(1);
  });

  it('gives no component of an empty mask', () => {
    const values = run([['...'], ['...']]);
    expect(values.number('found.count')).toBe(0);
    expect(values.number('found.volume')).toBe(0);
  });

  it('refuses a slice that is nothing but noise', () => {
    const line = Array.from({ length: 220 }, (_, row) =>
      Array.from({ length: 220 }, (_, column) => ((row + column) % 2 ? '#' : '.')).join(''),
    );
    expect(() => run([line])).toThrow(/falls into 24200 regions, at most 20000/);
  });
});

describe('labelSlice', () => {
  it('agrees with a flood fill on random masks', () => {
    let state = 1;
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    for (let turn = 0; turn < 30; turn++) {
      const [rows, columns] = [17, 23];
      const mask = Uint8Array.from({ length: rows * columns }, () => (random() < 0.6 ? 1 : 0));
      const regions = labelSlice(mask, rows, columns).map((runs) =>
        runs
          .flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index))
          .sort((a, b) => a - b),
      );
      expect(regions.sort((a, b) => a[0]! - b[0]!)).toEqual(floodFill(mask, rows, columns));
    }
  });
});

function floodFill(mask: Uint8Array, rows: number, columns: number): number[][] {
  const seen = new Set<number>();
  const regions: number[][] = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || seen.has(start)) continue;
    const region = [start];
    seen.add(start);
    for (const at of region) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      for (const [r, c] of [
        [row - 1, column],
        [row + 1, column],
        [row, column - 1],
        [row, column + 1],
      ] as const) {
        const next = r * columns + c;
        if (r < 0 || c < 0 || r >= rows || c >= columns || !mask[next] || seen.has(next)) continue;
        seen.add(next);
        region.push(next);
      }
    }
    regions.push(region.sort((a, b) => a - b));
  }
  return regions;
}
