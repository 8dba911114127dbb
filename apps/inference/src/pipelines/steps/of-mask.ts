import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import { countValues } from '../masks/filled-bytes.js';
import { largestPieces } from '../masks/largest-pieces.js';
import type { Mask } from '../masks/mask.js';
import type { Reducer, StepContext } from '../reducer.js';
import { voxelVolumeMm3 } from '../volumes/grid.js';

type OfMaskStep = Extract<PostprocessingStep, { step: 'largest-pieces' | 'volumes' | 'areas' }>;

/** Steps that read a whole mask: what of it stays, how much of each label there is. */
export function ofMaskStep(step: OfMaskStep, { labels }: StepContext): Reducer {
  return {
    finish: (values) => {
      const mask = values.mask(step.of);
      if (step.step === 'largest-pieces') {
        if (mask.kind !== 'volume') throw new ModelError('invalid-model', `${step.step} works on a mask of a volume.`);
        values.set(step.gives, { ...mask, data: largestPieces(mask, step.each, step.neighbours, step.atMost) });
        return;
      }
      const { counts, unit, looked } = step.step === 'volumes' ? countVoxels(mask) : countPixels(mask);
      for (const { id, value } of labels) values.set(`${step.gives}.${id}`, (counts[value] ?? 0) * unit);
      if (step.step === 'areas') values.set(`${step.gives}.pixels`, looked);
    },
  };
}

/** mL a voxel. */
function countVoxels(mask: Mask): { counts: Float64Array; unit: number; looked: number } {
  if (mask.kind !== 'volume') throw new ModelError('invalid-model', 'volumes works on a mask of a volume or stack.');
  return { counts: countValues(mask.data), unit: voxelVolumeMm3(mask.grid) / 1000, looked: mask.data.length };
}

/** mm2 a pixel; NaN where a picture does not say how large its pixels are, so that nothing is reported. */
function countPixels(mask: Mask): { counts: Float64Array; unit: number; looked: number } {
  if (mask.kind === 'slide') {
    const [row, column] = mask.spacingMicrometres;
    return {
      counts: mask.counts,
      unit: (row * column) / 1e6,
      looked: mask.counts.reduce((sum, count) => sum + count, 0),
    };
  }
  if (mask.kind !== 'pictures') throw new ModelError('invalid-model', 'areas works on a mask of a picture or slide.');
  const counts = new Float64Array(256);
  let looked = 0;
  let unit: number | undefined;
  for (const { data, spacingMm } of mask.pictures) {
    countValues(data).forEach((count, value) => (counts[value]! += count));
    looked += data.length;
    const own = spacingMm ? spacingMm[0] * spacingMm[1] : NaN;
    unit = unit === undefined || unit === own ? own : NaN;
  }
  return { counts, unit: unit ?? NaN, looked };
}
