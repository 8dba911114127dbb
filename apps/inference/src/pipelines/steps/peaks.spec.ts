import { describe, expect, it } from '@jest/globals';
import { Values } from '../values.js';
import { intervalsStep } from './intervals.js';
import { listPeaksStep } from './list-peaks.js';
import { ratioStep } from './ratio.js';
import { sumStep } from './sum.js';
import { widthStep } from './width.js';

const facts = { kind: 'waveform', hertz: 500 } as const;
const noBatch = { tensor: { data: new Float32Array(), dims: [] }, places: [] };
const tensor = (data: Float32Array) => ({ data, dims: [1, 1, data.length] });

function signal(length: number, draw: (sample: number) => number): Float32Array {
  return Float32Array.from({ length }, (_, sample) => draw(sample));
}

describe('listPeaksStep', () => {
  const listed = (peaks: Float32Array, over = peaks) => {
    const values = new Values();
    const step = listPeaksStep({ step: 'list-peaks', of: 'peaks', over: 'over', gives: 'beats' }, facts);
    step.take!({ peaks: tensor(peaks), over: tensor(over) }, noBatch);
    void step.finish!(values);
    return values;
  };

  it('lists places in milliseconds, one for a flat top', () => {
    const peaks = signal(100, (sample) => ([10, 50, 51, 52, 99].includes(sample) ? 8 : 0));
    expect([...listed(peaks).list('beats')]).toEqual([20, 100, 198]);
  });

  it('says how high they are and how far they stand out', () => {
    const values = listed(
      signal(100, (sample) => (sample % 20 === 5 ? 8 : 0)),
      signal(100, () => 2),
    );
    expect(values.number('beats.height')).toBe(8);
    expect(values.number('beats.contrast')).toBe(4);
  });

  it('gives nothing of a flat output', () => {
    const values = listed(signal(100, () => 0));
    expect([...values.list('beats')]).toEqual([]);
    expect(values.number('beats.contrast')).toBe(0);
  });
});

describe('widthStep', () => {
  const width = (draw: (sample: number) => number, at: number[], bridgeMilliseconds = 10) => {
    const values = new Values();
    values.set('beats', Float64Array.from(at));
    const step = widthStep(
      {
        step: 'width',
        of: 'speed',
        at: 'beats',
        withinMilliseconds: 160,
        level: 0.1,
        bridgeMilliseconds,
        gives: 'width',
      },
      facts,
    );
    step.take!({ speed: tensor(signal(2000, draw)) }, noBatch);
    void step.finish!(values);
    return values.number('width');
  };
  const places = [500, 1500, 2500, 3500];
  const near = (sample: number) => (sample % 500) - 250;

  it('measures a triangle between its crossings of the level', () => {
    // Half width 40 samples: 10 % of the height is 36 samples from the top.
    expect(width((sample) => Math.max(0, 1 - Math.abs(near(sample)) / 40), places)).toBeCloseTo((72 * 1000) / 500, 3);
  });

  it('bridges a dip shorter than the bridge and no longer', () => {
    const twoBumps = (gap: number) => (sample: number) =>
      Math.abs(near(sample)) < 20 ? 1 : near(sample) >= 20 + gap && near(sample) < 30 + gap ? 0.8 : 0;
    expect(width(twoBumps(3), places)).toBeGreaterThan(95);
    expect(width(twoBumps(12), places)).toBeLessThan(85);
  });

  it('lets the odd beat go, by the median', () => {
    const draw = (sample: number) =>
      Math.max(0, 1 - Math.abs(near(sample)) / (sample > 1000 && sample < 1500 ? 70 : 40));
    expect(width(draw, places)).toBeCloseTo(144, 3);
  });

  it('is NaN when the curve never falls', () => {
    expect(width(() => 1, places)).toBeNaN();
  });

  it('is NaN when fewer than three places are whole', () => {
    expect(width((sample) => Math.max(0, 1 - Math.abs(near(sample)) / 40), [500, 1500, 3950])).toBeNaN();
  });
});

describe('the arithmetic steps', () => {
  it('take differences, sums over batches and ratios', () => {
    const values = new Values({ pixels: 200 });
    values.set('beats', Float64Array.of(100, 900, 1750));
    void intervalsStep({ step: 'intervals', of: 'beats', gives: 'rr' }).finish!(values);
    expect([...values.list('rr')]).toEqual([800, 850]);

    const sum = sumStep({ step: 'sum', of: 'tissue', gives: 'tissue' });
    for (const data of [Float32Array.of(1, 2), Float32Array.of(47)])
      sum.take!({ tissue: { data, dims: [data.length] } }, noBatch);
    void sum.finish!(values);
    void ratioStep({ step: 'ratio', of: 'tissue', to: 'pixels', times: 100, gives: 'share' }).finish!(values);
    expect(values.number('share')).toBe(25);
    void ratioStep({ step: 'ratio', of: 1, to: 0, times: 1, gives: 'none' }).finish!(values);
    expect(values.number('none')).toBeNaN();
  });

  it('give no intervals of one beat or none', () => {
    const values = new Values();
    for (const beats of [[], [500]]) {
      values.set('beats', Float64Array.from(beats));
      void intervalsStep({ step: 'intervals', of: 'beats', gives: 'rr' }).finish!(values);
      expect(values.list('rr')).toHaveLength(0);
    }
  });
});
