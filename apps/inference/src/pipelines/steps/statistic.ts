import type { PostprocessingStep } from '../../models/manifest.js';
import type { Reducer } from '../reducer.js';
import type { Values } from '../values.js';
import { asDistribution, count, mean, percentile, rmssd, shareBelow, variation } from './distribution.js';

export type StatisticStep = Extract<PostprocessingStep, { step: 'statistic' | 'percentile' | 'share-below' | 'count' }>;

/** The steps that make one number of a list or a histogram. */
export function statisticStep(step: StatisticStep): Reducer {
  return { finish: (values) => values.set(step.gives, statistic(step, values)) };
}

function statistic(step: StatisticStep, values: Values): number {
  const of = asDistribution(values.get(step.of));
  switch (step.step) {
    case 'count':
      return count(of);
    case 'percentile':
      return percentile(of, step.percent);
    case 'share-below':
      return shareBelow(of, step.value);
    case 'statistic':
      switch (step.is) {
        case 'mean':
          return mean(of);
        case 'median':
          return percentile(of, 50);
        case 'variation':
          return variation(values.list(step.of));
        case 'rmssd':
          return rmssd(values.list(step.of));
      }
  }
}
