import type { PostprocessingStep } from '../../models/manifest.js';
import type { Reducer } from '../reducer.js';

/** `times` x `of` / `to`; NaN when `to` is zero. */
export function ratioStep(step: Extract<PostprocessingStep, { step: 'ratio' }>): Reducer {
  return {
    finish: (values) => {
      const [of, to] = [step.of, step.to].map((operand) => (typeof operand === 'number' ? operand : values.number(operand))) as [number, number];
      values.set(step.gives, to === 0 ? NaN : (step.times * of) / to);
    },
  };
}
