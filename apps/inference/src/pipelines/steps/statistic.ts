import type { PostprocessingStep } from '../../models/manifest.js';
import type { Reducer } from '../reducer.js';
import type { Values } from '../values.js';
import { count, mean, mode, percentile, rmssd, shareBelow, variation } from './distribution.js';

export type StatisticStep = Extract<
  PostprocessingStep,
  { step: 'statistic' | 'histogram-statistic' | 'percentile' | 'share-below' | 'count' }
>;

/** The steps that make one number of a list or a histogram. */
export function statisticStep(step: StatisticStep): Reducer {
  return { finish: (values) => values.set(step.gives, statistic(step, values)) };
}

function statistic(step: StatisticStep, values: Values): number {
  switch (step.step) {
    case 'count':
      return count(values.distribution(step.of));
    case 'percentile':
      return percentile(values.distribution(step.of), step.percent);
    case 'share-below':
      return shareBelow(values.distribution(step.of), values.operand(step.value));
    case 'statistic':
      return { mean, variation, rmssd }[step.is](values.list(step.of));
    case 'histogram-statistic':
      return { mean, mode }[step.is](values.histogram(step.of));
  }
}
