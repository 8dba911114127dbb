import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { Reducer, StepContext } from '../reducer.js';
import { tensorNamed } from '../tensor.js';
import { voxels } from '../volumes/grid.js';
import { channelsOf } from './channels.js';
import { wrongInput } from './place-mask.js';

type MergeStep = Extract<PostprocessingStep, { step: 'merge-windows' }>;

/** Of the sums of all channels together. */
const bytesMax = 2 * 1024 ** 3;
/** Of a window's size: as MONAI's sliding window inference has it. */
const sigmaShare = 0.125;

/** Windows of a volume put together to one mask; where they overlap their weighted mean counts. */
export function mergeWindowsStep(step: MergeStep, { facts, layouts }: StepContext): Reducer {
  if (facts.kind !== 'volume') throw wrongInput(step.step, facts);
  const { grid } = facts;
  const [slices, rows, columns] = grid.dims;
  const size = voxels(grid);
  const layout = layouts.get(step.of) ?? '';
  let sums: Float32Array[] = [];
  const weights = new Float32Array(size);
  let bells: Float32Array[] | undefined;

  return {
    take: (tensors, { places }) => {
      const tensor = tensorNamed(tensors, step.of);
      const { channels } = channelsOf(tensor, layout);
      const dims = ['D', 'H', 'W'].map((letter) => tensor.dims[layout.indexOf(letter)]!) as [number, number, number];
      if (sums.length === 0) {
        if (channels * size * 4 > bytesMax)
          throw new ModelError(
            'invalid-input',
            `${channels} channels of ${grid.dims.join(' x ')} voxels are more than one worker holds.`,
          );
        sums = Array.from({ length: channels }, () => new Float32Array(size));
      }
      bells ??= dims.map((length) => weightsAlong(length, step.blend));
      const [down, across, along] = bells as [Float32Array, Float32Array, Float32Array];
      const plane = dims[0] * dims[1] * dims[2];
      places.forEach((place, item) => {
        if (place.kind !== 'window') throw wrongInput(step.step, facts);
        const [i0, j0, k0] = place.origin;
        for (let i = 0; i < dims[0] && i0 + i < slices; i++) {
          for (let j = 0; j < dims[1] && j0 + j < rows; j++) {
            const weight = down[i]! * across[j]!;
            const to = ((i0 + i) * rows + j0 + j) * columns + k0;
            const from = item * channels * plane + (i * dims[1] + j) * dims[2];
            const last = Math.min(dims[2], columns - k0);
            for (let k = 0; k < last; k++) weights[to + k]! += weight * along[k]!;
            for (let channel = 0; channel < channels; channel++) {
              const sum = sums[channel]!;
              const at = from + channel * plane;
              for (let k = 0; k < last; k++) sum[to + k]! += tensor.data[at + k]! * weight * along[k]!;
            }
          }
        }
      });
    },
    finish: (values) => {
      const data = new Uint8Array(size);
      const { into } = step;
      for (let at = 0; at < size; at++) {
        if (into !== 'argmax') {
          data[at] = sums[0]![at]! / weights[at]! > into.above ? 1 : 0;
          continue;
        }
        let best = 0;
        for (let channel = 1; channel < sums.length; channel++)
          if (sums[channel]![at]! > sums[best]![at]!) best = channel;
        data[at] = best;
      }
      sums = [];
      values.set(step.gives, { kind: 'volume', grid, data });
    },
  };
}

function weightsAlong(length: number, blend: 'constant' | 'gaussian'): Float32Array {
  const sigma = length * sigmaShare;
  return Float32Array.from({ length }, (_, index) =>
    blend === 'constant' ? 1 : Math.max(1e-3, Math.exp(-0.5 * ((index - (length - 1) / 2) / sigma) ** 2)),
  );
}
