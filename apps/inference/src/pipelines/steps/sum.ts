import type { PostprocessingStep } from '../../models/manifest.js';
import type { Reducer } from '../reducer.js';
import { tensorNamed } from '../tensor.js';

/** An output added up over all batches. */
export function sumStep(step: Extract<PostprocessingStep, { step: 'sum' }>): Reducer {
  let sum = 0;
  return {
    take: (tensors) => {
      for (const value of tensorNamed(tensors, step.of).data) sum += value;
    },
    finish: (values) => values.set(step.gives, sum),
  };
}
