import type { PostprocessingStep } from '../../models/manifest.js';
import type { Reducer } from '../reducer.js';

/** Distances between neighbours of a list. */
export function intervalsStep(step: Extract<PostprocessingStep, { step: 'intervals' }>): Reducer {
  return {
    finish: (values) => {
      const list = values.list(step.of);
      values.set(
        step.gives,
        Float64Array.from({ length: Math.max(0, list.length - 1) }, (_, index) => list[index + 1]! - list[index]!),
      );
    },
  };
}
