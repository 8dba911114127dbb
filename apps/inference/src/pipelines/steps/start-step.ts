import type { PostprocessingStep } from '../../models/manifest.js';
import type { InputFacts, Reducer, StepContext } from '../reducer.js';
import { boxesStep } from './boxes.js';
import { channelStep } from './channels.js';
import { componentsStep } from './components.js';
import { heatMapStep } from './heat-map.js';
import { intervalsStep } from './intervals.js';
import { listPeaksStep } from './list-peaks.js';
import { mergeWindowsStep } from './merge-windows.js';
import { objectsStep } from './objects.js';
import { ofMaskStep } from './of-mask.js';
import { placeMaskStep } from './place-mask.js';
import { ratioStep } from './ratio.js';
import { scoreStep } from './scores.js';
import { statisticStep } from './statistic.js';
import { stitchTilesStep } from './stitch-tiles.js';
import { sumStep } from './sum.js';
import { widthStep } from './width.js';

/** The step a manifest names, ready to take batches. Steps are started in their order: each may say the layout of what it gives. */
export function startStep(step: PostprocessingStep, context: StepContext): Reducer {
  switch (step.step) {
    case 'softmax':
    case 'sigmoid':
    case 'argmax':
    case 'threshold':
      return channelStep(step, context);
    case 'scores':
    case 'top-label':
    case 'element':
    case 'embedding':
      return scoreStep(step, context);
    case 'mask':
      return placeMaskStep(step, context);
    case 'merge-windows':
      return mergeWindowsStep(step, context);
    case 'stitch-tiles':
      return stitchTilesStep(step, context);
    case 'largest-pieces':
    case 'volumes':
    case 'areas':
      return ofMaskStep(step, context);
    case 'split-objects':
      return objectsStep(step, context);
    case 'non-maximum-suppression':
      return boxesStep(step);
    case 'heat-map':
      return heatMapStep(step, context);
    case 'components':
      return componentsStep(step, factsOf('stack', context.facts));
    case 'list-peaks':
      return listPeaksStep(step, factsOf('waveform', context.facts));
    case 'width':
      return widthStep(step, factsOf('waveform', context.facts));
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
