import type { PostprocessingStep } from '../../models/manifest.js';
import type { InputFacts, Reducer } from '../reducer.js';
import { tensorNamed, type Tensor } from '../tensor.js';
import { percentile } from './distribution.js';

/** Places (ms) where an output is above zero, how high it is there (median), and how far that stands out of another output. */
export function listPeaksStep(
  step: Extract<PostprocessingStep, { step: 'list-peaks' }>,
  facts: Extract<InputFacts, { kind: 'waveform' }>,
): Reducer {
  const places: number[] = [];
  const heights: number[] = [];
  let over: Tensor['data'] = new Float32Array();
  return {
    take: (tensors) => {
      over = tensorNamed(tensors, step.over).data;
      let previous = -1;
      tensorNamed(tensors, step.of).data.forEach((height, sample) => {
        if (height <= 0) return;
        // A flat top marks each of its samples: one peak, at its first.
        if (sample !== previous + 1 || places.length === 0) {
          places.push((sample * 1000) / facts.hertz);
          heights.push(height);
        }
        previous = sample;
      });
    },
    finish: (values) => {
      values.set(step.gives, Float64Array.from(places));
      const height = heights.length === 0 ? 0 : percentile(Float64Array.from(heights), 50);
      const ordinary = over.length === 0 ? 0 : percentile(Float64Array.from(over), 20);
      values.set(`${step.gives}.height`, height);
      // Where nothing happens between peaks they stand out without bound; the height then says whether they are peaks at all.
      values.set(`${step.gives}.contrast`, height === 0 ? 0 : height / Math.max(ordinary, 1e-9));
    },
  };
}
