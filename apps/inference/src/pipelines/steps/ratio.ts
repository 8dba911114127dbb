import type { PostprocessingStep } from '../../models/manifest.js';
import type { Reducer } from '../reducer.js';

/** `times` x `of` / `to`; NaN when `to` is zero. */
export function ratioStep(step: Extract<PostprocessingStep, { step: 'ratio' }>): Reducer {
  return {
    finish: (values) => {
      const to = values.operand(step.to);
      values.set(step.gives, to === 0 ? NaN : (step.times * values.operand(step.of)) / to);
    },
  };
}
