import { describe, expect, it } from '@jest/globals';
import { mergeWindowsStep } from '../steps/merge-windows.js';
import { Values } from '../values.js';
import { applyVolumeStep, inOrder, reorient, resample, type Volume, window, windowOrigins } from './volume.js';

/** Axial slices as a scanner stores them: slice to the head, row to the back, column to the left; values are their place. */
function scan(dims: [number, number, number] = [4, 5, 6], spacing = [3, 2, 1]): Volume {
  return {
    dims,
    affine: [0, 0, spacing[2]!, -10, 0, spacing[1]!, 0, -20, spacing[0]!, 0, 0, 30],
    data: Float32Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, at) => at),
  };
}
const at = (volume: Volume, i: number, j: number, k: number) =>
  inOrder(volume).data[(i * volume.dims[1] + j) * volume.dims[2] + k]!;
const place = ({ affine: m }: Volume, i: number, j: number, k: number) =>
  [0, 4, 8].map((row) => m[row]! * i + m[row + 1]! * j + m[row + 2]! * k + m[row + 3]!);

describe('reorient', () => {
  it.each(['LIA', 'RAS', 'SPL', 'PIR'])('to %s moves every value with its place, and back again', (axes) => {
    const source = scan();
    const turned = reorient(source, axes);
    const places = new Map<string, number>();
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 5; j++)
        for (let k = 0; k < 6; k++) places.set(String(place(source, i, j, k)), at(source, i, j, k));
    for (let i = 0; i < turned.dims[0]; i++)
      for (let j = 0; j < turned.dims[1]; j++)
        for (let k = 0; k < turned.dims[2]; k++)
          expect(places.get(String(place(turned, i, j, k)))).toBe(at(turned, i, j, k));
    expect([...inOrder(reorient(turned, 'SPL')).data]).toEqual([...source.data]);
    expect([...inOrder(reorient(inOrder(turned), 'SPL')).data]).toEqual([...source.data]);
  });

  it('gives axes that run as their letters say', () => {
    const { affine, dims } = reorient(scan(), 'LIA');
    expect(dims).toEqual([6, 4, 5]);
    expect(affine.map((value) => value + 0)).toEqual([1, 0, 0, -10, 0, 0, -2, -12, 0, -3, 0, 39]);
  });
});

describe('resample', () => {
  it('keeps a ramp a ramp, and the edges where they are', () => {
    const fine = resample(scan(), [1.5, 2, 1], 'linear');
    expect(fine.dims).toEqual([8, 5, 6]);
    expect(at(fine, 1, 0, 0)).toBeCloseTo(0.25 * 30);
    expect(at(fine, 2, 0, 0)).toBeCloseTo(0.75 * 30);
    expect(place(fine, 0, 0, 0)[2]).toBeCloseTo(30 - 0.75);
  });
});

describe('window', () => {
  it.each([
    ['within', [1, 1, 2], [2, 3, 3]],
    ['beyond every edge', [-1, -2, -1], [7, 8, 9]],
    ['beyond one edge', [2, 0, 0], [4, 5, 6]],
    ['outside', [9, 9, 9], [2, 2, 2]],
  ] as [string, [number, number, number], [number, number, number]][])(
    '%s is the same of a volume that was turned and of its copy in order',
    (_, origin, sizes) => {
      const turned = reorient(scan(), 'RIA');
      const copy = inOrder(turned);
      const of = window(turned, origin, sizes, -7);
      expect([...inOrder(of).data]).toEqual([...inOrder(window(copy, origin, sizes, -7)).data]);
      for (let i = 0; i < sizes[0]; i++)
        for (let j = 0; j < sizes[1]; j++)
          for (let k = 0; k < sizes[2]; k++) {
            const [a, b, c] = [i + origin[0], j + origin[1], k + origin[2]];
            const isInside = a >= 0 && b >= 0 && c >= 0 && a < copy.dims[0] && b < copy.dims[1] && c < copy.dims[2];
            expect(at(of, i, j, k)).toBe(isInside ? at(copy, a, b, c) : -7);
          }
    },
  );
});

describe('normalise', () => {
  it('counts what a crop left, and nothing else', () => {
    const cropped = window(scan(), [1, 1, 1], [2, 2, 2], 0);
    const { data } = inOrder(applyVolumeStep(cropped, { step: 'normalise', by: 'range' }));
    expect([Math.min(...data), Math.max(...data), data.length]).toEqual([0, 1, 8]);
  });
});

describe('normalise, done when what is left is copied', () => {
  it.each(['SPL', 'RIA', 'LIA', 'SPR', 'ALS'])(
    'is what it is at once, of a volume turned to %s and cropped',
    (axes) => {
      for (const step of [
        { step: 'normalise', by: 'range' },
        { step: 'normalise', by: 'constants', scale: 0.1, mean: 0.485, deviation: 0.229 },
      ] as const) {
        const cropped = (volume: Volume) => window(reorient(volume, axes), [1, 0, 2], [2, 3, 2], 0);
        const later = inOrder(cropped(applyVolumeStep(scan(), step)));
        const first = inOrder(cropped(inOrder(applyVolumeStep(scan(), step))));
        expect([...later.data]).toEqual([...first.data]);
        const padded = (volume: Volume) => inOrder(window(reorient(volume, axes), [-1, 0, 0], [9, 9, 9], -7));
        expect([...padded(applyVolumeStep(scan(), step)).data]).toEqual([
          ...padded(inOrder(applyVolumeStep(scan(), step))).data,
        ]);
        const content = { step: 'crop-to-content', above: 0.6, margin: 0 } as const;
        expect(applyVolumeStep(applyVolumeStep(scan(), step), content).dims).toEqual(
          applyVolumeStep(inOrder(applyVolumeStep(scan(), step)), content).dims,
        );
      }
    },
  );
});

describe('normalise by range', () => {
  it.each([1, 2, 3, 4, 5, 7, 8])('finds the ends wherever among %d values, beside what is no number', (count) => {
    for (let low = 0; low < count; low++)
      for (let high = 0; high < count; high++) {
        if (low === high) continue;
        const data = new Float32Array(count + 1).fill(5);
        data[low] = -3;
        data[high] = 13;
        data[count] = NaN;
        const volume = inOrder(
          applyVolumeStep({ ...scan([1, 1, count + 1]), data }, { step: 'normalise', by: 'range' }),
        );
        expect([volume.data[low], volume.data[high], volume.data[count]]).toEqual([0, 1, NaN]);
        expect(volume.data.filter((value) => value === 0.5)).toHaveLength(count - 2);
      }
  });
});

describe('crop-to-content', () => {
  it('finds the box of what is above a value, however the volume lies', () => {
    const data = new Float32Array(120);
    const mark = (i: number, j: number, k: number) => (data[(i * 5 + j) * 6 + k] = 5);
    mark(1, 2, 4);
    mark(2, 1, 3);
    mark(2, 4, 3);
    const step = { step: 'crop-to-content', above: 1, margin: 0 } as const;
    const volume = { ...scan(), data };
    expect(applyVolumeStep(volume, step).dims).toEqual([2, 4, 2]);
    const turned = applyVolumeStep(reorient(volume, 'RIA'), step);
    expect(turned.dims).toEqual([2, 2, 4]);
    expect([...inOrder(reorient(turned, 'SPL')).data]).toEqual([...inOrder(applyVolumeStep(volume, step)).data]);
  });

  it('refuses a volume with nothing in it', () => {
    const empty = { ...scan(), data: new Float32Array(120) };
    expect(() => applyVolumeStep(empty, { step: 'crop-to-content', above: 0, margin: 1 })).toThrow(
      /nothing in it to read/,
    );
  });
});

describe('sliding windows', () => {
  it.each(['constant', 'gaussian'] as const)('put together again (%s) are what they were cut of', (blend) => {
    const volume = { ...scan([7, 9, 11]), data: Float32Array.from({ length: 693 }, (_, at) => Number(at % 5 === 0)) };
    const sizes: [number, number, number] = [4, 5, 6];
    const grid = { dims: volume.dims, affine: volume.affine };
    const step = mergeWindowsStep(
      { step: 'merge-windows', of: 'out', blend, into: { above: 0.5 }, gives: 'mask' },
      {
        facts: { kind: 'volume', grid, source: grid },
        labels: [],
        layouts: new Map([['out', 'NCDHW']]),
        directory: '',
      },
    );
    const origins = windowOrigins(volume.dims, sizes, 0.3);
    expect(origins.length).toBeGreaterThan(8);
    for (const origin of origins) {
      const tensor = { data: inOrder(window(volume, origin, sizes, 0)).data, dims: [1, 1, ...sizes] };
      step.take!({ out: tensor }, { tensor, places: [{ kind: 'window', origin }] });
    }
    const values = new Values();
    void step.finish!(values);
    const mask = values.mask('mask');
    expect(mask.kind === 'volume' && [...mask.data]).toEqual([...volume.data]);
  });
});
