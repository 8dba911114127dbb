import type { PostprocessingStep } from '../../models/manifest.js';
import type { InputFacts, Reducer } from '../reducer.js';
import { componentsStep } from './components.js';
import { intervalsStep } from './intervals.js';
import { listPeaksStep } from './list-peaks.js';
import { ratioStep } from './ratio.js';
import { statisticStep } from './statistic.js';
import { sumStep } from './sum.js';
import { widthStep } from './width.js';

/** The step a manifest names, ready to take batches. */
export function startStep(step: PostprocessingStep, facts: InputFacts): Reducer {
  switch (step.step) {
    case 'components':
      return componentsStep(step, factsOf('volume', facts));
    case 'list-peaks':
      return listPeaksStep(step, factsOf('waveform', facts));
    case 'width':
      return widthStep(step, factsOf('waveform', facts));
    case 'intervals':
      return intervalsStep(step);
    case 'statistic':
    case 'histogram-statistic':
    case 'percentile':
    case 'share-below':
    case 'count':
      return statisticStep(step);
    case 'sum':
      return sumStep(step);
    case 'ratio':
      return ratioStep(step);
  }
}

function factsOf<Kind extends InputFacts['kind']>(kind: Kind, facts: InputFacts): Extract<InputFacts, { kind: Kind }> {
  if (facts.kind !== kind)
    throw new Error(`The step works on a ${kind}, not on a ${facts.kind}; the manifest's names were not checked.`);
  return facts as Extract<InputFacts, { kind: Kind }>;
}
